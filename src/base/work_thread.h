#pragma once

// A thread for what takes too long for an event loop: databases, password hashes, large documents. Work is run in order.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "base/task.h"

namespace writ {

// Safe to share between threads.
class WorkThread {
 public:
  WorkThread();
  ~WorkThread();   // finishes what is queued
  WorkThread(const WorkThread&) = delete;
  WorkThread& operator=(const WorkThread&) = delete;

  // Runs `work` on the thread; resumes on the caller's executor. What `work` refers to must live until then.
  Task<void> run(std::function<void()> work);
  // Blocks until it is done: at start-up, before there are event loops.
  void run_now(const std::function<void()>& work);

 private:
  void enqueue(std::function<void()> work);

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::thread thread_;   // the last one: it uses the others
};

}  // namespace writ
