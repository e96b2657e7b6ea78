#pragma once

// A decision point that does not answer costs every question its time-out. After some failures in a row nobody waits for it any more: questions are
// refused at once, and one at a time may try whether it is back. It denies either way; this only makes denying cheap.

#include <mutex>

#include "base/clock.h"

namespace writ::authzen {

// Safe to share between threads.
class CircuitBreaker {
 public:
  static constexpr int kFailuresMax = 5;       // in a row
  static constexpr Seconds kOpenFor{5};
  static constexpr int kPendingMax = 256;      // questions that wait for one decision point

  // True: ask, and say how it went. False: do not ask.
  bool may_ask(Instant now);
  void answered();
  void failed(Instant now);
  bool is_open(Instant now) const;

 private:
  mutable std::mutex mutex_;
  int failures_ = 0, pending_ = 0;
  Instant retry_at_{};
};

}  // namespace writ::authzen
