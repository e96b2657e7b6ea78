#pragma once

// The decisions log on PostgreSQL, shared by all nodes of a deployment: one writer thread on each node takes whatever has gathered while the last
// transaction was written and commits it as one (group commit). The claims of a batch are one statement (rules §7.1); the unique key on claims
// is what makes a grant usable once, on whichever node it is presented.

#include <memory>
#include <string>

#include "adapters/postgresql/session.h"
#include "audit/decisions_log.h"
#include "base/clock.h"

namespace writ::postgresql {

// Safe to share between threads.
class PostgresqlDecisionsLog final : public audit::DecisionsLog, public audit::AuditReader {
 public:
  // alone: this process is the only one that may write. It holds a lock on its connection, so that a second process is refused at its start, and one
  // that lost its connection to a successor commits nothing any more. among_nodes: the same for its name.
  enum class Sharing { alone, among_nodes };
  // `clock` outlives the log; `node` names this process in every record.
  static Result<std::unique_ptr<PostgresqlDecisionsLog>, Failure> open(Address address, std::string node, const Clock& clock, Sharing sharing);
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
