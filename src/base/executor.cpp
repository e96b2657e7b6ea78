#include "base/executor.h"

#include <condition_variable>
#include <deque>
#include <mutex>

namespace writ {
namespace {
thread_local Executor* current_executor = nullptr;
}

Executor* Executor::current() noexcept { return current_executor; }

Executor::Scope::Scope(Executor& executor) noexcept : previous_(current_executor) { current_executor = &executor; }
Executor::Scope::~Scope() { current_executor = previous_; }

struct QueueExecutor::State {
  std::mutex mutex;
  std::condition_variable arrived;
  std::deque<std::function<void()>> queue;
};

QueueExecutor::QueueExecutor() : state_(new State) {}
QueueExecutor::~QueueExecutor() { delete state_; }

void QueueExecutor::post(std::function<void()> work) {
  // Notify under the lock: once it is released the waiting thread may finish and destroy this object.
  const std::lock_guard lock(state_->mutex);
  state_->queue.push_back(std::move(work));
  state_->arrived.notify_one();
}

void QueueExecutor::run_until(const std::function<bool()>& done) {
  const Scope scope(*this);
  while (!done()) {
    std::function<void()> work;
    {
      std::unique_lock lock(state_->mutex);
      state_->arrived.wait(lock, [this] { return !state_->queue.empty(); });
      work = std::move(state_->queue.front());
      state_->queue.pop_front();
    }
    work();
  }
}

}  // namespace writ
