#pragma once

// A shared_ptr that somebody replaces while many threads read it: snapshots, policies, key rings.
//
// std::atomic<std::shared_ptr> would be that, but the one of g++ 12 gives its inner lock back after a load without ordering the load before it, which
// ThreadSanitizer reports. Here the lock is held for the few instructions of a copy, and what is replaced is let go after it.

#include <atomic>
#include <memory>
#include <thread>
#include <utility>

namespace writ {

template <class T>
class SharedCell {
 public:
  SharedCell() = default;
  explicit SharedCell(std::shared_ptr<T> value) : value_(std::move(value)) {}

  std::shared_ptr<T> load() const {
    const Held held(busy_);
    return value_;
  }
  void store(std::shared_ptr<T> value) {
    const Held held(busy_);
    value_.swap(value);
  }

 private:
  class Held {
   public:
    explicit Held(std::atomic_flag& flag) : flag_(flag) {
      while (flag_.test_and_set(std::memory_order_acquire)) {
        while (flag_.test(std::memory_order_relaxed)) std::this_thread::yield();
      }
    }
    ~Held() { flag_.clear(std::memory_order_release); }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

   private:
    std::atomic_flag& flag_;
  };

  mutable std::atomic_flag busy_;
  std::shared_ptr<T> value_;
};

}  // namespace writ
