#include "adapters/postgresql/decisions_log.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "adapters/postgresql/log_batch.h"
#include "adapters/postgresql/log_locks.h"
#include "adapters/postgresql/record_reader.h"
#include "adapters/postgresql/schema.h"

namespace writ::postgresql {
namespace {

using audit::Committed;

constexpr std::size_t kBatchMax = 1024;
constexpr std::size_t kQueueMax = 20'000;    // beyond it commits are refused: back-pressure instead of memory (S3)
constexpr auto kSyncWithin = std::chrono::milliseconds(50);   // rules §6.1
constexpr auto kPurgeEvery = std::chrono::seconds(60);

}  // namespace

struct PostgresqlDecisionsLog::State {
  State(Address address, std::string node_name, const Clock& wall) : node(std::move(node_name)), clock(wall), session(address, be_alone), reader(std::move(address)) {}

  const std::string node;
  const Clock& clock;

  std::mutex mutex;
  std::condition_variable arrived;
  Batch queue;
  bool stopping = false;
  std::function<void(const Failure&)> failure_callback;

  // The writer thread's own.
  Session session;
  std::optional<std::chrono::steady_clock::time_point> unsynced_since;
  std::chrono::steady_clock::time_point last_purge = std::chrono::steady_clock::now();

  RecordReader reader;
  std::thread writer;

  void fail(const Failure& failure) {
    const std::lock_guard lock(mutex);
    if (failure_callback) failure_callback(failure);
  }

  Result<void, Failure> write(Batch& batch) {
    bool power = false;
    for (const Pending& pending : batch) power = power || pending.commit.durability == audit::Durability::power;
    TRY(session.transaction([&](Connection& connection) { return write_batch(connection, batch, node); }, power ? "" : "SET LOCAL synchronous_commit = off",
                            [&](Connection& connection) { return is_written(connection, batch, node); }));
    // The write-ahead log is one: a synced commit also carries every earlier one to the disk.
    if (power) unsynced_since.reset();
    else if (!unsynced_since) unsynced_since = std::chrono::steady_clock::now();
    return {};
  }

  // An empty transaction writes nothing; taking and giving back no position does.
  Result<void, Failure> sync() {
    unsynced_since.reset();
    return session.transaction([](Connection& connection) -> Result<void, Failure> {
      TRY(connection.run(Query("UPDATE log_head SET position = position")));
      return {};
    });
  }

  Result<void, Failure> purge() {
    return session.transaction([this](Connection& connection) -> Result<void, Failure> {
      Query query("DELETE FROM claims WHERE forget_after < $1");
      query.number(static_cast<std::int64_t>(audit::claims_forgotten_before(clock.now()).time_since_epoch().count()));
      TRY(connection.run(query));
      return {};
    });
  }

  // What has gathered, up to a bound; waits until there is something, or something else is due.
  Batch next(bool& stop) {
    std::unique_lock lock(mutex);
    const auto wake = [this] { return stopping || !queue.empty(); };
    if (unsynced_since) arrived.wait_until(lock, *unsynced_since + kSyncWithin, wake);
    else arrived.wait_for(lock, kPurgeEvery, wake);
    Batch batch;
    while (batch.size() < kBatchMax && !queue.empty()) {
      batch.push_back(std::move(queue.front()));
      queue.pop_front();
    }
    stop = stopping && batch.empty();
    return batch;
  }

  void run() {
    for (bool stop = false; !stop;) {
      Batch batch = next(stop);
      if (!batch.empty()) {
        const auto written = write(batch);
        if (!written) fail(written.error());
        for (Pending& pending : batch) {
          if (written) pending.done(pending.committed);
          else pending.done(unexpected(Unavailable{"decisions log"}));
        }
      }
      const auto now = std::chrono::steady_clock::now();
      Result<void, Failure> kept;
      if (unsynced_since && (stop || now >= *unsynced_since + kSyncWithin)) kept = sync();
      if (kept && now >= last_purge + kPurgeEvery) {
        last_purge = now;
        kept = purge();
      }
      if (!kept) fail(kept.error());
    }
  }
};

PostgresqlDecisionsLog::PostgresqlDecisionsLog(std::unique_ptr<State> state) : state_(std::move(state)) {
  state_->writer = std::thread([state = state_.get()] { state->run(); });
}

Result<std::unique_ptr<PostgresqlDecisionsLog>, Failure> PostgresqlDecisionsLog::open(Address address, std::string node, const Clock& clock) {
  auto state = std::make_unique<State>(std::move(address), std::move(node), clock);
  TRY(migrate(state->session));
  return std::unique_ptr<PostgresqlDecisionsLog>(new PostgresqlDecisionsLog(std::move(state)));
}

PostgresqlDecisionsLog::~PostgresqlDecisionsLog() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    state_->arrived.notify_one();
  }
  state_->writer.join();
}

void PostgresqlDecisionsLog::on_failure(std::function<void(const Failure&)> callback) {
  state_->reader.on_failure(callback);
  const std::lock_guard lock(state_->mutex);
  state_->failure_callback = std::move(callback);
}

Task<Result<Committed, Unavailable>> PostgresqlDecisionsLog::commit(audit::Commit commit) {
  assert(!commit.claim || commit.if_replayed);
  Executor* origin = Executor::current();
  State* state = state_.get();
  using Answer = Result<Committed, Unavailable>;
  Answer answer = co_await suspend_until<Answer>([&](std::function<void(Answer)> resume) {
    {
      const std::lock_guard lock(state->mutex);
      if (!state->stopping && state->queue.size() < kQueueMax) {
        state->queue.push_back({std::move(commit), {}, [origin, resume](Answer result) {
                                  origin->post([resume, result = std::move(result)] { resume(result); });
                                }});
        state->arrived.notify_one();
        return;
      }
    }
    resume(unexpected(Unavailable{"decisions log: queue full"}));
  });
  co_return answer;
}

Task<Result<std::vector<audit::StoredRecord>, Unavailable>> PostgresqlDecisionsLog::query(audit::Query query) { return state_->reader.query(std::move(query)); }
Task<Result<std::optional<audit::StoredRecord>, Unavailable>> PostgresqlDecisionsLog::at(std::uint64_t position) { return state_->reader.at(position); }

}  // namespace writ::postgresql
