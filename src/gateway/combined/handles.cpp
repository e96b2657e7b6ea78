#include "gateway/combined/handles.h"

namespace writ::gateway::combined {
namespace {

constexpr Seconds kLifetime{3'600};

std::string bound_to(std::string_view principal, std::string_view purpose) {
  return "combined " + std::to_string(principal.size()) + ":" + std::string(principal) + std::string(purpose);
}

}  // namespace

std::string Handles::seal(const json::Value& value, std::string_view principal, std::string_view purpose, Instant now) const {
  return sealed_->seal(json::write(value), bound_to(principal, purpose), now + kLifetime);
}

std::optional<json::Value> Handles::open(std::string_view handle, std::string_view principal, std::string_view purpose, Instant now) const {
  const auto opened = sealed_->open(handle, bound_to(principal, purpose), now);
  if (!opened) return std::nullopt;
  auto value = json::parse(opened->content, {crypto::Handles::kBytesMax, 8, 10'000});
  return value ? std::optional(std::move(*value)) : std::nullopt;
}

}  // namespace writ::gateway::combined
