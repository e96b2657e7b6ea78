#include "gateway/usage_limits.h"

#include <algorithm>
#include <cmath>

#include "policy/access_grant.h"

namespace writ::gateway {
namespace {

using registry::Limit;

constexpr std::int64_t kDaySeconds = 86'400;

bool names(const std::vector<std::string>& list, std::string_view value) { return list.empty() || std::find(list.begin(), list.end(), value) != list.end(); }

bool concerns(const Limit& limit, const registry::Snapshot& snapshot, const UsageLimits::Use& use) {
  if (!limit.active || !names(limit.agents, use.caller.agent->id) || !names(limit.servers, use.server)) return false;
  const bool is_about_tools = !limit.tools.empty() || std::find(limit.per.begin(), limit.per.end(), Limit::Per::tool) != limit.per.end();
  if (is_about_tools && use.tool.empty()) return false;
  if (!limit.tools.empty() && std::none_of(limit.tools.begin(), limit.tools.end(), [&](const std::string& glob) { return policy::glob_matches(glob, use.tool); })) return false;
  if (limit.groups.empty()) return true;
  const auto& groups = snapshot.groups_of(*use.caller.user);
  return std::any_of(groups.begin(), groups.end(), [&](const std::string& group) { return names(limit.groups, group); });
}

// What is counted apart. No part has a line end in it but a tool's name, which comes last.
std::string key_of(const Limit& limit, const UsageLimits::Use& use) {
  const auto is_apart = [&](Limit::Per per) { return std::find(limit.per.begin(), limit.per.end(), per) != limit.per.end(); };
  std::string key = limit.id + "\n";
  if (is_apart(Limit::Per::user)) key += use.caller.user->id;
  key += "\n";
  if (is_apart(Limit::Per::agent)) key += use.caller.agent->id;
  key += "\n";
  if (is_apart(Limit::Per::server) || is_apart(Limit::Per::tool)) key += use.server;
  key += "\n";
  if (is_apart(Limit::Per::tool)) key += use.tool;
  return key;
}

double capacity_of(const Limit& limit) { return static_cast<double>(limit.burst > 0 ? limit.burst : std::max<std::int64_t>(1, limit.requests_per_minute / 10)); }

std::int64_t day_of(Instant now) { return to_unix_seconds(now) / kDaySeconds; }

}  // namespace

std::optional<Seconds> UsageLimits::take_one(const Limit& limit, const std::string& key, bool is_call, Instant now) {
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  if (shard.counters.size() >= kCountersPerShardMax && !shard.counters.contains(key)) {
    std::erase_if(shard.counters, [&](const auto& entry) { return entry.second.concurrent == 0 && entry.second.day != day_of(now); });
    if (shard.counters.size() >= kCountersPerShardMax) return Seconds{60};
  }
  Counter& counter = shard.counters[key];
  if (counter.day != day_of(now)) counter.day = day_of(now), counter.calls = 0, counter.bytes = 0;
  const Seconds until_tomorrow{kDaySeconds - to_unix_seconds(now) % kDaySeconds};
  if (limit.bytes_per_day > 0 && counter.bytes >= limit.bytes_per_day) return until_tomorrow;
  if (is_call && limit.calls_per_day > 0 && counter.calls >= limit.calls_per_day) return until_tomorrow;
  if (is_call && limit.concurrent_calls > 0 && counter.concurrent >= limit.concurrent_calls) return Seconds{1};
  if (limit.requests_per_minute > 0) {
    const double per_second = static_cast<double>(limit.requests_per_minute) / 60, capacity = capacity_of(limit);
    const double elapsed = std::max(0.0, std::chrono::duration<double>(now - counter.refilled).count());
    counter.tokens = counter.tokens < 0 ? capacity : std::min(capacity, counter.tokens + elapsed * per_second);
    counter.refilled = now;
    if (counter.tokens < 1) return Seconds{static_cast<std::int64_t>(std::ceil((1 - counter.tokens) / per_second))};
    counter.tokens -= 1;
  }
  if (is_call) ++counter.calls, ++counter.concurrent;
  return std::nullopt;
}

void UsageLimits::undo(const Limit& limit, const std::string& key, bool is_call) {
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.counters.find(key);
  if (found == shard.counters.end()) return;
  if (limit.requests_per_minute > 0) found->second.tokens += 1;
  if (is_call) --found->second.calls, --found->second.concurrent;
}

Result<UsageLimits::Lease, UsageLimits::Refusal> UsageLimits::take(const registry::Snapshot& snapshot, const Use& use, Instant now) {
  Lease lease;
  lease.message_bytes = use.message_bytes;
  const bool is_call = !use.tool.empty();
  std::vector<std::pair<const Limit*, std::string>> taken;
  for (const Limit& limit : snapshot.objects().limits) {
    if (!concerns(limit, snapshot, use)) continue;
    std::string key = key_of(limit, use);
    if (const auto wait = take_one(limit, key, is_call, now)) {
      for (const auto& [earlier, earlier_key] : taken) undo(*earlier, earlier_key, is_call);
      return unexpected(Refusal{limit.id, *wait});
    }
    taken.emplace_back(&limit, key);
    if (is_call) lease.calls.push_back(key);
    lease.bytes.push_back(std::move(key));
  }
  return lease;
}

void UsageLimits::give_back(const Lease& lease, std::int64_t bytes, Instant now) {
  for (const std::string& key : lease.bytes) {
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    Counter& counter = shard.counters[key];
    if (counter.day != day_of(now)) counter.day = day_of(now), counter.calls = 0, counter.bytes = 0;
    counter.bytes += bytes + lease.message_bytes;
    if (std::find(lease.calls.begin(), lease.calls.end(), key) != lease.calls.end()) --counter.concurrent;
  }
}

std::size_t UsageLimits::size() const {
  std::size_t total = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    total += shard.counters.size();
  }
  return total;
}

}  // namespace writ::gateway
