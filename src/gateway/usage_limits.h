#pragma once

// How much may be used (registry::Limit): rates as token buckets, concurrent calls, calls and bytes of a day. Counted in memory on this node; a start begins
// anew, and with several nodes each counts for itself (rules §5.7).

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "gateway/bearer_authentication.h"
#include "registry/snapshot.h"

namespace writ::gateway {

// Safe to share between threads; locks are striped by key.
class UsageLimits {
 public:
  struct Refusal {
    std::string limit;                  // its id
    Seconds retry_after{1};
  };
  // What was taken, to be given back when the exchange ends.
  struct Lease {
    std::vector<std::string> calls;     // counters of which a concurrent call is taken
    std::vector<std::string> bytes;     // counters that its bytes belong to
    std::int64_t message_bytes = 0;
  };
  struct Use {
    const Caller& caller;
    std::string_view server, tool;      // no tool: no call
    std::int64_t message_bytes = 0;
  };
  // All limits that concern it, or none: who is refused has used nothing up.
  Result<Lease, Refusal> take(const registry::Snapshot& snapshot, const Use& use, Instant now);
  void give_back(const Lease& lease, std::int64_t bytes, Instant now);
  std::size_t size() const;

 private:
  static constexpr std::size_t kShards = 16, kCountersPerShardMax = 20'000;
  struct Counter {
    double tokens = -1;                 // below 0: never used
    Instant refilled{};
    std::int64_t concurrent = 0, day = -1, calls = 0, bytes = 0;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::string, Counter> counters;
  };
  Shard& shard_of(const std::string& key) { return shards_[std::hash<std::string>()(key) % kShards]; }
  // Absent: it was taken.
  std::optional<Seconds> take_one(const registry::Limit& limit, const std::string& key, bool is_call, Instant now);
  void undo(const registry::Limit& limit, const std::string& key, bool is_call);
  std::array<Shard, kShards> shards_;
};

}  // namespace writ::gateway
