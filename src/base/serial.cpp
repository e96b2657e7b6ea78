#include "base/serial.h"

namespace writ {

Task<void> Serial::acquire() {
  Executor* origin = Executor::current();
  static_cast<void>(co_await suspend_until<bool>([&](std::function<void(bool)> resume) {
    std::unique_lock lock(mutex_);
    if (held_) {
      waiting_.push_back([origin, resume] { origin->post([resume] { resume(true); }); });
      return;
    }
    held_ = true;
    lock.unlock();
    resume(true);
  }));
}

void Serial::release() {
  std::function<void()> next;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) {
      held_ = false;
      return;
    }
    // Handed over, never free in between: nobody overtakes those who wait.
    next = std::move(waiting_.front());
    waiting_.pop_front();
  }
  next();
}

}  // namespace writ
