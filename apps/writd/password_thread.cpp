#include "password_thread.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "crypto/password.h"

namespace writ::writd {

struct PasswordThread::State {
  std::mutex mutex;
  std::condition_variable arrived;
  std::deque<std::function<void()>> queue;
  bool stopping = false;
  std::thread thread;

  void run() {
    while (true) {
      std::function<void()> work;
      {
        std::unique_lock lock(mutex);
        arrived.wait(lock, [this] { return stopping || !queue.empty(); });
        if (queue.empty()) return;
        work = std::move(queue.front());
        queue.pop_front();
      }
      work();
    }
  }
};

PasswordThread::PasswordThread() : state_(std::make_unique<State>()) {
  state_->thread = std::thread([state = state_.get()] { state->run(); });
}

PasswordThread::~PasswordThread() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    state_->arrived.notify_one();
  }
  state_->thread.join();
}

Task<bool> PasswordThread::verify(Secret password, std::string phc) {
  Executor* origin = Executor::current();
  State* state = state_.get();
  const bool right = co_await suspend_until<bool>([&](std::function<void(bool)> resume) {
    const std::lock_guard lock(state->mutex);
    state->queue.push_back([origin, resume, &password, &phc] {
      const bool verified = crypto::verify_password(password, phc);
      origin->post([resume, verified] { resume(verified); });
    });
    state->arrived.notify_one();
  });
  co_return right;
}

}  // namespace writ::writd
