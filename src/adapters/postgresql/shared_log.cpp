#include "adapters/postgresql/shared_log.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "adapters/postgresql/log_locks.h"
#include "adapters/postgresql/schema.h"
#include "audit/record_name.h"
#include "crypto/random.h"
#include "encoding/json.h"
#include "registry/fields.h"

namespace writ::postgresql {
namespace {

constexpr auto kPurgeEvery = std::chrono::seconds(60);
constexpr std::size_t kBatchBytes = 16;

std::string_view key_of(const audit::Claim& claim) { return {reinterpret_cast<const char*>(claim.key.data()), claim.key.size()}; }
std::int64_t to_number(Instant time) { return static_cast<std::int64_t>(time.time_since_epoch().count()); }

// Each key once and in order, so that two nodes never wait for each other crosswise.
Query claims_query(const std::vector<audit::Claim>& claims, const std::string& batch) {
  std::map<std::string_view, std::int64_t> times;
  for (const audit::Claim& claim : claims) times.emplace(key_of(claim), to_number(claim.forget_after));
  std::vector<std::string_view> keys;
  std::vector<std::int64_t> forget_after;
  for (const auto& [key, time] : times) keys.push_back(key), forget_after.push_back(time);
  Query query("INSERT INTO claims(key, forget_after, batch) SELECT k, f, $3 FROM unnest($1, $2) AS c(k, f) ON CONFLICT DO NOTHING RETURNING key");
  query.bytes_array(keys).numbers(forget_after).bytes(batch);
  return query;
}

// The line as the node wrote it, with its place in the trail of all nodes before its own.
std::string placed(const std::string& line, std::uint64_t position, std::uint64_t node_position) {
  const std::string begin = "{\"position\":" + std::to_string(node_position);
  if (!line.starts_with(begin)) return line;
  return "{\"position\":" + std::to_string(position) + ",\"node_position\":" + std::to_string(node_position) + line.substr(begin.size());
}

// Column by column, as unnest() takes them.
class Columns {
 public:
  void add(const audit::StoredRecord& record, std::uint64_t position) {
    const auto line = json::parse(record.json_line);
    const auto text = [&](const char* name) {
      const auto* value = line ? line->find_string(name) : nullptr;
      return value ? *value : std::string();
    };
    numbers_[0].push_back(static_cast<std::int64_t>(position));
    numbers_[1].push_back(to_number(registry::parse_instant(text("time")).value_or(Instant{})));
    numbers_[2].push_back(static_cast<std::int64_t>(record.position));
    texts_[0].push_back(text("event"));
    const std::string effect = text("effect");
    texts_[1].push_back(effect.empty() ? std::string(audit::to_string(audit::Effect::none)) : effect);
    std::size_t column = 2;
    for (const char* name : {"user", "user_name", "agent", "server", "tool", "id_jag_jti", "access_token_jti"}) texts_[column++].push_back(text(name));
    texts_[column].push_back(placed(record.json_line, position, record.position));
  }
  Query query(std::uint32_t node) const {
    Query query(
        "INSERT INTO records(position, time, event, effect, user_id, user_name, agent, server, tool, id_jag_jti, access_token_jti, line, node, node_position) "
        "SELECT p, t, convert_from(e, 'UTF8'), convert_from(f, 'UTF8'), u, n, a, s, o, i, j, convert_from(l, 'UTF8'), $14, q "
        "FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) AS r(p, t, q, e, f, u, n, a, s, o, i, j, l)");
    for (const auto& column : numbers_) query.numbers(column);
    for (const auto& column : texts_) query.bytes_array({column.begin(), column.end()});
    query.number(node);
    return query;
  }

 private:
  std::vector<std::int64_t> numbers_[3];
  std::deque<std::string> texts_[10];
};

}  // namespace

SharedLog::SharedLog(Address address, const std::string& node, const Clock& clock)
    : clock_(clock), session_(std::move(address), [node](Connection& connection) { return be_node(connection, node); }) {}

Result<std::unique_ptr<SharedLog>, Failure> SharedLog::open(Address address, std::string node, const Clock& clock) {
  std::unique_ptr<SharedLog> log(new SharedLog(std::move(address), node, clock));
  TRY(migrate(log->session_));
  TRY(log->be_known(node));
  return log;
}

Result<void, Failure> SharedLog::be_known(const std::string& node) {
  return session_.transaction([&](Connection& connection) -> Result<void, Failure> {
    std::vector<Query> queries;
    queries.emplace_back("SELECT epoch FROM cluster FOR UPDATE");   // one node after the other
    queries.emplace_back("INSERT INTO node_logs(number, name) SELECT coalesce(max(number), 0) + 1, $1 FROM node_logs HAVING NOT EXISTS (SELECT 1 FROM node_logs WHERE name = $1)").bytes(node);
    queries.emplace_back("SELECT number, spool FROM node_logs WHERE name = $1").bytes(node);
    const auto answers = TRY(connection.run(queries));
    const std::int64_t number = answers[2].number(0, 0);
    if (number > std::int64_t{audit::kNodeNumberMax}) return unexpected(Failure{"the database has known " + std::to_string(audit::kNodeNumberMax) + " names of nodes: use an earlier one again (SELECT convert_from(name, 'UTF8') FROM node_logs)"});
    number_ = static_cast<std::uint32_t>(number);
    spool_ = answers[2].bytes(0, 1);
    return {};
  });
}

Result<void, Failure> SharedLog::use_spool(const std::string& id) {
  TRY(session_.transaction([&](Connection& connection) -> Result<void, Failure> {
    Query query("UPDATE node_logs SET spool = $2 WHERE number = $1");
    query.number(number_).bytes(id);
    TRY(connection.run(query));
    return {};
  }));
  spool_ = id;
  return {};
}

Result<std::uint64_t, std::string> SharedLog::delivered() {
  std::uint64_t position = 0;
  const auto read = session_.read([&](Connection& connection) -> Result<void, Failure> {
    Query query("SELECT position FROM node_logs WHERE number = $1 AND spool = $2");
    query.number(number_).bytes(spool_);
    const Rows rows = TRY(connection.run(query));
    if (rows.size() != 1) return unexpected(Failure{"the database does not know this node's spool any more"});
    position = static_cast<std::uint64_t>(rows.number(0, 0));
    return {};
  });
  if (!read) return unexpected(read.error().detail);
  return position;
}

Result<std::vector<bool>, std::string> SharedLog::deliver(const nodes::Delivery& delivery) {
  std::vector<bool> is_first;
  const auto done = session_.transaction([&](Connection& connection) { return write(connection, delivery, is_first); }, "",
                                         [&](Connection& connection) { return is_there(connection, delivery, is_first); });
  if (!done) {
    session_.drop();   // who holds the name is found out again
    return unexpected(done.error().detail);
  }
  purge();
  return is_first;
}

Result<void, Failure> SharedLog::write(Connection& connection, const nodes::Delivery& delivery, std::vector<bool>& is_first) {
  is_first.assign(delivery.claims.size(), false);
  batch_ = crypto::random_bytes(kBatchBytes);
  std::vector<Query> first;
  const bool has_records = !delivery.records.empty();
  if (has_records) {
    // Positions of the trail have no gaps and become visible in their order: whoever delivers has the row until it commits.
    first.emplace_back("UPDATE log_head SET position = position + $1 RETURNING position").number(static_cast<std::int64_t>(delivery.records.size()));
    // Only on top of what is there: what was delivered is not delivered again, whatever became of the answer.
    first.emplace_back("UPDATE node_logs SET position = $4 WHERE number = $1 AND spool = $2 AND position = $3 RETURNING position")
        .number(number_).bytes(spool_).number(static_cast<std::int64_t>(delivery.after)).number(static_cast<std::int64_t>(delivery.records.back().position));
  }
  if (!delivery.claims.empty()) first.push_back(claims_query(delivery.claims, batch_));
  const auto answers = TRY(connection.run(first));
  if (!delivery.claims.empty()) {
    std::set<std::string> won;
    for (std::size_t row = 0; row < answers.back().size(); ++row) won.insert(answers.back().bytes(row, 0));
    // Of several with one key in this batch the first has it.
    for (std::size_t i = 0; i < is_first.size(); ++i) is_first[i] = won.erase(std::string(key_of(delivery.claims[i]))) != 0;
  }
  if (!has_records) return {};
  if (answers[1].size() != 1) return unexpected(Failure{"the database has other records of this node than were delivered last"});
  std::uint64_t position = static_cast<std::uint64_t>(answers[0].number(0, 0)) - delivery.records.size();
  Columns columns;
  for (const audit::StoredRecord& record : delivery.records) columns.add(record, ++position);
  TRY(connection.run(columns.query(number_)));
  return {};
}

Result<bool, Failure> SharedLog::is_there(Connection& connection, const nodes::Delivery& delivery, const std::vector<bool>& is_first) {
  if (!delivery.records.empty()) {
    Query query("SELECT 1 FROM node_logs WHERE number = $1 AND spool = $2 AND position = $3");
    query.number(number_).bytes(spool_).number(static_cast<std::int64_t>(delivery.records.back().position));
    return TRY(connection.run(query)).size() == 1;
  }
  if (std::find(is_first.begin(), is_first.end(), true) == is_first.end()) return true;   // it wrote nothing
  Query query("SELECT 1 FROM claims WHERE batch = $1 LIMIT 1");
  query.bytes(batch_);
  return TRY(connection.run(query)).size() == 1;
}

void SharedLog::purge() {
  const auto now = std::chrono::steady_clock::now();
  if (now < last_purge_ + kPurgeEvery) return;
  last_purge_ = now;
  // What cannot be forgotten now is forgotten later.
  static_cast<void>(session_.transaction([this](Connection& connection) -> Result<void, Failure> {
    Query query("DELETE FROM claims WHERE forget_after < $1");
    query.number(to_number(audit::claims_forgotten_before(clock_.now())));
    TRY(connection.run(query));
    return {};
  }));
}

}  // namespace writ::postgresql
