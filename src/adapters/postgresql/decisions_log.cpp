#include "adapters/postgresql/decisions_log.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "adapters/postgresql/log_batch.h"
#include "adapters/postgresql/schema.h"
#include "adapters/postgresql/worker.h"

namespace writ::postgresql {
namespace {

using audit::Committed;

constexpr std::size_t kBatchMax = 1024;
constexpr std::size_t kQueueMax = 20'000;    // beyond it commits are refused: back-pressure instead of memory (S3)
constexpr auto kSyncWithin = std::chrono::milliseconds(50);   // rules §6.1
constexpr auto kPurgeEvery = std::chrono::seconds(60);

// Held as long as the connection lives. The server lets go of it some moments after a client was cut off.
Result<bool, Failure> lock(Connection& connection, const Query& query) {
  for (int attempts = 0; attempts < 20; ++attempts) {
    if (attempts > 0) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (TRY(connection.run(query)).truth(0, 0)) return true;
  }
  return false;
}

Result<void, Failure> be_alone(Connection& connection) {
  if (TRY(lock(connection, Query("SELECT pg_try_advisory_lock(7209403)")))) return {};
  return unexpected(Failure{"another Writ uses this database: two may only share it as nodes"});
}

// Beside other nodes, but the only one of this name.
Result<void, Failure> be_node(Connection& connection, const std::string& name) {
  if (!TRY(lock(connection, Query("SELECT pg_try_advisory_lock_shared(7209403)")))) {
    return unexpected(Failure{"another Writ uses this database, and is no node: two may only share it as nodes"});
  }
  Query named("SELECT pg_try_advisory_lock(7209404, hashtext($1))");
  named.text(name);
  if (TRY(lock(connection, named))) return {};
  return unexpected(Failure{"another node of this database is called `" + name + "`: give each its own name"});
}

}  // namespace

struct PostgresqlDecisionsLog::State {
  State(Address address, std::string node_name, const Clock& wall, Sharing sharing)
      : node(std::move(node_name)), clock(wall), session(address, sharing == Sharing::alone ? Session::Work(be_alone) : [named = node](Connection& connection) { return be_node(connection, named); }), reader(Worker::start(std::move(address))) {}

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

  std::unique_ptr<Worker> reader;
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

Result<std::unique_ptr<PostgresqlDecisionsLog>, Failure> PostgresqlDecisionsLog::open(Address address, std::string node, const Clock& clock, Sharing sharing) {
  auto state = std::make_unique<State>(std::move(address), std::move(node), clock, sharing);
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
  state_->reader->on_failure(callback);
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

namespace {

Query search(const audit::Query& query) {
  std::string sql = "SELECT position, line FROM records WHERE true";
  std::vector<std::string_view> values;
  const auto parameter = [&](std::string_view value) {
    values.push_back(value);
    return "$" + std::to_string(values.size());
  };
  const auto equals = [&](const char* column, const std::string& value) {
    if (!value.empty()) sql += std::string(" AND ") + column + " = " + parameter(value);
  };
  if (!query.user.empty()) {
    const std::string user = parameter(query.user);
    sql += " AND (user_id = " + user + " OR user_name = " + user + ")";
  }
  equals("agent", query.agent);
  equals("server", query.server);
  equals("tool", query.tool);
  equals("convert_to(effect, 'UTF8')", query.effect);
  equals("convert_to(event, 'UTF8')", query.event);
  equals("id_jag_jti", query.id_jag_jti);
  equals("access_token_jti", query.access_token_jti);
  if (!query.text.empty()) sql += " AND position(" + parameter(query.text) + " in convert_to(line, 'UTF8')) > 0";
  // Numbers of ours, not text of others: they may stand in the statement.
  if (query.since) sql += " AND time >= " + std::to_string(query.since->time_since_epoch().count());
  if (query.until) sql += " AND time < " + std::to_string(query.until->time_since_epoch().count());
  if (query.before_position != 0) sql += " AND position < " + std::to_string(query.before_position);
  if (query.after_position != 0) sql += " AND position > " + std::to_string(query.after_position);
  sql += query.after_position != 0 ? " ORDER BY position ASC" : " ORDER BY position DESC";
  sql += " LIMIT " + std::to_string(query.limit);
  Query prepared(std::move(sql));
  for (const std::string_view value : values) prepared.bytes(value);
  return prepared;
}

}  // namespace

Task<Result<std::vector<audit::StoredRecord>, Unavailable>> PostgresqlDecisionsLog::query(audit::Query query) {
  auto records = std::make_shared<std::vector<audit::StoredRecord>>();
  Worker::Work work = [query = std::move(query), records](Session& session) {
    return session.read([&](Connection& connection) -> Result<void, Failure> {
      const Rows rows = TRY(connection.run(search(query)));
      records->clear();
      for (std::size_t row = 0; row < rows.size(); ++row) records->push_back({static_cast<std::uint64_t>(rows.number(row, 0)), rows.bytes(row, 1)});
      return {};
    });
  };
  const auto ran = co_await state_->reader->run(std::move(work));
  if (!ran) co_return unexpected(ran.error());
  co_return std::move(*records);
}

Task<Result<std::optional<audit::StoredRecord>, Unavailable>> PostgresqlDecisionsLog::at(std::uint64_t position) {
  auto found = std::make_shared<std::optional<audit::StoredRecord>>();
  Worker::Work work = [position, found](Session& session) {
    return session.read([&](Connection& connection) -> Result<void, Failure> {
      Query query("SELECT line FROM records WHERE position = $1");
      query.number(static_cast<std::int64_t>(position));
      const Rows rows = TRY(connection.run(query));
      found->reset();
      if (rows.size() == 1) found->emplace(audit::StoredRecord{position, rows.bytes(0, 0)});
      return {};
    });
  };
  const auto ran = co_await state_->reader->run(std::move(work));
  if (!ran) co_return unexpected(ran.error());
  co_return std::move(*found);
}

}  // namespace writ::postgresql
