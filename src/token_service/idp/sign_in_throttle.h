#pragma once

// Slows password guessing down without locking anybody out (T7): the first wrong passwords of a source cost nothing; later attempts of that
// source queue, a few a second; only when the queue is long is an attempt refused unheard. A right password is always served when its
// turn comes. Counted per source address, never per user name: otherwise anyone could lock anyone out.

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

#include "base/clock.h"

namespace writ::token_service::idp {

struct SignInThrottleRules {
  int free_failures = 10;              // within `window`
  Seconds window{300};
  Milliseconds spacing{250};           // between two attempts of a source that used them up
  Milliseconds wait_max{3'000};        // a longer queue is refused
  std::size_t sources_max = 20'000;    // memory bound
  int pending_max = 64;                // passwords being checked at a time, of all sources together: each takes some 50 ms
};

struct GoAhead {
  Milliseconds wait{0};
};
struct TooMany {
  Seconds retry_after{1};
};

// Safe to share between threads.
class SignInThrottle {
 public:
  explicit SignInThrottle(SignInThrottleRules rules = {}) : rules_(rules) {}
  // After GoAhead the attempt is settled() exactly once. Until then it counts as failed: a thousand guesses at the same moment are a
  // thousand guesses.
  std::variant<GoAhead, TooMany> admit(std::string_view address, Instant now);
  enum class Outcome { failed, succeeded };
  void settled(std::string_view address, Outcome outcome, Instant now);

  // The source of an address: itself, or its /64 for IPv6, of which one subscriber usually has the whole.
  static std::string source_of(std::string_view address);

 private:
  struct Source {
    int failures = 0, pending = 0;
    Instant window_ends{}, next_free{};
  };
  Source& source(std::string_view address, Instant now);

  const SignInThrottleRules rules_;
  std::mutex mutex_;
  std::unordered_map<std::string, Source> sources_;
  int pending_ = 0;
};

}  // namespace writ::token_service::idp
