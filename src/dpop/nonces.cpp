#include "dpop/nonces.h"

#include <cstdint>

#include "crypto/hash.h"
#include "encoding/base64url.h"

namespace writ::dpop {
namespace {

constexpr std::size_t kTimeBytes = 8, kTagBytes = 16;

std::string bytes_of(Instant time) {
  auto milliseconds = static_cast<std::uint64_t>(time.time_since_epoch().count());
  std::string bytes(kTimeBytes, '\0');
  for (std::size_t i = kTimeBytes; i-- > 0; milliseconds >>= 8) bytes[i] = static_cast<char>(milliseconds & 0xFF);
  return bytes;
}

Instant time_of(std::string_view bytes) {
  std::uint64_t milliseconds = 0;
  for (const char byte : bytes) milliseconds = milliseconds << 8 | static_cast<std::uint8_t>(byte);
  return Instant{Milliseconds{static_cast<std::int64_t>(milliseconds)}};
}

}  // namespace

std::string Nonces::tag(std::string_view time) const { return crypto::hmac_sha256(key_.reveal(), time).substr(0, kTagBytes); }

std::string Nonces::make(Instant now) const {
  const std::string time = bytes_of(now);
  return base64url::encode(time + tag(time));
}

std::optional<Instant> Nonces::made_at(std::string_view nonce) const {
  const auto bytes = base64url::decode(nonce);
  if (!bytes || bytes->size() != kTimeBytes + kTagBytes) return std::nullopt;
  const std::string_view time = std::string_view(*bytes).substr(0, kTimeBytes);
  if (!crypto::constant_time_equal(tag(time), std::string_view(*bytes).substr(kTimeBytes))) return std::nullopt;
  return time_of(time);
}

}  // namespace writ::dpop
