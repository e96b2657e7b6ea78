#pragma once

// For programs: runs a task on the first event loop and waits for it on the calling thread, which must be no loop.

#include <exception>
#include <optional>

#include "adapters/net/event_loops.h"
#include "base/task.h"

namespace writ::net {

template <class T>
T run_on(EventLoops& loops, Task<T> task) {
  QueueExecutor here;
  std::optional<T> result;
  std::exception_ptr failure;
  bool done = false;
  loops.executor(0).post([&] {
    spawn(std::move(task), [&](std::exception_ptr exception, std::optional<T> value) {
      failure = exception;
      result = std::move(value);
      here.post([&] { done = true; });
    });
  });
  here.run_until([&] { return done; });
  if (failure) std::rethrow_exception(failure);
  return std::move(*result);
}

}  // namespace writ::net
