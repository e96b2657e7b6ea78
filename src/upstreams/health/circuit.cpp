#include "upstreams/health/circuit.h"

#include <algorithm>

namespace writ::upstreams::health {
namespace {

Seconds until(Instant then, Instant now) { return std::max(Seconds{1}, std::chrono::ceil<Seconds>(then - now)); }

}  // namespace

std::string_view to_string(Circuit::State state) {
  switch (state) {
    case Circuit::State::closed: return "closed";
    case Circuit::State::open: return "open";
    case Circuit::State::half_open: return "half_open";
  }
  return "";
}

Result<Circuit::Passage, Seconds> Circuit::enter(const Settings& settings, Instant now) {
  if (!retry_at_) return Passage::ordinary;
  if (now < *retry_at_) return unexpected(until(*retry_at_, now));
  if (probe_until_ && now < *probe_until_) return unexpected(until(*probe_until_, now));
  probe_until_ = now + settings.retry;
  return Passage::probe;
}

void Circuit::succeed() { *this = Circuit(); }

void Circuit::fail(const Settings& settings, Passage passage, Instant now) {
  if (!failing_since_) failing_since_ = now;
  ++failures_;
  if (settings.failures_max <= 0) return;
  if (!retry_at_) {
    if (failures_ < settings.failures_max) return;
    retry_after_ = settings.retry;
  } else {
    // Requests that were on their way when it opened say nothing new.
    if (passage != Passage::probe) return;
    retry_after_ = std::min(retry_after_ * 2, std::max(settings.retry, settings.retry_max));
  }
  retry_at_ = now + retry_after_;
  probe_until_.reset();
}

void Circuit::leave(Passage passage) {
  if (passage == Passage::probe) probe_until_.reset();
}

Circuit::State Circuit::state(Instant now) const {
  if (!retry_at_) return State::closed;
  return now < *retry_at_ && !probe_until_ ? State::open : State::half_open;
}

}  // namespace writ::upstreams::health
