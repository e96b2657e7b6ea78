#include "authzen/circuit_breaker.h"

namespace writ::authzen {

bool CircuitBreaker::may_ask(Instant now) {
  const std::lock_guard lock(mutex_);
  if (pending_ >= kPendingMax) return false;
  if (failures_ >= kFailuresMax) {
    if (now < retry_at_) return false;
    retry_at_ = now + kOpenFor;   // this one tries; the others are refused until it is known, or until it is time for another
  }
  ++pending_;
  return true;
}

void CircuitBreaker::answered() {
  const std::lock_guard lock(mutex_);
  --pending_;
  failures_ = 0;
}

void CircuitBreaker::failed(Instant now) {
  const std::lock_guard lock(mutex_);
  --pending_;
  if (failures_ < kFailuresMax) ++failures_;
  if (failures_ == kFailuresMax) retry_at_ = now + kOpenFor;
}

bool CircuitBreaker::is_open(Instant now) const {
  const std::lock_guard lock(mutex_);
  return failures_ >= kFailuresMax && now < retry_at_;
}

}  // namespace writ::authzen
