#pragma once

// One value from one event loop to another.

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/executor.h"
#include "base/task.h"

namespace writ::upstreams {

template <class T>
class Handover {
 public:
  // From any thread. The first value counts; later ones are dropped.
  void set(T value) {
    std::function<void(T)> resume;
    Executor* executor = nullptr;
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(is_set_, true)) return;
      if (!resume_) {
        value_.emplace(std::move(value));
        return;
      }
      resume = std::exchange(resume_, nullptr);
      executor = executor_;
    }
    auto held = std::make_shared<T>(std::move(value));   // std::function wants to be copied, values need not be
    executor->post([resume = std::move(resume), held] { resume(std::move(*held)); });
  }

  // On the loop that waits; once.
  static Task<T> get(std::shared_ptr<Handover> self) {
    auto begin = [raw = self.get()](std::function<void(T)> resume) { raw->wait(std::move(resume)); };
    auto waiting = suspend_until<T>(begin);
    T value = co_await waiting;
    co_return value;
  }

 private:
  void wait(std::function<void(T)> resume) {
    std::optional<T> value;
    {
      const std::lock_guard lock(mutex_);
      if (!value_) {
        resume_ = std::move(resume);
        executor_ = Executor::current();
        return;
      }
      value = std::move(value_);
    }
    resume(std::move(*value));
  }

  std::mutex mutex_;
  bool is_set_ = false;
  std::optional<T> value_;
  std::function<void(T)> resume_;
  Executor* executor_ = nullptr;
};

}  // namespace writ::upstreams
