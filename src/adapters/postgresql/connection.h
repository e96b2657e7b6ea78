#pragma once

// PostgreSQL by libpq with its sharp edges taken off: parameters apart from statements (S9), values in and out in binary by type, several
// statements in one round trip, errors as values.
//
// Texts that others chose are bytes here (`bytea`): PostgreSQL's `text` knows neither NUL nor foreign encodings, and how it sorts and compares
// depends on a locale. Bytes come back as they went in.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct pg_conn;
struct pg_result;

namespace writ::postgresql {

// What went wrong, for the operator's log; never a parameter's value.
struct Failure {
  std::string detail;
  bool connection_lost = false;
};

// A statement with its parameters $1, $2, …
class Query {
 public:
  explicit Query(std::string sql) : sql_(std::move(sql)) {}
  Query& bytes(std::string_view value) &;                                 // bytea
  Query& text(std::string_view value) &;                                  // text: our own ASCII words only
  Query& number(std::int64_t value) &;                                    // bigint
  Query& null_bytes() &;
  Query& bytes_array(const std::vector<std::string_view>& values) &;      // bytea[]
  Query& numbers(const std::vector<std::int64_t>& values) &;              // bigint[]

 private:
  friend class Connection;
  struct Parameter {
    std::uint32_t type;
    std::optional<std::string> value;
  };
  std::string sql_;
  std::vector<Parameter> parameters_;
};

// The answer to one query. Rows and columns from 0.
class Rows {
 public:
  explicit Rows(pg_result* result);
  std::size_t size() const;
  std::string bytes(std::size_t row, int column) const;       // bytea, text
  std::int64_t number(std::size_t row, int column) const;     // bigint, integer
  bool truth(std::size_t row, int column) const;
  bool is_null(std::size_t row, int column) const;

 private:
  struct Free {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Free> result_;
};

// One connection, used by one thread at a time.
class Connection {
 public:
  // `where` is a libpq connection string without password; `password_file` in libpq's .pgpass format, or empty. Refuses servers before 15.
  static Result<Connection, Failure> open(const std::string& where, const std::string& password_file);
  // A server that has not answered for so long counts as lost; by itself it ends statements after 10 s.
  void answer_within(std::chrono::milliseconds limit) { answer_within_ = limit; }
  Connection(Connection&&) noexcept = default;
  Connection& operator=(Connection&&) noexcept = default;

  // Sends all, waits once. One failing statement fails all of them; outside a transaction they are one.
  Result<std::vector<Rows>, Failure> run(const std::vector<Query>& queries);
  Result<Rows, Failure> run(const Query& query);
  // Several statements without parameters: schema, settings.
  Result<void, Failure> execute(const std::string& sql);
  // Until the server has notified this connection (LISTEN), `wakes` can be read, or the time is over. What was notified is forgotten.
  Result<void, Failure> wait_for_notice(int wakes, std::chrono::milliseconds at_most);

 private:
  struct Finish {
    void operator()(pg_conn* connection) const;
  };
  explicit Connection(pg_conn* connection) : connection_(connection) {}
  Failure failure(std::string_view what) const;
  Failure lost() const;
  pg_result* next_result(std::chrono::steady_clock::time_point until) const;
  std::unique_ptr<pg_conn, Finish> connection_;
  std::chrono::milliseconds answer_within_{15'000};
};

}  // namespace writ::postgresql
