#include "token_service/idp/sign_in_throttle.h"

#include <algorithm>

namespace writ::token_service::idp {

std::string SignInThrottle::source_of(std::string_view address) {
  if (address.find(':') == std::string_view::npos) return std::string(address);
  // The first four groups; an abbreviated address (`::`) before them is a source of its own, which is just as bounded.
  std::size_t end = 0;
  for (int groups = 0; groups < 4 && end != std::string_view::npos; ++groups) {
    const std::size_t colon = address.find(':', end);
    if (colon == std::string_view::npos || colon + 1 >= address.size() || address[colon + 1] == ':') {
      return std::string(address.substr(0, colon == std::string_view::npos ? address.size() : colon)) + "::";
    }
    end = colon + 1;
  }
  return std::string(address.substr(0, end)) + ":";
}

SignInThrottle::Source& SignInThrottle::source(std::string_view address, Instant now) {
  if (sources_.size() >= rules_.sources_max) {
    std::erase_if(sources_, [&](const auto& item) { return item.second.window_ends <= now; });
    // A flood from more sources than that: start afresh rather than grow.
    if (sources_.size() >= rules_.sources_max) sources_.clear();
  }
  Source& found = sources_[source_of(address)];
  if (now >= found.window_ends) found = Source{0, found.pending, now + rules_.window, found.next_free};
  return found;
}

std::variant<GoAhead, TooMany> SignInThrottle::admit(std::string_view address, Instant now) {
  const std::lock_guard lock(mutex_);
  if (pending_ >= rules_.pending_max) return TooMany{};
  Source& from = source(address, now);
  Milliseconds wait{0};
  if (from.failures + from.pending >= rules_.free_failures) {
    const Instant turn = std::max(now, from.next_free);
    wait = turn - now;
    if (wait > rules_.wait_max) return TooMany{std::chrono::ceil<Seconds>(wait)};
    from.next_free = turn + rules_.spacing;
  }
  ++from.pending, ++pending_;
  return GoAhead{wait};
}

void SignInThrottle::settled(std::string_view address, Outcome outcome, Instant now) {
  const std::lock_guard lock(mutex_);
  pending_ = std::max(pending_ - 1, 0);
  Source& from = source(address, now);
  from.pending = std::max(from.pending - 1, 0);
  if (outcome == Outcome::failed) ++from.failures;
}

}  // namespace writ::token_service::idp
