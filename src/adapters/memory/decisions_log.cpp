#include "adapters/memory/decisions_log.h"

#include <algorithm>

namespace writ::memory {
namespace {

bool matches(const audit::Query& query, const audit::Record& record, const std::string& line) {
  const auto is = [](const std::string& wanted, std::string_view value) { return wanted.empty() || wanted == value; };
  return (query.user.empty() || query.user == record.user || query.user == record.user_name) && is(query.agent, record.agent) &&
         is(query.server, record.server) && is(query.tool, record.tool) && is(query.effect, audit::to_string(record.effect)) &&
         is(query.event, audit::to_string(record.event)) && is(query.id_jag_jti, record.id_jag_jti) &&
         is(query.access_token_jti, record.access_token_jti) && (!query.since || record.time >= *query.since) &&
         (!query.until || record.time < *query.until) && (query.text.empty() || line.find(query.text) != std::string::npos);
}

}  // namespace

MemoryDecisionsLog::MemoryDecisionsLog(std::string node, std::size_t records_max)
    : node_(std::move(node)), records_max_(records_max) {}

Task<Result<audit::Committed, Unavailable>> MemoryDecisionsLog::commit(audit::Commit commit) {
  assert(!commit.claim || commit.if_replayed);
  const std::lock_guard lock(mutex_);
  if (failing_) co_return unexpected(Unavailable{"decisions log"});
  audit::Committed committed;
  if (commit.claim) {
    committed.replayed = !claims_.emplace(commit.claim->key, commit.claim->forget_after).second;
  }
  committed.position = next_position_++;
  records_.push_back({committed.position, committed.replayed ? std::move(*commit.if_replayed) : std::move(commit.record)});
  if (records_.size() > records_max_) records_.pop_front();
  co_return committed;
}

Task<Result<std::vector<audit::StoredRecord>, Unavailable>> MemoryDecisionsLog::query(audit::Query query) {
  const std::lock_guard lock(mutex_);
  if (failing_) co_return unexpected(Unavailable{"decisions log"});
  std::vector<audit::StoredRecord> rows;
  const auto take = [&](const Kept& kept) {
    if (query.before_position != 0 && kept.position >= query.before_position) return;
    if (kept.position <= query.after_position) return;
    std::string line = audit::to_json_line(kept.record, kept.position, node_);
    if (rows.size() < query.limit && matches(query, kept.record, line)) rows.push_back({kept.position, std::move(line)});
  };
  if (query.after_position != 0) std::for_each(records_.begin(), records_.end(), take);
  else std::for_each(records_.rbegin(), records_.rend(), take);
  co_return rows;
}

Task<Result<std::optional<audit::StoredRecord>, Unavailable>> MemoryDecisionsLog::at(std::uint64_t position) {
  const std::lock_guard lock(mutex_);
  if (failing_) co_return unexpected(Unavailable{"decisions log"});
  std::optional<audit::StoredRecord> found;
  for (const Kept& kept : records_) {
    if (kept.position == position) found = audit::StoredRecord{position, audit::to_json_line(kept.record, position, node_)};
  }
  co_return found;
}

std::vector<audit::Record> MemoryDecisionsLog::records() const {
  const std::lock_guard lock(mutex_);
  std::vector<audit::Record> records;
  for (const Kept& kept : records_) records.push_back(kept.record);
  return records;
}

void MemoryDecisionsLog::fail_from_now_on(bool failing) {
  const std::lock_guard lock(mutex_);
  failing_ = failing;
}

}  // namespace writ::memory
