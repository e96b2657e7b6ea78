#pragma once

// A thread that owns a session. Work is run in order; results come back on the executor of the one who awaits.

#include <functional>
#include <memory>

#include "adapters/postgresql/session.h"
#include "base/task.h"

namespace writ::postgresql {

// Safe to share between threads.
class Worker {
 public:
  static std::unique_ptr<Worker> start(Address address);
  ~Worker();   // finishes queued work first

  using Work = std::function<Result<void, Failure>(Session&)>;
  // A failed piece of work is reported through `on_failure` and answered as Unavailable.
  Task<Result<void, Unavailable>> run(Work work);
  // At start-up, before there are event loops: blocks.
  Result<void, Failure> run_now(const Work& work);
  void on_failure(std::function<void(const Failure&)> callback);

 private:
  struct State;
  explicit Worker(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace writ::postgresql
