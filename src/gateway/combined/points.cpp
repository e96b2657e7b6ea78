#include "gateway/combined/points.h"

#include <utility>

#include "gateway/denial.h"

namespace writ::gateway::combined {
namespace {

constexpr std::size_t kPointBytesMax = 512;       // of one member
constexpr std::size_t kEventIdBytesMax = 4'096;   // comes back as one header field

}  // namespace

Points::Points(const Handles& handles, std::string principal, std::string_view endpoint, std::string_view session)
    : handles_(handles), principal_(std::move(principal)), purpose_(json::write(json::Array{"stream", std::string(endpoint), std::string(session)})) {}

void Points::resume_from(std::string_view event_id, Instant now) {
  const auto opened = handles_.open(event_id, principal_, purpose_, now);
  const json::Object* members = opened ? opened->as_object() : nullptr;
  if (!members) return;
  for (const json::Member& member : *members) {
    if (const std::string* point = member.value.as_string()) of_[member.name] = *point;
  }
}

void Points::note(const std::string& member, const mcp::Event& event) {
  if (!event.id) return;
  // Our own events lie beside the member's stream: it cannot be resumed from them.
  if (is_own_event_id(*event.id)) return;
  if (event.id->empty() || event.id->size() > kPointBytesMax) of_.erase(member);
  else of_[member] = *event.id;
}

const std::string* Points::of(const std::string& member) const {
  const auto found = of_.find(member);
  return found == of_.end() ? nullptr : &found->second;
}

std::optional<std::string> Points::event_id(Instant now) const {
  if (of_.empty()) return std::nullopt;
  json::Value members = json::Object{};
  for (const auto& [member, point] : of_) members.set(member, point);
  std::string sealed = handles_.seal(members, principal_, purpose_, now);
  if (sealed.size() > kEventIdBytesMax) return std::nullopt;
  return sealed;
}

}  // namespace writ::gateway::combined
