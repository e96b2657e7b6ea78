#include "crypto/password.h"

#include <argon2.h>

#include <charconv>
#include <cstdint>
#include <optional>

#include "crypto/openssl.h"
#include "crypto/random.h"

namespace writ::crypto {
namespace {

// RFC 9106 §4, second recommended option but with one lane: a sign-in must not take both cores.
constexpr std::uint32_t kPasses = 3;
constexpr std::uint32_t kMemoryKib = 64 * 1024;
constexpr std::uint32_t kLanes = 1;
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kHashBytes = 32;
constexpr std::size_t kPasswordBytesMax = 1024;

// A hash names its own cost. One that was tampered with must not buy unbounded memory or time.
constexpr std::uint32_t kMemoryKibMax = 1024 * 1024;
constexpr std::uint32_t kPassesMax = 16;
constexpr std::uint32_t kLanesMax = 8;

std::optional<std::uint32_t> number_after(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

bool is_affordable(std::string_view phc) {
  if (phc.size() > 512 || !phc.starts_with("$argon2id$v=19$")) return false;
  phc.remove_prefix(std::string_view("$argon2id$v=19$").size());
  const auto memory = number_after(phc, "m=");
  const auto passes = number_after(phc, ",t=");
  const auto lanes = number_after(phc, ",p=");
  return memory && passes && lanes && *memory <= kMemoryKibMax && *passes <= kPassesMax && *lanes <= kLanesMax;
}

}  // namespace

std::string hash_password(const Secret& password) {
  const std::string salt = random_bytes(kSaltBytes);
  std::string encoded(argon2_encodedlen(kPasses, kMemoryKib, kLanes, kSaltBytes, kHashBytes, Argon2_id), '\0');
  const std::string_view text = password.reveal();
  must(argon2id_hash_encoded(kPasses, kMemoryKib, kLanes, text.data(), text.size(), salt.data(), salt.size(), kHashBytes,
                             encoded.data(), encoded.size()) == ARGON2_OK,
       "argon2id");
  encoded.resize(encoded.find('\0'));
  return encoded;
}

bool verify_password(const Secret& password, std::string_view phc) {
  const std::string_view text = password.reveal();
  if (text.size() > kPasswordBytesMax || !is_affordable(phc) || phc.find('\0') != std::string_view::npos) return false;
  return argon2id_verify(std::string(phc).c_str(), text.data(), text.size()) == ARGON2_OK;
}

const std::string& unmatchable_password_hash() {
  static const std::string hash = hash_password(Secret(random_bytes(32)));
  return hash;
}

}  // namespace writ::crypto
