#pragma once

// SQLite with its sharp edges taken off: prepared statements only (S9), values in and out by type, errors as values.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/task.h"
#include "base/work_thread.h"

struct sqlite3;
struct sqlite3_stmt;

namespace writ::sqlite {

// What went wrong, for the operator's log.
struct Failure {
  std::string detail;
};

// A prepared statement. Parameters are numbered from 1, columns from 0.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  Statement& bind(int parameter, std::string_view text);
  Statement& bind(int parameter, const std::string& text) { return bind(parameter, std::string_view(text)); }
  Statement& bind(int parameter, const char* text) { return bind(parameter, std::string_view(text)); }
  Statement& bind(int parameter, std::int64_t number);
  Statement& bind(int parameter, int number) { return bind(parameter, static_cast<std::int64_t>(number)); }
  Statement& bind_blob(int parameter, std::string_view bytes);
  Statement& bind_null(int parameter);

  // True: a row stands ready. False: done. The statement is reset by itself when done or failed.
  Result<bool, Failure> step();
  // For statements without rows.
  Result<void, Failure> run();
  void reset();

  std::string text(int column) const;
  std::string blob(int column) const;
  std::int64_t number(int column) const;
  bool is_null(int column) const;

 private:
  friend class Connection;
  Statement(sqlite3* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  sqlite3* database_;
  sqlite3_stmt* statement_;
};

// One connection, used by one thread at a time. WAL, synchronous FULL, foreign keys on. Waits up to 5 s when another process holds a lock.
class Connection {
 public:
  // Creates the file with mode 0600 when there is none. ":memory:" is for tests.
  static Result<Connection, Failure> open(const std::string& path);
  // An existing file that another process may be writing. Nothing can be changed through it, and nothing is laid beside it.
  static Result<Connection, Failure> open_to_read(const std::string& path);
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&& other) noexcept;
  ~Connection();

  // Several statements without parameters: schema, pragmas.
  Result<void, Failure> execute(const char* sql);
  Result<Statement, Failure> prepare(std::string_view sql);
  std::int64_t changes() const;
  void wait_for_locks(std::chrono::milliseconds at_most);

  // Runs `work` in one transaction; rolls back when it, or the commit, fails.
  Result<void, Failure> transaction(const std::function<Result<void, Failure>()>& work);

 private:
  explicit Connection(sqlite3* database) : database_(database) {}
  sqlite3* database_;
};

// A thread that owns a connection. Work is run in order; results come back on the executor of the one who awaits. While another process holds the
// file's lock, work fails two seconds after it was asked for (R6), however much of it waits.
class Worker {
 public:
  // Opens the file and runs `schema` (idempotent statements).
  static Result<std::unique_ptr<Worker>, Failure> start(std::string path, const char* schema);

  using Work = std::function<Result<void, Failure>(Connection&)>;
  // A failed piece of work is logged through `on_failure` and answered as Unavailable.
  Task<Result<void, Unavailable>> run(Work work);
  // At start-up, before there are event loops: blocks.
  Result<void, Failure> run_now(const Work& work);
  void on_failure(std::function<void(const Failure&)> callback);

 private:
  explicit Worker(Connection connection);
  Result<void, Failure> perform(const Work& work);

  // The thread's own.
  Connection connection_;
  std::function<void(const Failure&)> on_failure_;
  WorkThread thread_;   // the last one: it finishes queued work before the others go
};

}  // namespace writ::sqlite
