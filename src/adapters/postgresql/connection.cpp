#include "adapters/postgresql/connection.h"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace writ::postgresql {
namespace {

// Object ids of built-in types; they never change.
constexpr std::uint32_t kBytea = 17, kInt8 = 20, kText = 25, kInt8Array = 1016, kByteaArray = 1001;
constexpr int kBinary = 1;
constexpr int kVersionMin = 150000;

template <class Number>
void append(std::string& out, Number number) {
  for (int shift = (static_cast<int>(sizeof(Number)) - 1) * 8; shift >= 0; shift -= 8) out += static_cast<char>(static_cast<std::uint64_t>(number) >> shift);
}

std::string to_bytes(std::int64_t number) {
  std::string out;
  append(out, number);
  return out;
}

// The binary form of a one-dimensional array without nulls.
void append_array_head(std::string& out, std::uint32_t element_type, std::size_t size) {
  append(out, std::int32_t{1});                            // dimensions
  append(out, std::int32_t{0});                            // no nulls
  append(out, static_cast<std::int32_t>(element_type));
  append(out, static_cast<std::int32_t>(size));
  append(out, std::int32_t{1});                            // the first subscript
}

// Classes 08 (connection) and 57P (the server shuts down, or an administrator ended the connection): nothing follows on this connection.
bool ends_connection(std::string_view sqlstate) { return sqlstate.starts_with("08") || sqlstate.starts_with("57P"); }

}  // namespace

Query& Query::bytes(std::string_view value) & { return parameters_.push_back({kBytea, std::string(value)}), *this; }
Query& Query::text(std::string_view value) & { return parameters_.push_back({kText, std::string(value)}), *this; }
Query& Query::number(std::int64_t value) & { return parameters_.push_back({kInt8, to_bytes(value)}), *this; }
Query& Query::null_bytes() & { return parameters_.push_back({kBytea, std::nullopt}), *this; }

Query& Query::bytes_array(const std::vector<std::string_view>& values) & {
  std::string out;
  append_array_head(out, kBytea, values.size());
  for (const std::string_view value : values) {
    append(out, static_cast<std::int32_t>(value.size()));
    out += value;
  }
  parameters_.push_back({kByteaArray, std::move(out)});
  return *this;
}

Query& Query::numbers(const std::vector<std::int64_t>& values) & {
  std::string out;
  append_array_head(out, kInt8, values.size());
  for (const std::int64_t value : values) {
    append(out, std::int32_t{8});
    append(out, value);
  }
  parameters_.push_back({kInt8Array, std::move(out)});
  return *this;
}

void Rows::Free::operator()(pg_result* result) const { PQclear(result); }
Rows::Rows(pg_result* result) : result_(result) {}
std::size_t Rows::size() const { return static_cast<std::size_t>(PQntuples(result_.get())); }
bool Rows::is_null(std::size_t row, int column) const { return PQgetisnull(result_.get(), static_cast<int>(row), column) != 0; }
bool Rows::truth(std::size_t row, int column) const { return bytes(row, column) == std::string_view("\x01", 1); }

std::string Rows::bytes(std::size_t row, int column) const {
  const int at = static_cast<int>(row);
  return std::string(PQgetvalue(result_.get(), at, column), static_cast<std::size_t>(PQgetlength(result_.get(), at, column)));
}

std::int64_t Rows::number(std::size_t row, int column) const {
  std::uint64_t number = 0;
  const std::string raw = bytes(row, column);
  for (const char byte : raw) number = (number << 8) | static_cast<unsigned char>(byte);
  if (raw.size() == 4) return static_cast<std::int32_t>(static_cast<std::uint32_t>(number));
  return static_cast<std::int64_t>(number);
}

void Connection::Finish::operator()(pg_conn* connection) const { PQfinish(connection); }

Failure Connection::lost() const {
  Failure gone = failure("the connection is lost");
  gone.connection_lost = true;
  return gone;
}

Failure Connection::failure(std::string_view what) const {
  Failure failure{std::string(what) + ": " + PQerrorMessage(connection_.get()), PQstatus(connection_.get()) != CONNECTION_OK};
  while (!failure.detail.empty() && failure.detail.back() == '\n') failure.detail.pop_back();
  return failure;
}

namespace {

bool has_password(const std::string& where) {
  struct Free {
    void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
  };
  const std::unique_ptr<PQconninfoOption, Free> options(PQconninfoParse(where.c_str(), nullptr));
  for (const PQconninfoOption* option = options.get(); option && option->keyword; ++option) {
    if (std::string_view(option->keyword) == "password" && option->val) return true;
  }
  return false;
}

}  // namespace

Result<Connection, Failure> Connection::open(const std::string& where, const std::string& password_file) {
  // Configuration is read, copied and shown; a password has no business there.
  if (has_password(where)) return unexpected(Failure{"the connection string must not hold a password: name a password file"});
  // A peer that is gone without a word is noticed within some seconds, and no statement runs longer than a request may wait.
  std::vector<const char*> keys = {"dbname", "application_name", "connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout", "options"};
  std::vector<const char*> values = {where.c_str(), "writ", "5", "5", "2", "3", "10000",
                                     "-c statement_timeout=10000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=10000 -c client_min_messages=warning"};
  if (!password_file.empty()) keys.push_back("passfile"), values.push_back(password_file.c_str());
  keys.push_back(nullptr), values.push_back(nullptr);
  Connection connection(PQconnectdbParams(keys.data(), values.data(), 1));
  if (!connection.connection_ || PQstatus(connection.connection_.get()) != CONNECTION_OK) return unexpected(connection.failure("cannot connect"));
  // What the server remarks comes back as an error or not at all; nothing is printed.
  PQsetNoticeProcessor(connection.connection_.get(), [](void*, const char*) {}, nullptr);
  if (const int version = PQserverVersion(connection.connection_.get()); version < kVersionMin) {
    return unexpected(Failure{"the server is PostgreSQL " + std::to_string(version / 10000) + ": 15 or newer is needed"});
  }
  return connection;
}

Result<std::vector<Rows>, Failure> Connection::run(const std::vector<Query>& queries) {
  PGconn* connection = connection_.get();
  if (PQenterPipelineMode(connection) != 1) return unexpected(failure("cannot send"));
  for (const Query& query : queries) {
    std::vector<Oid> types;
    std::vector<const char*> values;
    std::vector<int> lengths;
    for (const auto& parameter : query.parameters_) {
      types.push_back(parameter.type);
      values.push_back(parameter.value ? parameter.value->data() : nullptr);
      lengths.push_back(parameter.value ? static_cast<int>(parameter.value->size()) : 0);
    }
    const std::vector<int> formats(types.size(), kBinary);
    if (PQsendQueryParams(connection, query.sql_.c_str(), static_cast<int>(types.size()), types.data(), values.data(), lengths.data(), formats.data(), kBinary) != 1) {
      return unexpected(failure("cannot send"));
    }
  }
  if (PQpipelineSync(connection) != 1) return unexpected(failure("cannot send"));

  const auto until = std::chrono::steady_clock::now() + answer_within_;
  std::vector<Rows> answers;
  std::optional<Failure> first;
  // Each query answers one result and a null; the synchronisation point ends them all. Two nulls: there is nothing more to come.
  bool was_null = false;
  for (bool ended = false; !ended;) {
    PGresult* result = next_result(until);
    if (!result) {
      if (was_null || PQstatus(connection) != CONNECTION_OK) return unexpected(first ? *first : lost());
      was_null = true;
      continue;
    }
    was_null = false;
    Rows rows(result);
    switch (PQresultStatus(result)) {
      case PGRES_TUPLES_OK:
      case PGRES_COMMAND_OK: answers.push_back(std::move(rows)); break;
      case PGRES_PIPELINE_SYNC: ended = true; break;
      case PGRES_PIPELINE_ABORTED: break;   // what followed the statement that failed
      default:
        if (!first) {
          const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
          const char* message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
          first = message && state ? Failure{message, ends_connection(state) || PQstatus(connection) != CONNECTION_OK} : lost();
        }
    }
  }
  if (PQexitPipelineMode(connection) != 1 && !first) return unexpected(failure("cannot read"));
  if (first) return unexpected(std::move(*first));
  return answers;
}

// As PQgetResult, which would wait for ever for an answer that a network between has lost. Too late: the connection is of no use any more.
pg_result* Connection::next_result(std::chrono::steady_clock::time_point until) const {
  PGconn* connection = connection_.get();
  while (PQisBusy(connection) == 1) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd socket{PQsocket(connection), POLLIN, 0};
    const int ready = left.count() > 0 ? ::poll(&socket, 1, static_cast<int>(left.count())) : 0;
    if (ready == 0) ::shutdown(PQsocket(connection), SHUT_RDWR);
    if (PQconsumeInput(connection) != 1) break;
  }
  return PQgetResult(connection);
}

Result<void, Failure> Connection::wait_for_notice(int wakes, std::chrono::milliseconds at_most) {
  PGconn* connection = connection_.get();
  std::array<pollfd, 2> sources{{{PQsocket(connection), POLLIN, 0}, {wakes, POLLIN, 0}}};
  ::poll(sources.data(), sources.size(), static_cast<int>(at_most.count()));
  if (PQconsumeInput(connection) != 1) return unexpected(lost());
  while (PGnotify* notice = PQnotifies(connection)) PQfreemem(notice);
  return {};
}

Result<Rows, Failure> Connection::run(const Query& query) {
  std::vector<Query> one;
  one.push_back(query);
  auto answers = TRY(run(one));
  if (answers.size() != 1) return unexpected(Failure{"the server gave no answer", true});
  return std::move(answers.front());
}

Result<void, Failure> Connection::execute(const std::string& sql) {
  const Rows rows(PQexec(connection_.get(), sql.c_str()));
  PGresult* last = nullptr;
  while (PGresult* more = PQgetResult(connection_.get())) PQclear(last), last = more;
  PQclear(last);
  if (PQstatus(connection_.get()) != CONNECTION_OK) return unexpected(lost());
  const std::string message = PQerrorMessage(connection_.get());
  if (!message.empty()) return unexpected(failure("a statement failed"));
  return {};
}

}  // namespace writ::postgresql
