#pragma once

// A decisions log that counts, on the way through, what shadows would have changed. Of a record that speaks of no shadow it costs a look at its members.

#include "audit/decisions_log.h"
#include "policy/shadow_counts.h"

namespace writ::admin {

class ShadowLog final : public audit::DecisionsLog {
 public:
  // `log` outlives the object.
  explicit ShadowLog(audit::DecisionsLog& log) : log_(log) {}

  Task<Result<audit::Committed, Unavailable>> commit(audit::Commit commit) override;
  // Counts the records of the last day that were there before. Once, before the first commit.
  Task<Result<void, Unavailable>> count_again(audit::AuditReader& reader, Instant now);

  const policy::ShadowCounts& counts() const { return counts_; }

 private:
  Task<Result<audit::Committed, Unavailable>> commit_and_count(audit::Commit commit);

  audit::DecisionsLog& log_;
  policy::ShadowCounts counts_;
};

}  // namespace writ::admin
