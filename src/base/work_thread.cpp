#include "base/work_thread.h"

#include <future>
#include <memory>

namespace writ {

WorkThread::WorkThread()
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

WorkThread::~WorkThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    arrived_.notify_one();
  }
  thread_.join();
}

void WorkThread::enqueue(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(work));
  arrived_.notify_one();
}

Task<void> WorkThread::run(std::function<void()> work) {
  Executor* origin = Executor::current();
  static_cast<void>(co_await suspend_until<bool>([&](std::function<void(bool)> resume) {
    enqueue([origin, resume, task = std::move(work)] {
      task();
      origin->post([resume] { resume(true); });
    });
  }));
}

void WorkThread::run_now(const std::function<void()>& work) {
  // Shared: the thread may still be inside set_value() when the waiter goes on.
  const auto done = std::make_shared<std::promise<void>>();
  enqueue([&work, done] {
    work();
    done->set_value();
  });
  done->get_future().wait();
}

}  // namespace writ
