#pragma once

// Coroutines of several event loops that wait for the same thing. Guarded by the mutex of whoever has it.

#include <functional>
#include <utility>
#include <vector>

#include "base/executor.h"

namespace writ::upstreams::stdio {

class Wakeup {
 public:
  // On the waiter's loop; it is resumed there.
  void park(std::function<void(bool)> resume) { parked_.emplace_back(Executor::current(), std::move(resume)); }
  // From any thread. Nobody goes on before this returns.
  void wake_all() {
    for (auto& [executor, resume] : std::exchange(parked_, {})) executor->post([resume = std::move(resume)] { resume(true); });
  }

 private:
  std::vector<std::pair<Executor*, std::function<void(bool)>>> parked_;
};

}  // namespace writ::upstreams::stdio
