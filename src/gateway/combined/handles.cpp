#include "gateway/combined/handles.h"

#include "crypto/random.h"
#include "encoding/base64url.h"

namespace writ::gateway::combined {
namespace {

constexpr std::int64_t kLifetimeSeconds = 3'600;
constexpr std::size_t kHandleBytesMax = 256 * 1024;

std::string bound_to(std::string_view principal, std::string_view purpose) {
  return "writ handle " + std::to_string(principal.size()) + ":" + std::string(principal) + std::string(purpose);
}

}  // namespace

Handles::Handles() : key_(Secret(crypto::random_bytes(32))) {}

std::string Handles::seal(const json::Value& value, std::string_view principal, std::string_view purpose, Instant now) const {
  const json::Value sealed{{"v", value}, {"until", to_unix_seconds(now) + kLifetimeSeconds}};
  return base64url::encode(key_.seal(json::write(sealed), bound_to(principal, purpose)));
}

std::optional<json::Value> Handles::open(std::string_view handle, std::string_view principal, std::string_view purpose, Instant now) const {
  if (handle.size() > kHandleBytesMax) return std::nullopt;
  const auto bytes = base64url::decode(handle);
  const auto plain = bytes ? key_.open(*bytes, bound_to(principal, purpose)) : std::nullopt;
  if (!plain) return std::nullopt;
  auto parsed = json::parse(plain->reveal(), {kHandleBytesMax, 8, 10'000});
  const auto* until = parsed ? parsed->find_int("until") : nullptr;
  const json::Value* value = parsed ? parsed->find("v") : nullptr;
  if (!until || !value || *until <= to_unix_seconds(now)) return std::nullopt;
  return *value;
}

}  // namespace writ::gateway::combined
