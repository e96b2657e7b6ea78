#include "client/grants/turns.h"

namespace writ::client {

Task<void> Turns::take() {
  if (!is_taken_) {
    is_taken_ = true;
    co_return;
  }
  auto begin = [this](std::function<void(bool)> resume) { waiting_.push_back(std::move(resume)); };
  auto waiting = suspend_until<bool>(std::move(begin));
  co_await waiting;
}

void Turns::hand_on() {
  if (waiting_.empty()) {
    is_taken_ = false;
    return;
  }
  // Posted, not called: whoever hands on is finished first. INVARIANT: is_taken_ stays true, so nobody comes in between.
  Executor::current()->post([resume = std::move(waiting_.front())] { resume(true); });
  waiting_.pop_front();
}

}  // namespace writ::client
