#pragma once

// A thread with a loop, as the gateway has one per core.

#include <future>
#include <thread>

#include "base/executor.h"

namespace writ::upstreams {

class LoopThread {
 public:
  LoopThread() : thread_([this] { executor.run_until([this] { return stopped_; }); }) {}
  ~LoopThread() { stop(); }
  void stop() {
    if (!thread_.joinable()) return;
    executor.post([this] { stopped_ = true; });
    thread_.join();
  }
  // Runs there and waits for what it returns.
  template <class Work>
  auto run(Work work) {
    std::promise<decltype(work())> done;
    executor.post([&] { done.set_value(work()); });
    return done.get_future().get();
  }
  QueueExecutor executor;

 private:
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace writ::upstreams
