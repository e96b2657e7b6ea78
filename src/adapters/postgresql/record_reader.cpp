#include "adapters/postgresql/record_reader.h"

#include "audit/record_name.h"

namespace writ::postgresql {
namespace {

Query search(const audit::Query& query) {
  std::string sql = "SELECT position, line FROM records WHERE true";
  std::vector<std::string_view> values;
  const auto parameter = [&](std::string_view value) {
    values.push_back(value);
    return "$" + std::to_string(values.size());
  };
  const auto equals = [&](const char* column, const std::string& value) {
    if (!value.empty()) sql += std::string(" AND ") + column + " = " + parameter(value);
  };
  if (!query.user.empty()) {
    const std::string user = parameter(query.user);
    sql += " AND (user_id = " + user + " OR user_name = " + user + ")";
  }
  equals("agent", query.agent);
  equals("server", query.server);
  equals("tool", query.tool);
  equals("convert_to(effect, 'UTF8')", query.effect);
  equals("convert_to(event, 'UTF8')", query.event);
  equals("id_jag_jti", query.id_jag_jti);
  equals("access_token_jti", query.access_token_jti);
  if (!query.text.empty()) sql += " AND position(" + parameter(query.text) + " in convert_to(line, 'UTF8')) > 0";
  // Numbers of ours, not text of others: they may stand in the statement.
  if (query.since) sql += " AND time >= " + std::to_string(query.since->time_since_epoch().count());
  if (query.until) sql += " AND time < " + std::to_string(query.until->time_since_epoch().count());
  if (query.before_position != 0) sql += " AND position < " + std::to_string(query.before_position);
  if (query.after_position != 0) sql += " AND position > " + std::to_string(query.after_position);
  sql += query.after_position != 0 ? " ORDER BY position ASC" : " ORDER BY position DESC";
  sql += " LIMIT " + std::to_string(query.limit);
  Query prepared(std::move(sql));
  for (const std::string_view value : values) prepared.bytes(value);
  return prepared;
}

}  // namespace

Task<Result<std::vector<audit::StoredRecord>, Unavailable>> RecordReader::query(audit::Query query) {
  auto records = std::make_shared<std::vector<audit::StoredRecord>>();
  Worker::Work work = [query = std::move(query), records](Session& session) {
    return session.read([&](Connection& connection) -> Result<void, Failure> {
      const Rows rows = TRY(connection.run(search(query)));
      records->clear();
      for (std::size_t row = 0; row < rows.size(); ++row) records->push_back({static_cast<std::uint64_t>(rows.number(row, 0)), rows.bytes(row, 1)});
      return {};
    });
  };
  const auto ran = co_await worker_->run(std::move(work));
  if (!ran) co_return unexpected(ran.error());
  co_return std::move(*records);
}

Task<Result<std::optional<audit::StoredRecord>, Unavailable>> RecordReader::at(std::uint64_t name) {
  auto found = std::make_shared<std::optional<audit::StoredRecord>>();
  Worker::Work work = [name, found](Session& session) {
    return session.read([&](Connection& connection) -> Result<void, Failure> {
      const bool is_of_a_node = audit::node_of(name) != 0;
      Query query(is_of_a_node ? "SELECT position, line FROM records WHERE node_position = $1 AND node = $2" : "SELECT position, line FROM records WHERE position = $1");
      query.number(static_cast<std::int64_t>(audit::position_of(name)));
      if (is_of_a_node) query.number(audit::node_of(name));
      const Rows rows = TRY(connection.run(query));
      found->reset();
      if (rows.size() == 1) found->emplace(audit::StoredRecord{static_cast<std::uint64_t>(rows.number(0, 0)), rows.bytes(0, 1)});
      return {};
    });
  };
  const auto ran = co_await worker_->run(std::move(work));
  if (!ran) co_return unexpected(ran.error());
  co_return std::move(*found);
}

}  // namespace writ::postgresql
