#pragma once

// The decisions log on PostgreSQL of a process that has the database for itself: one writer thread takes whatever has gathered while the last
// transaction was written and commits it as one (group commit). The claims of a batch are one statement; the unique key on claims is what
// makes a grant usable once. Nodes have shared_log.h.

#include <memory>
#include <string>

#include "adapters/postgresql/session.h"
#include "audit/decisions_log.h"
#include "base/clock.h"

namespace writ::postgresql {

// Safe to share between threads.
class PostgresqlDecisionsLog final : public audit::DecisionsLog, public audit::AuditReader {
 public:
  // This process is the only one that may write. It holds a lock on its connection, so that a second process is refused at its start, and one
  // that lost its connection to a successor commits nothing any more.
  // `clock` outlives the log; `node` names this process in every record.
  static Result<std::unique_ptr<PostgresqlDecisionsLog>, Failure> open(Address address, std::string node, const Clock& clock);
  ~PostgresqlDecisionsLog() override;   // commits what is queued

  Task<Result<audit::Committed, Unavailable>> commit(audit::Commit commit) override;
  Task<Result<std::vector<audit::StoredRecord>, Unavailable>> query(audit::Query query) override;
  Task<Result<std::optional<audit::StoredRecord>, Unavailable>> at(std::uint64_t position) override;

  // Called on the writer's or the reader's thread with what went wrong; for the operator's log.
  void on_failure(std::function<void(const Failure&)> callback);

 private:
  struct State;
  explicit PostgresqlDecisionsLog(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace writ::postgresql
