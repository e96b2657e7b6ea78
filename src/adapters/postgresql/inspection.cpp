#include "adapters/postgresql/inspection.h"

#include "adapters/postgresql/object_store.h"
#include "adapters/postgresql/schema.h"

namespace writ::postgresql {

Result<Inspection, Failure> inspect(const Address& address, const std::vector<std::string>& tables) {
  auto connection = TRY(Connection::open(address.where, address.password_file));
  connection.answer_within(address.answer_within);
  TRY(connection.execute("SET default_transaction_read_only = on"));
  Inspection found;
  found.version = TRY(connection.run(Query("SELECT current_setting('server_version')"))).bytes(0, 0);
  found.durability = TRY(read_durability(connection));
  found.schema = TRY(schema_of(connection));
  found.newest_schema = newest_schema();
  if (found.schema != found.newest_schema) return found;
  const Rows log = TRY(connection.run(Query("SELECT (SELECT position FROM log_head WHERE id = 1), coalesce((SELECT max(position) FROM records), 0)")));
  if (log.is_null(0, 0)) return unexpected(Failure{"the table `log_head` is empty: this database is not whole"});
  found.head = log.number(0, 0);
  found.newest_record = log.number(0, 1);
  for (const auto& table : tables) {
    Query query("SELECT key, version, expires, json FROM documents WHERE collection = $1 ORDER BY key");
    query.bytes(table);
    const Rows rows = TRY(connection.run(query));
    for (std::size_t row = 0; row < rows.size(); ++row) {
      found.documents.push_back({table, rows.bytes(row, 0), rows.number(row, 1), Instant{Milliseconds{rows.number(row, 2)}}, rows.bytes(row, 3)});
    }
  }
  TRY(connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
  registry::Catalogue catalogue;
  TRY(read_catalogue(connection, catalogue));
  TRY(connection.execute("COMMIT"));
  found.catalogue = std::move(catalogue);
  return found;
}

}  // namespace writ::postgresql
