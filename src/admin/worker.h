#pragma once

// A thread for what takes too long for an event loop: planning large documents, hashing passwords.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "base/task.h"

namespace writ::admin {

class Worker {
 public:
  Worker();
  ~Worker();   // finishes what is queued
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Runs `work` on the thread; resumes on the caller's executor. What `work` refers to must live until then.
  Task<void> run(std::function<void()> work);

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace writ::admin
