#pragma once

// The decisions log on SQLite: one writer thread takes whatever has gathered while the last transaction was written and commits it as
// one (group commit). An append-only log of our own takes its place later, behind the same interface.

#include <memory>
#include <string>

#include "adapters/sqlite/database.h"
#include "audit/decisions_log.h"
#include "base/clock.h"

namespace writ::sqlite {

// Safe to share between threads.
class SqliteDecisionsLog final : public audit::DecisionsLog, public audit::AuditReader {
 public:
  // `clock` outlives the log; `node` names this process in every record.
  static Result<std::unique_ptr<SqliteDecisionsLog>, Failure> open(std::string path, std::string node, const Clock& clock);
  ~SqliteDecisionsLog() override;   // commits what is queued

  Task<Result<audit::Committed, Unavailable>> commit(audit::Commit commit) override;
  Task<Result<std::vector<audit::StoredRecord>, Unavailable>> query(audit::Query query) override;
  Task<Result<std::optional<audit::StoredRecord>, Unavailable>> at(std::uint64_t position) override;

  // Called on the writer's thread with what went wrong; for the operator's log.
  void on_failure(std::function<void(const Failure&)> callback);

 private:
  struct State;
  explicit SqliteDecisionsLog(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace writ::sqlite
