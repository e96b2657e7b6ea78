#pragma once

// One after the other, across event loops: changes of objects are planned, recorded and stored one at a time.

#include <deque>
#include <functional>
#include <mutex>

#include "base/task.h"

namespace writ {

class Serial {
 public:
  // Waits for its turn; whoever has it calls release() exactly once. Resumes on the caller's executor.
  Task<void> acquire();
  void release();

 private:
  std::mutex mutex_;
  bool held_ = false;
  std::deque<std::function<void()>> waiting_;
};

}  // namespace writ
