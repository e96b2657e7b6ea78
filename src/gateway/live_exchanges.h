#pragma once

// All exchanges that are under way, so that those which would no longer be allowed can be ended (rules §5.3; G14).

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/executor.h"
#include "gateway/exchange.h"
#include "policy/decision.h"

namespace writ::gateway {

// What a decision was made with. When one of these is no longer current, the decision is asked for again.
struct Basis {
  std::uint64_t objects = 0;                          // Snapshot::sequence
  std::shared_ptr<const policy::Policy> policy;
  std::uint64_t revocations = 0;                      // Revocations::epoch
  friend bool operator==(const Basis&, const Basis&) = default;
};

// Safe to share between threads.
class LiveExchanges {
 public:
  // On the exchange's own loop. It takes itself out when its last owner lets go.
  void add(const std::shared_ptr<Exchange>& exchange, Basis basis);
  void remove(const Exchange& exchange);
  void set_basis(const Exchange& exchange, Basis basis);

  // From any thread: has `examine` called, on the loop of each exchange that is due: its time is over or its basis is not `current`.
  void visit_due(Instant now, const Basis& current, const std::function<void(Exchange&)>& examine);
  std::size_t size() const;

 private:
  struct Entry {
    Executor* executor;
    std::weak_ptr<Exchange> exchange;   // locked on its own loop only: another thread must never be the last owner
    std::shared_ptr<const Session> session;
    std::int64_t expires;               // of the token, for standing streams; else the deadline; in seconds
    bool stands;
    Basis basis;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<const Exchange*, Entry> entries;
  };
  static constexpr std::size_t kShards = 16;
  Shard& shard_of(const Exchange& exchange) { return shards_[(reinterpret_cast<std::uintptr_t>(&exchange) >> 6) % kShards]; }
  std::array<Shard, kShards> shards_;
};

// When a standing stream ends if nothing else happens.
std::int64_t stands_until(const AccessToken& token, const Session* session);

}  // namespace writ::gateway
