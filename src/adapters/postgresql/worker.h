#pragma once

// A thread that owns a session. Work is run in order; results come back on the executor of the one who awaits.

#include <functional>
#include <memory>

#include "adapters/postgresql/session.h"
#include "base/work_thread.h"

namespace writ::postgresql {

// Safe to share between threads.
class Worker {
 public:
  static std::unique_ptr<Worker> start(Address address);

  using Work = std::function<Result<void, Failure>(Session&)>;
  // A failed piece of work is reported through `on_failure` and answered as Unavailable.
  Task<Result<void, Unavailable>> run(Work work);
  // At start-up, before there are event loops: blocks.
  Result<void, Failure> run_now(const Work& work);
  void on_failure(std::function<void(const Failure&)> callback);

 private:
  explicit Worker(Address address) : session_(std::move(address)) {}
  Result<void, Failure> perform(const Work& work);

  // The thread's own.
  Session session_;
  std::function<void(const Failure&)> on_failure_;
  WorkThread thread_;   // the last one: it finishes queued work before the others go
};

}  // namespace writ::postgresql
