#pragma once

// Until when this process may serve (rules §7.2): it was told of every change that is older. Asked with every request, by all threads.

#include <atomic>
#include <chrono>
#include <cstdint>

namespace writ::nodes {

class OwnLease {
 public:
  using Steady = std::chrono::steady_clock;

  // `until`: counted from before the sign of life that others have seen. By one thread. True: it did not hold before.
  bool extend(Steady::time_point until, Steady::time_point now) {
    const bool begins = !holds(now);
    // The term first: who sees the new lease sees that it is another.
    if (begins) term_.fetch_add(1, std::memory_order_acq_rel);
    until_.store(until.time_since_epoch().count(), std::memory_order_release);
    return begins;
  }
  void give_up() { until_.store(0, std::memory_order_release); }
  bool holds(Steady::time_point now) const { return now.time_since_epoch().count() < until_.load(std::memory_order_acquire); }
  // Another one after each lapse. What was decided in one term is not answered in another: meanwhile it may have been forbidden.
  std::uint64_t term() const { return term_.load(std::memory_order_acquire); }

 private:
  std::atomic<Steady::rep> until_{0};
  std::atomic<std::uint64_t> term_{0};
};

}  // namespace writ::nodes
