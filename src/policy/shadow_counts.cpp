#include "policy/shadow_counts.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "registry/fields.h"

namespace writ::policy {
namespace {

constexpr const char* kKinds[] = {"shadow", "candidate"};

std::int64_t hour_of(Instant time) { return to_unix_seconds(time) / 3600; }

// What policy decided, which is not always what became of the call: one that lacks its scope was allowed by policy, one that was approved was held.
std::string decided_by_policy(std::string_view effect, std::string_view reason) {
  if (reason == "approval_pending" || reason == "approved" || reason == "approval_used" || reason == "approval_rejected") return "hold";
  if (reason == "insufficient_scope") return "allow";
  return std::string(effect);
}

// `text` finds a member's text; the rest is the same for records and lines.
template <class Text>
std::vector<ShadowSeen> shadows_by(const Text& text, std::uint64_t position, Instant time) {
  std::vector<ShadowSeen> all;
  const std::string effect = text("effect");
  if (effect != "allow" && effect != "deny") return all;
  for (const char* kind : kKinds) {
    const std::string of = kind;
    ShadowSeen seen;
    seen.would = text((of + "_effect").c_str());
    if (seen.would.empty()) continue;
    const std::string scope = text((of + "_scope").c_str());
    seen.of_candidate = of == "candidate";
    seen.policy = text((of + "_policy").c_str());
    seen.version = text((of + "_version").c_str());
    // About a scope: the other way round from what is tried out; there is no third way.
    seen.decided = scope.empty() ? decided_by_policy(effect, text("reason")) : seen.would == "allow" ? "deny" : "allow";
    if (seen.decided == seen.would) continue;
    seen.user = text("user");
    seen.user_name = text("user_name");
    seen.agent = text("agent");
    seen.server = text("server");
    const std::string tool = text("tool");
    seen.subject = !scope.empty() ? "scope " + scope : !tool.empty() ? tool : text("action").empty() ? text("event") : text("action");
    seen.position = position;
    seen.time = time;
    all.push_back(std::move(seen));
  }
  return all;
}

bool has_any(const std::string& ids, const std::set<std::string>& wanted) {
  std::string_view rest = ids;
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    if (wanted.contains(std::string(rest.substr(0, comma)))) return true;
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return false;
}

}  // namespace

bool has_shadow(const audit::Record& record) {
  return std::any_of(record.more.begin(), record.more.end(), [](const auto& member) { return member.first == "shadow_effect" || member.first == "candidate_effect"; });
}

std::vector<ShadowSeen> shadows_in(const audit::Record& record, std::uint64_t position) {
  const auto text = [&](std::string_view name) -> std::string {
    if (name == "effect") return std::string(audit::to_string(record.effect));
    if (name == "event") return std::string(audit::to_string(record.event));
    const std::pair<std::string_view, const std::string*> members[] = {{"reason", &record.reason}, {"user", &record.user},     {"user_name", &record.user_name}, {"agent", &record.agent},
                                                                       {"server", &record.server}, {"tool", &record.tool}, {"action", &record.action}};
    for (const auto& [member, value] : members) {
      if (member == name) return *value;
    }
    for (const auto& [member, value] : record.more) {
      if (member == name) return value;
    }
    return "";
  };
  return shadows_by(text, position, record.time);
}

std::vector<ShadowSeen> shadows_in(const json::Value& line) {
  const auto text = [&](const char* name) {
    const auto* value = line.find_string(name);
    return value ? *value : std::string();
  };
  const auto* position = line.find_int("position");
  const auto time = registry::parse_instant(text("time"));
  if (!position || !time) return {};
  return shadows_by(text, static_cast<std::uint64_t>(*position), *time);
}

void ShadowCounts::drop_old(Instant now) {
  const std::int64_t hour = hour_of(now);
  if (hour == dropped_at_hour_) return;
  dropped_at_hour_ = hour;
  for (auto cell = cells_.begin(); cell != cells_.end();) {
    auto& hours = cell->second.by_hour;
    hours.erase(hours.begin(), hours.lower_bound(hour - kShadowWindow.count() / 3600 + 1));
    cell = hours.empty() ? cells_.erase(cell) : std::next(cell);
  }
}

void ShadowCounts::add(const ShadowSeen& seen) {
  Key key{seen.of_candidate, seen.policy, seen.version, seen.decided, seen.would, seen.user, seen.server, seen.subject};
  const std::lock_guard lock(mutex_);
  drop_old(seen.time);
  auto found = cells_.find(key);
  if (found == cells_.end()) {
    if (cells_.size() >= kRowsMax) {
      ++not_counted_;
      return;
    }
    found = cells_.emplace(std::move(key), Cell{seen, {}}).first;
  }
  if (found->second.newest.position < seen.position) found->second.newest = seen;
  ++found->second.by_hour[hour_of(seen.time)];
}

ShadowCounts::Summary ShadowCounts::summary(Instant now, const std::set<std::string>& policies, const std::string& candidate_version) const {
  Summary summary;
  std::set<std::string> blocked, held, allowed;
  const std::int64_t oldest = hour_of(now) - kShadowWindow.count() / 3600 + 1;
  const std::lock_guard lock(mutex_);
  summary.not_counted = not_counted_;
  for (const auto& [key, cell] : cells_) {
    const ShadowSeen& seen = cell.newest;
    if (seen.of_candidate ? candidate_version.empty() || seen.version != candidate_version : !has_any(seen.policy, policies)) continue;
    Row row{seen, 0};
    for (auto hour = cell.by_hour.lower_bound(oldest); hour != cell.by_hour.end(); ++hour) row.calls += hour->second;
    if (row.calls == 0) continue;
    Total& total = seen.would == "deny" ? summary.would_block : seen.would == "hold" ? summary.would_hold : summary.would_allow;
    auto& people = seen.would == "deny" ? blocked : seen.would == "hold" ? held : allowed;
    total.calls += row.calls;
    people.insert(seen.user);
    total.people = people.size();
    summary.rows.push_back(std::move(row));
  }
  std::stable_sort(summary.rows.begin(), summary.rows.end(), [](const Row& a, const Row& b) { return a.calls > b.calls; });
  return summary;
}

}  // namespace writ::policy
