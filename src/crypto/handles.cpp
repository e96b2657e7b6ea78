#include "crypto/handles.h"

#include "crypto/random.h"
#include "encoding/base64url.h"

namespace writ::crypto {
namespace {

constexpr std::size_t kNodeBytes = 4, kExpiryBytes = 8;

void append_number(std::string& bytes, std::uint64_t value, std::size_t width) {
  for (std::size_t left = width; left > 0; --left) bytes.push_back(static_cast<char>(value >> (8 * (left - 1))));
}

std::uint64_t read_number(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

std::string purpose_of(std::string_view bound_to) { return "writ handle " + std::string(bound_to); }

}  // namespace

Handles::Handles() : key_(Secret(random_bytes(32))) {}

std::string Handles::seal(std::string_view content, std::string_view bound_to, Instant until) const {
  std::string plain;
  plain.reserve(kNodeBytes + kExpiryBytes + content.size());
  append_number(plain, node_, kNodeBytes);
  append_number(plain, static_cast<std::uint64_t>(to_unix_seconds(until)), kExpiryBytes);
  plain.append(content);
  return base64url::encode(key_.seal(plain, purpose_of(bound_to)));
}

std::optional<Handles::Opened> Handles::open(std::string_view handle, std::string_view bound_to, Instant now) const {
  if (handle.size() > kBytesMax) return std::nullopt;
  const auto bytes = base64url::decode(handle);
  const auto plain = bytes ? key_.open(*bytes, purpose_of(bound_to)) : std::nullopt;
  if (!plain || plain->reveal().size() < kNodeBytes + kExpiryBytes) return std::nullopt;
  const std::string_view all = plain->reveal();
  const auto until = static_cast<std::int64_t>(read_number(all.substr(kNodeBytes, kExpiryBytes)));
  if (until <= to_unix_seconds(now)) return std::nullopt;
  return Opened{std::string(all.substr(kNodeBytes + kExpiryBytes)), static_cast<std::uint32_t>(read_number(all.substr(0, kNodeBytes)))};
}

}  // namespace writ::crypto
