#include "adapters/sqlite/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <thread>

namespace writ::sqlite {
namespace {

constexpr std::chrono::milliseconds kPatience{2'000};

Failure failure_of(sqlite3* database) { return Failure{sqlite3_errmsg(database)}; }

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)) {}
Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::bind(int parameter, std::string_view text) {
  sqlite3_bind_text64(statement_, parameter, text.data() ? text.data() : "", text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}
Statement& Statement::bind(int parameter, std::int64_t number) {
  sqlite3_bind_int64(statement_, parameter, number);
  return *this;
}
Statement& Statement::bind_blob(int parameter, std::string_view bytes) {
  sqlite3_bind_blob64(statement_, parameter, bytes.data() ? bytes.data() : "", bytes.size(), SQLITE_TRANSIENT);
  return *this;
}
Statement& Statement::bind_null(int parameter) {
  sqlite3_bind_null(statement_, parameter);
  return *this;
}

Result<bool, Failure> Statement::step() {
  const int outcome = sqlite3_step(statement_);
  if (outcome == SQLITE_ROW) return true;
  const Failure failure = outcome == SQLITE_DONE ? Failure{} : failure_of(database_);
  sqlite3_reset(statement_);
  if (outcome == SQLITE_DONE) return false;
  return unexpected(failure);
}

Result<void, Failure> Statement::run() {
  while (true) {
    if (!TRY(step())) return {};
  }
}

void Statement::reset() { sqlite3_reset(statement_); }

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return bytes ? std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))) : std::string();
}
std::string Statement::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return bytes ? std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))) : std::string();
}
std::int64_t Statement::number(int column) const { return sqlite3_column_int64(statement_, column); }
bool Statement::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

Result<Connection, Failure> Connection::open(const std::string& path) {
  if (path != ":memory:") {
    // SQLite would create the file with the process's umask; what is in it is for the service user alone.
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return unexpected(Failure{"cannot open `" + path + "`"});
    ::close(file);
  }
  sqlite3* database = nullptr;
  if (sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr) != SQLITE_OK) {
    const Failure failure = database ? failure_of(database) : Failure{"out of memory"};
    sqlite3_close(database);
    return unexpected(failure);
  }
  Connection connection(database);
  sqlite3_busy_timeout(database, 5'000);
  TRY(connection.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"));
  return connection;
}

Result<Connection, Failure> Connection::open_to_read(const std::string& path) {
  // Without a journal beside it nobody has it open, and SQLite would lay an index of the journal there to read it as others could write it.
  const bool in_use = ::access((path + "-wal").c_str(), F_OK) == 0;
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      char escaped[4];
      std::snprintf(escaped, sizeof escaped, "%%%02X", static_cast<unsigned>(c));
      uri += escaped;
    } else {
      uri += c;
    }
  }
  uri += in_use ? "?mode=ro" : "?mode=ro&immutable=1";
  sqlite3* database = nullptr;
  if (sqlite3_open_v2(uri.c_str(), &database, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr) != SQLITE_OK) {
    const Failure failure = database ? failure_of(database) : Failure{"out of memory"};
    sqlite3_close(database);
    return unexpected(failure);
  }
  Connection connection(database);
  sqlite3_busy_timeout(database, 5'000);
  TRY(connection.execute("PRAGMA query_only=ON"));
  return connection;
}

Connection::Connection(Connection&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
Connection& Connection::operator=(Connection&& other) noexcept {
  if (this != &other) {
    sqlite3_close_v2(database_);
    database_ = std::exchange(other.database_, nullptr);
  }
  return *this;
}
Connection::~Connection() { sqlite3_close_v2(database_); }

Result<void, Failure> Connection::execute(const char* sql) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return unexpected(failure_of(database_));
  return {};
}

Result<Statement, Failure> Connection::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(database_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, nullptr) !=
      SQLITE_OK) {
    return unexpected(failure_of(database_));
  }
  return Statement(database_, statement);
}

std::int64_t Connection::changes() const { return sqlite3_changes64(database_); }

Result<void, Failure> Connection::transaction(const std::function<Result<void, Failure>()>& work) {
  TRY(execute("BEGIN IMMEDIATE"));
  auto done = work();
  if (done) done = execute("COMMIT");
  if (!done) {
    const Failure failure = done.error();
    // A rollback that fails as well leaves nothing behind either: the journal is played back at the next open.
    static_cast<void>(execute("ROLLBACK"));
    return unexpected(failure);
  }
  return {};
}

void Connection::wait_for_locks(std::chrono::milliseconds at_most) { sqlite3_busy_timeout(database_, static_cast<int>(at_most.count())); }

Worker::Worker(Connection connection) : connection_(std::move(connection)) {}

Result<std::unique_ptr<Worker>, Failure> Worker::start(std::string path, const char* schema) {
  auto connection = TRY(Connection::open(path));
  TRY(connection.execute(schema));
  return std::unique_ptr<Worker>(new Worker(std::move(connection)));
}

void Worker::on_failure(std::function<void(const Failure&)> callback) {
  thread_.run_now([&] { on_failure_ = std::move(callback); });
}

Result<void, Failure> Worker::perform(const Work& work) {
  auto done = work(connection_);
  if (!done && on_failure_) on_failure_(done.error());
  return done;
}

Task<Result<void, Unavailable>> Worker::run(Work work) {
  Result<void, Failure> done;
  const auto until = std::chrono::steady_clock::now() + kPatience;
  std::function<void()> performing = [&] {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    connection_.wait_for_locks(std::max(left, std::chrono::milliseconds{0}));
    done = perform(work);
  };
  co_await thread_.run(std::move(performing));
  if (!done) co_return unexpected(Unavailable{"store"});
  co_return Result<void, Unavailable>{};
}

Result<void, Failure> Worker::run_now(const Work& work) {
  Result<void, Failure> done;
  thread_.run_now([&] { done = perform(work); });
  return done;
}

}  // namespace writ::sqlite
