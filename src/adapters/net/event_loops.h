#pragma once

// The threads that serve: one event loop each. Built first and destroyed last, because whatever completes elsewhere (the log's writer, the
// outgoing client) posts to a loop. Sockets live on the loop that opened them; nothing moves between loops.

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "base/executor.h"

namespace writ::net {

class Loop;

class EventLoops {
 public:
  explicit EventLoops(std::size_t count = 0);   // 0: one per core that this process may run on
  ~EventLoops();                                // stops
  EventLoops(const EventLoops&) = delete;
  EventLoops& operator=(const EventLoops&) = delete;

  std::size_t size() const { return loops_.size(); }
  Executor& executor(std::size_t index);
  // Ends all threads; work that is still queued never runs. Drain servers first. Call it from a thread that is no loop.
  void stop();
  bool is_stopped() const { return stopped_; }

  Loop& loop(std::size_t index) { return *loops_[index]; }   // for this folder

 private:
  struct Threads;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::unique_ptr<Threads> threads_;
  std::atomic<bool> stopped_{false};
};

}  // namespace writ::net
