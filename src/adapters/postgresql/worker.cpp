#include "adapters/postgresql/worker.h"

namespace writ::postgresql {

std::unique_ptr<Worker> Worker::start(Address address) { return std::unique_ptr<Worker>(new Worker(std::move(address))); }

void Worker::on_failure(std::function<void(const Failure&)> callback) {
  thread_.run_now([&] { on_failure_ = std::move(callback); });
}

Result<void, Failure> Worker::perform(const Work& work) {
  auto done = work(session_);
  if (done) return done;
  if (done.error().connection_lost) session_.drop();
  if (on_failure_) on_failure_(done.error());
  return done;
}

Task<Result<void, Unavailable>> Worker::run(Work work) {
  Result<void, Failure> done;
  std::function<void()> performing = [&] { done = perform(work); };
  co_await thread_.run(std::move(performing));
  if (!done) co_return unexpected(Unavailable{"store"});
  co_return Result<void, Unavailable>{};
}

Result<void, Failure> Worker::run_now(const Work& work) {
  Result<void, Failure> done;
  thread_.run_now([&] { done = perform(work); });
  return done;
}

}  // namespace writ::postgresql
