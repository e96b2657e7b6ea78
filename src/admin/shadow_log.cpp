#include "admin/shadow_log.h"

namespace writ::admin {
namespace {

constexpr std::size_t kPage = 1'000;
constexpr int kPagesMax = 200;   // a start must end; older disagreements then count as none

}  // namespace

Task<Result<audit::Committed, Unavailable>> ShadowLog::commit(audit::Commit commit) {
  if (!policy::has_shadow(commit.record)) return log_.commit(std::move(commit));
  return commit_and_count(std::move(commit));
}

Task<Result<audit::Committed, Unavailable>> ShadowLog::commit_and_count(audit::Commit commit) {
  const auto seen = policy::shadows_in(commit.record, 0);
  auto committed = co_await log_.commit(std::move(commit));
  if (committed && !committed->replayed) {
    for (policy::ShadowSeen one : seen) {
      one.position = committed->position;
      counts_.add(one);
    }
  }
  co_return committed;
}

Task<Result<void, Unavailable>> ShadowLog::count_again(audit::AuditReader& reader, Instant now) {
  audit::Query query;
  query.text = "_effect\":\"";
  query.since = now - policy::kShadowWindow;
  query.limit = kPage;
  for (int page = 0; page < kPagesMax; ++page) {
    const auto records = co_await reader.query(query);
    if (!records) co_return unexpected(records.error());
    for (const auto& record : *records) {
      const auto line = json::parse(record.json_line);
      if (!line) continue;
      for (const auto& seen : policy::shadows_in(*line)) counts_.add(seen);
    }
    if (records->size() < kPage) break;
    query.before_position = records->back().position;
  }
  co_return Result<void, Unavailable>{};
}

}  // namespace writ::admin
