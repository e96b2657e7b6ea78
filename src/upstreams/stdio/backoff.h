#pragma once

// When a program that keeps failing may be started again. Plain data; time is passed in.

#include <algorithm>
#include <chrono>

#include "base/clock.h"

namespace writ::upstreams::stdio {

using SteadyTime = std::chrono::steady_clock::time_point;

class Backoff {
 public:
  static constexpr Milliseconds kFirst{1'000}, kLongest{60'000};
  static constexpr Seconds kStable{30};   // a run of this length makes up for what was before

  // It ended by itself, or never ran. A first crash of one that had served is answered by starting it again at once.
  void note_failure(SteadyTime now, std::chrono::steady_clock::duration ran, bool had_served) {
    if (ran >= kStable) failures_ = 0;
    ++failures_;
    const int doublings = failures_ - (had_served ? 2 : 1);
    next_ = doublings < 0 ? now : now + std::min(kLongest, kFirst * (1 << std::min(doublings, 10)));
  }
  Milliseconds left(SteadyTime now) const { return next_ <= now ? Milliseconds(0) : std::chrono::ceil<Milliseconds>(next_ - now); }
  int failures() const { return failures_; }
  // Long enough ago to be forgotten.
  bool is_over(SteadyTime now) const { return now - next_ > 2 * kLongest; }

 private:
  int failures_ = 0;
  SteadyTime next_{};
};

}  // namespace writ::upstreams::stdio
