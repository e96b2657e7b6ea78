#pragma once

// Time is passed in. Rules take an `Instant now`; only the edge asks a Clock.

#include <chrono>
#include <cstdint>

namespace writ {

using Seconds = std::chrono::seconds;
using Milliseconds = std::chrono::milliseconds;

// Wall-clock time in UTC, to the millisecond.
using Instant = std::chrono::sys_time<Milliseconds>;

// NumericDate (RFC 7519 §2) and back. Fractions are cut off.
inline std::int64_t to_unix_seconds(Instant instant) {
  return std::chrono::floor<Seconds>(instant).time_since_epoch().count();
}
inline Instant from_unix_seconds(std::int64_t seconds) {
  return Instant{std::chrono::duration_cast<Milliseconds>(Seconds{seconds})};
}

// Safe to share between threads.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Instant now() const override { return std::chrono::floor<Milliseconds>(std::chrono::system_clock::now()); }
};

}  // namespace writ
