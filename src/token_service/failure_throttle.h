#pragma once

// Counts failed client authentications per source (T7). It never stands in the way of correct credentials: whoever shares an address
// with a guesser is still served; only further failures are told to wait.

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"

namespace writ::token_service {

struct ThrottleRules {
  int failures_max = 20;               // within one window; above it failures are answered 429
  Seconds window{60};
  std::size_t sources_max = 10'000;    // remembered at a time; the memory that strangers can take is bounded
};

// Whose failures count together: an IPv4 address, or the /64 network of an IPv6 address, which is what one host commonly has to itself.
std::string throttled_source(std::string_view address);

// Safe to share between threads.
class FailureThrottle {
 public:
  explicit FailureThrottle(ThrottleRules rules = {}) : rules_(rules) {}

  // Counts one failure. Zero while the source is within its allowance, else the seconds until it may try again.
  int count_failure(std::string_view address, Instant now);

 private:
  struct Window {
    Instant began{};
    int failures = 0;
  };
  void make_room(Instant now);

  ThrottleRules rules_;
  std::mutex mutex_;
  std::unordered_map<std::string, Window> windows_;
};

}  // namespace writ::token_service
