#pragma once

// Calls that wait for their client's answers to a server's requests. Bounded in number, time and bytes: a client that never comes back costs
// little and not for long.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "base/executor.h"

namespace writ::upstreams {

class BridgedCall;

// Safe to share between threads. A call is only ever touched, and let go of, on its own loop.
class PendingCalls {
 public:
  static constexpr Seconds kWaitsFor{600};
  static constexpr std::size_t kCallsMax = 1'000, kPerPrincipalMax = 16, kBytesMax = 64 << 20;

  // On the call's loop. False: as many as may wait are waiting.
  bool add(const std::string& id, const std::string& principal, std::shared_ptr<BridgedCall> call, Instant now);
  void remove(const std::string& id);
  // Has `visit` called with the call, on its loop. False: there is no such call.
  bool visit(const std::string& id, std::function<void(BridgedCall&)> visit);
  // Takes those whose time is over and has `expire` called with each, on its loop.
  void take_expired(Instant now, const std::function<void(BridgedCall&)>& expire);

  // Of what is kept for them. False: no room; nothing is held then.
  bool hold(std::size_t bytes);
  void release(std::size_t bytes) { bytes_.fetch_sub(bytes); }
  std::size_t size() const;

 private:
  struct Entry {
    std::string principal;
    std::shared_ptr<BridgedCall> call;
    Executor* home;
    std::int64_t expires;
  };
  void forget(const std::string& principal);
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> calls_;
  std::unordered_map<std::string, std::size_t> of_principal_;
  std::atomic<std::size_t> bytes_{0};
};

}  // namespace writ::upstreams
