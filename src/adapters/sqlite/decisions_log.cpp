#include "adapters/sqlite/decisions_log.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace writ::sqlite {
namespace {

using audit::Commit;
using audit::Committed;

constexpr const char* kSchema = R"(
  CREATE TABLE IF NOT EXISTS records(
    position INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    event TEXT NOT NULL, effect TEXT NOT NULL,
    user TEXT NOT NULL, user_name TEXT NOT NULL, agent TEXT NOT NULL, server TEXT NOT NULL, tool TEXT NOT NULL,
    id_jag_jti TEXT NOT NULL, access_token_jti TEXT NOT NULL,
    line TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS records_by_user ON records(user, position);
  CREATE INDEX IF NOT EXISTS records_by_id_jag ON records(id_jag_jti) WHERE id_jag_jti <> '';
  CREATE INDEX IF NOT EXISTS records_by_access_token ON records(access_token_jti) WHERE access_token_jti <> '';
  CREATE TABLE IF NOT EXISTS claims(key BLOB PRIMARY KEY, forget_after INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS claims_by_time ON claims(forget_after);
  CREATE TABLE IF NOT EXISTS syncs(id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL);
  INSERT OR IGNORE INTO syncs VALUES (1, 0);
)";

constexpr std::size_t kBatchMax = 512;
constexpr std::size_t kQueueMax = 20'000;    // beyond it commits are refused: back-pressure instead of memory (S3)
constexpr auto kSyncWithin = std::chrono::milliseconds(50);   // rules §6.1
constexpr auto kPurgeEvery = std::chrono::seconds(60);

}  // namespace

struct SqliteDecisionsLog::State {
  struct Item {
    Commit commit;
    Committed committed;
    std::function<void(Result<Committed, Unavailable>)> done;   // posts to the executor of the one who waits
  };

  State(std::string file, std::string node_name, const Clock& wall) : path(std::move(file)), node(std::move(node_name)), clock(wall) {}

  const std::string path;
  const std::string node;
  const Clock& clock;

  std::mutex mutex;
  std::condition_variable arrived;
  std::deque<Item> queue;
  bool stopping = false;
  std::function<void(const Failure&)> failure_callback;

  // Used by the writer's thread only.
  std::optional<Connection> connection;
  std::optional<Statement> insert_claim, insert_record;
  std::uint64_t next_position = 1;
  bool synchronous_full = true;
  std::optional<std::chrono::steady_clock::time_point> unsynced_since;
  std::chrono::steady_clock::time_point last_purge = std::chrono::steady_clock::now();

  std::unique_ptr<Worker> reader;
  std::thread writer;

  void fail(const Failure& failure) {
    const std::lock_guard lock(mutex);
    if (failure_callback) failure_callback(failure);
  }

  Result<void, Failure> open() {
    auto opened = TRY(Connection::open(path));
    TRY(opened.execute(kSchema));
    {
      auto newest = TRY(opened.prepare("SELECT coalesce(max(position), 0) FROM records"));
      TRY(newest.step());
      next_position = static_cast<std::uint64_t>(newest.number(0)) + 1;
    }
    auto claim = TRY(opened.prepare("INSERT OR IGNORE INTO claims VALUES (?, ?)"));
    auto record = TRY(opened.prepare("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    connection.emplace(std::move(opened));
    insert_claim.emplace(std::move(claim));
    insert_record.emplace(std::move(record));
    synchronous_full = true;
    return {};
  }

  // After any failure the connection is thrown away and the file read afresh: a failed fsync is never retried on the same descriptor,
  // and what did or did not reach the disk is found out by reading it (S3).
  void close() {
    insert_claim.reset();
    insert_record.reset();
    connection.reset();
  }

  Result<void, Failure> write(Item& item) {
    const audit::Record* record = &item.commit.record;
    if (item.commit.claim) {
      const auto& key = item.commit.claim->key;
      insert_claim->bind_blob(1, std::string_view(reinterpret_cast<const char*>(key.data()), key.size()))
          .bind(2, item.commit.claim->forget_after.time_since_epoch().count());
      TRY(insert_claim->run());
      item.committed.replayed = connection->changes() == 0;
      if (item.committed.replayed) record = &*item.commit.if_replayed;
    }
    item.committed.position = next_position++;
    insert_record->bind(1, static_cast<std::int64_t>(item.committed.position))
        .bind(2, record->time.time_since_epoch().count())
        .bind(3, audit::to_string(record->event))
        .bind(4, audit::to_string(record->effect))
        .bind(5, record->user)
        .bind(6, record->user_name)
        .bind(7, record->agent)
        .bind(8, record->server)
        .bind(9, record->tool)
        .bind(10, record->id_jag_jti)
        .bind(11, record->access_token_jti)
        .bind(12, audit::to_json_line(*record, item.committed.position, node));
    return insert_record->run();
  }

  Result<void, Failure> write_batch(std::deque<Item>& batch) {
    if (!connection) TRY(open());
    bool power = false;
    for (const Item& item : batch) power = power || item.commit.durability == audit::Durability::power;
    TRY(set_synchronous(power));
    TRY(connection->transaction([&]() -> Result<void, Failure> {
      for (Item& item : batch) TRY(write(item));
      return {};
    }));
    // The write-ahead log is one file: a synced commit also carries every earlier one to the disk.
    if (power) unsynced_since.reset();
    else if (!unsynced_since) unsynced_since = std::chrono::steady_clock::now();
    return {};
  }

  Result<void, Failure> set_synchronous(bool full) {
    if (full == synchronous_full) return {};
    TRY(connection->execute(full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL"));
    synchronous_full = full;
    return {};
  }

  Result<void, Failure> sync() {
    if (!connection) return {};
    TRY(set_synchronous(true));
    TRY(connection->execute("UPDATE syncs SET count = count + 1"));
    unsynced_since.reset();
    return {};
  }

  Result<void, Failure> purge() {
    if (!connection) return {};
    auto statement = TRY(connection->prepare("DELETE FROM claims WHERE forget_after < ?"));
    statement.bind(1, audit::claims_forgotten_before(clock.now()).time_since_epoch().count());
    return statement.run();
  }

  void run() {
    while (true) {
      std::deque<Item> batch;
      bool stop = false;
      {
        std::unique_lock lock(mutex);
        const auto wake = [this] { return stopping || !queue.empty(); };
        if (unsynced_since) arrived.wait_until(lock, *unsynced_since + kSyncWithin, wake);
        else arrived.wait_for(lock, kPurgeEvery, wake);
        for (std::size_t i = 0; i < kBatchMax && !queue.empty(); ++i) {
          batch.push_back(std::move(queue.front()));
          queue.pop_front();
        }
        stop = stopping && batch.empty();
      }
      if (!batch.empty()) {
        const auto written = write_batch(batch);
        if (!written) {
          close();
          fail(written.error());
        }
        for (Item& item : batch) {
          if (written) item.done(item.committed);
          else item.done(unexpected(Unavailable{"decisions log"}));
        }
      }
      const auto now = std::chrono::steady_clock::now();
      Result<void, Failure> kept;
      if (unsynced_since && (stop || now >= *unsynced_since + kSyncWithin)) kept = sync();
      if (kept && now >= last_purge + kPurgeEvery) {
        last_purge = now;
        kept = purge();
      }
      if (!kept) {
        unsynced_since.reset();
        close();
        fail(kept.error());
      }
      if (stop) return;
    }
  }
};

SqliteDecisionsLog::SqliteDecisionsLog(std::unique_ptr<State> state) : state_(std::move(state)) {
  state_->writer = std::thread([state = state_.get()] { state->run(); });
}

Result<std::unique_ptr<SqliteDecisionsLog>, Failure> SqliteDecisionsLog::open(std::string path, std::string node, const Clock& clock) {
  auto state = std::make_unique<State>(path, std::move(node), clock);
  TRY(state->open());
  state->reader = TRY(Worker::start(path, ""));
  return std::unique_ptr<SqliteDecisionsLog>(new SqliteDecisionsLog(std::move(state)));
}

SqliteDecisionsLog::~SqliteDecisionsLog() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    state_->arrived.notify_one();
  }
  state_->writer.join();
}

void SqliteDecisionsLog::on_failure(std::function<void(const Failure&)> callback) {
  state_->reader->on_failure(callback);
  const std::lock_guard lock(state_->mutex);
  state_->failure_callback = std::move(callback);
}

Task<Result<Committed, Unavailable>> SqliteDecisionsLog::commit(Commit commit) {
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

Task<Result<std::vector<audit::StoredRecord>, Unavailable>> SqliteDecisionsLog::query(audit::Query query) {
  auto rows = std::make_shared<std::vector<audit::StoredRecord>>();
  Worker::Work work = [query = std::move(query), rows](Connection& connection) -> Result<void, Failure> {
    std::string sql = "SELECT position, line FROM records WHERE 1";
    std::vector<std::string> values;
    const auto equals = [&](const char* column, const std::string& value) {
      if (value.empty()) return;
      sql += std::string(" AND ") + column + " = ?";
      values.push_back(value);
    };
    if (!query.user.empty()) {
      sql += " AND (user = ? OR user_name = ?)";
      values.insert(values.end(), 2, query.user);
    }
    equals("agent", query.agent);
    equals("server", query.server);
    equals("tool", query.tool);
    equals("effect", query.effect);
    equals("event", query.event);
    equals("id_jag_jti", query.id_jag_jti);
    equals("access_token_jti", query.access_token_jti);
    if (!query.text.empty()) {
      sql += " AND instr(line, ?) > 0";
      values.push_back(query.text);
    }
    // Numbers of ours, not text of others: they may stand in the statement.
    if (query.since) sql += " AND time >= " + std::to_string(query.since->time_since_epoch().count());
    if (query.until) sql += " AND time < " + std::to_string(query.until->time_since_epoch().count());
    if (query.before_position != 0) sql += " AND position < " + std::to_string(query.before_position);
    if (query.after_position != 0) sql += " AND position > " + std::to_string(query.after_position);
    sql += query.after_position != 0 ? " ORDER BY position ASC" : " ORDER BY position DESC";
    sql += " LIMIT " + std::to_string(query.limit);
    auto statement = TRY(connection.prepare(sql));
    for (std::size_t i = 0; i < values.size(); ++i) statement.bind(static_cast<int>(i + 1), values[i]);
    while (TRY(statement.step())) {
      rows->push_back({static_cast<std::uint64_t>(statement.number(0)), statement.text(1)});
    }
    return {};
  };
  const auto ran = co_await state_->reader->run(std::move(work));
  if (!ran) co_return unexpected(ran.error());
  co_return std::move(*rows);
}

Task<Result<std::optional<audit::StoredRecord>, Unavailable>> SqliteDecisionsLog::at(std::uint64_t position) {
  auto found = std::make_shared<std::optional<audit::StoredRecord>>();
  Worker::Work work = [position, found](Connection& connection) -> Result<void, Failure> {
    auto statement = TRY(connection.prepare("SELECT line FROM records WHERE position = ?"));
    statement.bind(1, static_cast<std::int64_t>(position));
    if (TRY(statement.step())) found->emplace(audit::StoredRecord{position, statement.text(0)});
    return {};
  };
  const auto ran = co_await state_->reader->run(std::move(work));
  if (!ran) co_return unexpected(ran.error());
  co_return std::move(*found);
}

}  // namespace writ::sqlite
