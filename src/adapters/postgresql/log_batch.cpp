#include "adapters/postgresql/log_batch.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

namespace writ::postgresql {
namespace {

std::string_view key_of(const audit::Claim& claim) { return {reinterpret_cast<const char*>(claim.key.data()), claim.key.size()}; }
std::int64_t to_number(Instant time) { return static_cast<std::int64_t>(time.time_since_epoch().count()); }

// The claims of the batch, each key once and in order, so that two nodes never wait for each other crosswise.
Query claims_query(const Batch& batch) {
  std::map<std::string_view, std::int64_t> times;
  for (const Pending& pending : batch) {
    if (const auto& claim = pending.commit.claim) times.emplace(key_of(*claim), to_number(claim->forget_after));
  }
  std::vector<std::string_view> keys;
  std::vector<std::int64_t> forget_after;
  for (const auto& [key, time] : times) keys.push_back(key), forget_after.push_back(time);
  Query query("INSERT INTO claims(key, forget_after) SELECT * FROM unnest($1, $2) ON CONFLICT DO NOTHING RETURNING key");
  query.bytes_array(keys).numbers(forget_after);
  return query;
}

// Column by column, as unnest() takes them.
class Columns {
 public:
  void add(const audit::Record& record, std::uint64_t position, const std::string& node) {
    numbers_[0].push_back(static_cast<std::int64_t>(position));
    numbers_[1].push_back(to_number(record.time));
    texts_[0].emplace_back(audit::to_string(record.event));
    texts_[1].emplace_back(audit::to_string(record.effect));
    texts_[2].emplace_back(record.user);
    texts_[3].emplace_back(record.user_name);
    texts_[4].emplace_back(record.agent);
    texts_[5].emplace_back(record.server);
    texts_[6].emplace_back(record.tool);
    texts_[7].emplace_back(record.id_jag_jti);
    texts_[8].emplace_back(record.access_token_jti);
    lines_.push_back(audit::to_json_line(record, position, node));
  }
  Query query() const {
    Query query(
        "INSERT INTO records SELECT p, t, convert_from(e, 'UTF8'), convert_from(f, 'UTF8'), u, n, a, s, o, i, j, convert_from(l, 'UTF8') "
        "FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) AS r(p, t, e, f, u, n, a, s, o, i, j, l)");
    for (const auto& column : numbers_) query.numbers(column);
    for (const auto& column : texts_) query.bytes_array(column);
    const std::vector<std::string_view> lines(lines_.begin(), lines_.end());
    query.bytes_array(lines);
    return query;
  }

 private:
  std::vector<std::int64_t> numbers_[2];
  std::vector<std::string_view> texts_[9];
  std::deque<std::string> lines_;
};

// What the commit became, once it is known whether its claim was the first.
const audit::Record& record_of(const Pending& pending) { return pending.committed.replayed ? *pending.commit.if_replayed : pending.commit.record; }

}  // namespace

Result<void, Failure> write_batch(Connection& connection, Batch& batch, const std::string& node) {
  std::vector<Query> first;
  Query& head = first.emplace_back("UPDATE log_head SET position = position + $1 RETURNING position");
  head.number(static_cast<std::int64_t>(batch.size()));
  const bool has_claims = std::any_of(batch.begin(), batch.end(), [](const Pending& pending) { return pending.commit.claim.has_value(); });
  if (has_claims) first.push_back(claims_query(batch));
  const auto answers = TRY(connection.run(first));
  std::uint64_t position = static_cast<std::uint64_t>(answers[0].number(0, 0)) - batch.size();

  std::set<std::string> won;
  for (std::size_t row = 0; has_claims && row < answers[1].size(); ++row) won.insert(answers[1].bytes(row, 0));
  Columns columns;
  for (Pending& pending : batch) {
    pending.committed.position = ++position;
    // Of several with one key in this batch the first has it.
    pending.committed.replayed = pending.commit.claim && won.erase(std::string(key_of(*pending.commit.claim))) == 0;
    columns.add(record_of(pending), position, node);
  }
  TRY(connection.run(columns.query()));
  return {};
}

// Another process may have taken the position since, but its line names that one.
Result<bool, Failure> is_written(Connection& connection, const Batch& batch, const std::string& node) {
  const Pending& first = batch.front();
  Query query("SELECT 1 FROM records WHERE position = $1 AND convert_to(line, 'UTF8') = $2");
  const std::string line = audit::to_json_line(record_of(first), first.committed.position, node);
  query.number(static_cast<std::int64_t>(first.committed.position)).bytes(line);
  return TRY(connection.run(query)).size() == 1;
}

}  // namespace writ::postgresql
