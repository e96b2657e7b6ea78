#include "token_service/failure_throttle.h"

#include <algorithm>

namespace writ::token_service {

int FailureThrottle::count_failure(std::string_view source, Instant now) {
  const std::lock_guard lock(mutex_);
  auto found = windows_.find(std::string(source));
  if (found == windows_.end()) {
    if (windows_.size() >= rules_.sources_max) make_room(now);
    found = windows_.emplace(std::string(source), Window{now, 0}).first;
  }
  Window& window = found->second;
  if (now >= window.began + rules_.window || now < window.began) window = Window{now, 0};
  if (++window.failures <= rules_.failures_max) return 0;
  const auto left = std::chrono::ceil<Seconds>(window.began + rules_.window - now).count();
  return static_cast<int>(std::max<std::int64_t>(left, 1));
}

void FailureThrottle::make_room(Instant now) {
  std::erase_if(windows_, [&](const auto& entry) { return now >= entry.second.began + rules_.window; });
  // A flood from ever new addresses: forgetting one of them is better than growing, and no correct secret depends on it.
  if (windows_.size() >= rules_.sources_max) windows_.erase(windows_.begin());
}

}  // namespace writ::token_service
