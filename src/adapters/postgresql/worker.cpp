#include "adapters/postgresql/worker.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace writ::postgresql {

struct Worker::State {
  struct Item {
    Work work;
    std::function<void(bool)> done;
  };
  explicit State(Address address) : session(std::move(address)) {}

  Session session;   // the thread's own
  std::mutex mutex;
  std::condition_variable arrived;
  std::deque<Item> queue;
  bool stopping = false;
  std::function<void(const Failure&)> on_failure;
  std::thread thread;

  void run() {
    while (true) {
      Item item;
      {
        std::unique_lock lock(mutex);
        arrived.wait(lock, [this] { return stopping || !queue.empty(); });
        if (queue.empty()) return;
        item = std::move(queue.front());
        queue.pop_front();
      }
      const auto result = item.work(session);
      if (!result) {
        if (result.error().connection_lost) session.drop();
        const std::lock_guard lock(mutex);
        if (on_failure) on_failure(result.error());
      }
      item.done(result.has_value());
    }
  }
  void enqueue(Item item) {
    const std::lock_guard lock(mutex);
    queue.push_back(std::move(item));
    arrived.notify_one();
  }
};

Worker::Worker(std::unique_ptr<State> state) : state_(std::move(state)) {
  state_->thread = std::thread([state = state_.get()] { state->run(); });
}

std::unique_ptr<Worker> Worker::start(Address address) { return std::unique_ptr<Worker>(new Worker(std::make_unique<State>(std::move(address)))); }

Worker::~Worker() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    state_->arrived.notify_one();
  }
  state_->thread.join();
}

void Worker::on_failure(std::function<void(const Failure&)> callback) {
  const std::lock_guard lock(state_->mutex);
  state_->on_failure = std::move(callback);
}

Task<Result<void, Unavailable>> Worker::run(Work work) {
  Executor* origin = Executor::current();
  State* state = state_.get();
  const bool done = co_await suspend_until<bool>([&](std::function<void(bool)> resume) {
    state->enqueue({std::move(work), [origin, resume](bool ok) { origin->post([resume, ok] { resume(ok); }); }});
  });
  if (!done) co_return unexpected(Unavailable{"store"});
  co_return Result<void, Unavailable>{};
}

Result<void, Failure> Worker::run_now(const Work& work) {
  std::mutex mutex;
  std::condition_variable finished;
  bool done = false;
  Result<void, Failure> result;
  state_->enqueue({[&](Session& session) {
                     result = work(session);
                     return result;
                   },
                   [&](bool) {
                     const std::lock_guard lock(mutex);
                     done = true;
                     finished.notify_one();
                   }});
  std::unique_lock lock(mutex);
  finished.wait(lock, [&] { return done; });
  return result;
}

}  // namespace writ::postgresql
