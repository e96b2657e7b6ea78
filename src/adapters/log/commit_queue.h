#pragma once

// Commits on their way from the event loops to the one thread that writes.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "audit/decisions_log.h"
#include "base/executor.h"

namespace writ::log {

using Answer = Result<audit::Committed, Unavailable>;

struct Pending {
  audit::Commit commit;
  bool replayed = false;                        // its claim was taken: `if_replayed` is what is recorded
  Executor* origin = nullptr;
  std::function<void(Answer)> resume;           // called on `origin`
  std::uint64_t position = 0;
};

// Always owned by a shared pointer: an event loop may still have a wake-up to deliver when the log is gone.
class CommitQueue : public std::enable_shared_from_this<CommitQueue> {
 public:
  explicit CommitQueue(std::size_t commits_max) : commits_max_(commits_max) {}

  // From any thread. False when the log refuses or too much is in flight: then nothing happened to it. A sleeping writer is woken when the
  // caller's event loop has done what is due in this turn: the requests of one turn make one group and cost one change of threads.
  bool offer(Pending& pending);
  void refuse();   // from now on
  void stop();     // refuses, and tells the writer
  void nudge();    // wakes the writer, although nothing is offered

  // By the writer: waits for commits, a nudge, stop(), or `until`.
  struct Taken {
    std::vector<Pending> batch;
    bool stop = false;   // and nothing is left
  };
  Taken take(std::chrono::steady_clock::time_point until);

 private:
  void wake(Executor* ringing);

  const std::size_t commits_max_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Pending> queue_;
  std::vector<Executor*> ringing_;   // loops that will wake the writer at the end of their turn
  bool sleeping_ = false, stopping_ = false, refusing_ = false, nudged_ = false;
};

}  // namespace writ::log
