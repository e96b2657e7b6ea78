#include "token_service/failure_throttle.h"

#include <algorithm>

namespace writ::token_service {

std::string throttled_source(std::string_view address) {
  if (address.find(':') == std::string_view::npos) return std::string(address);
  if (address.starts_with("::ffff:") && address.find('.') != std::string_view::npos) return std::string(address.substr(7));
  // The groups before `::` are the first ones; those that it stands for are zero.
  const std::string_view head = address.substr(0, address.find("::"));
  std::string prefix;
  std::size_t at = 0;
  for (int group = 0; group < 4; ++group) {
    const std::size_t end = std::min(head.find(':', at), head.size());
    prefix += at < head.size() ? head.substr(at, end - at) : "0";
    prefix += ':';
    at = end + 1;
  }
  return prefix + ":/64";
}

int FailureThrottle::count_failure(std::string_view address, Instant now) {
  std::string source = throttled_source(address);
  const std::lock_guard lock(mutex_);
  auto found = windows_.find(source);
  if (found == windows_.end()) {
    if (windows_.size() >= rules_.sources_max) make_room(now);
    found = windows_.emplace(std::move(source), Window{now, 0}).first;
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
