#pragma once

// A sync that nobody waits for, on a thread of its own, so that the writer goes on meanwhile.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "adapters/log/files.h"

namespace writ::log {

// Used by one thread. INVARIANT: a file is never synced by two threads at once: the system tells a lost write to one of them only, and the
// other would take it for written.
class BackgroundSync {
 public:
  explicit BackgroundSync(std::function<void()> when_done);   // called on the other thread
  ~BackgroundSync();                                          // waits
  void start(File& file);   // Precondition: !is_under_way(). The file stays until it is finished.
  bool is_under_way() const { return under_way_; }
  // What came of it, once, when it is done; `wait` for when it must be.
  std::optional<Result<void, IoError>> poll();
  Result<void, IoError> wait();

 private:
  void run();

  std::function<void()> when_done_;
  bool under_way_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  File* file_ = nullptr;
  std::optional<Result<void, IoError>> result_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace writ::log
