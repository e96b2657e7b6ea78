#include "admin/worker.h"

namespace writ::admin {

Worker::Worker()
    : thread_([this] {
        while (true) {
          std::function<void()> work;
          {
            std::unique_lock lock(mutex_);
            arrived_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
            if (queue_.empty()) return;
            work = std::move(queue_.front());
            queue_.pop_front();
          }
          work();
        }
      }) {}

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    arrived_.notify_one();
  }
  thread_.join();
}

Task<void> Worker::run(std::function<void()> work) {
  Executor* origin = Executor::current();
  static_cast<void>(co_await suspend_until<bool>([&](std::function<void(bool)> resume) {
    const std::lock_guard lock(mutex_);
    queue_.push_back([origin, resume, task = std::move(work)] {
      task();
      origin->post([resume] { resume(true); });
    });
    arrived_.notify_one();
  }));
}

}  // namespace writ::admin
