#pragma once

// A connection that comes back: reconnects when it was lost, and finds out what became of a transaction whose commit got no answer.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "adapters/postgresql/connection.h"

namespace writ::postgresql {

// Where the database is. `where`: libpq's connection string without a password ("host=db1,db2 dbname=writ target_session_attrs=read-write").
struct Address {
  std::string where;
  std::string password_file;   // libpq's .pgpass format, mode 0600; empty: none
  std::chrono::milliseconds answer_within{15'000};   // a server that does not answer for so long counts as lost
};

// Used by one thread at a time.
class Session {
 public:
  using Work = std::function<Result<void, Failure>(Connection&)>;
  // `on_connect` is done first on each new connection; when it fails there is no connection.
  explicit Session(Address address, Work on_connect = nullptr) : address_(std::move(address)), on_connect_(std::move(on_connect)) {}

  bool has_connection() const { return connection_.has_value(); }
  // Connects when there is no connection.
  Result<Connection*, Failure> connection();
  // Forget the connection: the next use opens a new one.
  void drop() { connection_.reset(); }

  // Reading: done once more on a new connection when the old one turns out to be lost, so it must set what it answers, not add to it.
  Result<void, Failure> read(const Work& work);
  // BEGIN, `work`, COMMIT. `settings` run right after BEGIN ("SET LOCAL …"). A connection that is lost before COMMIT was sent undoes everything,
  // so the work is done once more on a new one: it must set what it answers, not add to it. When the answer to COMMIT is lost, the server
  // is asked what became of the transaction; a failure with `connection_lost` means that it could not be found out. A server that crashed
  // can give the number of a transaction it lost to the next one, so its "committed" counts only when `is_there` finds what was written.
  // Without `is_there` what was written may be lost in a crash, as everything that a transaction without a synced commit writes.
  using IsThere = std::function<Result<bool, Failure>(Connection&)>;
  Result<void, Failure> transaction(const Work& work, const std::string& settings = "", const IsThere& is_there = nullptr);

 private:
  enum class Stage { before_commit, committing };
  Result<void, Failure> attempt(const Work& work, const std::string& settings, Stage& stage, std::string& id);
  Result<bool, Failure> was_committed(const std::string& id, const IsThere& is_there);

  Address address_;
  Work on_connect_;
  std::optional<Connection> connection_;
};

}  // namespace writ::postgresql
