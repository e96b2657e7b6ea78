#include "adapters/postgresql/documents.h"

#include "adapters/postgresql/schema.h"

namespace writ::postgresql {
namespace {

using registry::Document;

std::int64_t to_number(Instant time) { return static_cast<std::int64_t>(time.time_since_epoch().count()); }

}  // namespace

Result<std::unique_ptr<PostgresqlDocuments>, Failure> PostgresqlDocuments::open(Address address) {
  auto worker = Worker::start(std::move(address));
  TRY(worker->run_now(migrate));
  return std::unique_ptr<PostgresqlDocuments>(new PostgresqlDocuments(std::move(worker)));
}

Result<std::vector<Document>, Unavailable> PostgresqlDocuments::load(std::string_view table) {
  std::vector<Document> documents;
  const auto loaded = worker_->run_now([&](Session& session) {
    return session.read([&](Connection& connection) -> Result<void, Failure> {
      Query query("SELECT key, version, expires, json FROM documents WHERE collection = $1 ORDER BY key");
      query.bytes(table);
      const Rows rows = TRY(connection.run(query));
      documents.clear();
      for (std::size_t row = 0; row < rows.size(); ++row) {
        documents.push_back({std::string(table), rows.bytes(row, 0), rows.number(row, 1), Instant{Milliseconds{rows.number(row, 2)}}, rows.bytes(row, 3)});
      }
      return {};
    });
  });
  if (!loaded) return unexpected(Unavailable{"documents"});
  return documents;
}

Task<Result<void, Unavailable>> PostgresqlDocuments::put(Document document) {
  return worker_->run([document = std::move(document)](Session& session) {
    const auto write = [&document](Connection& connection) -> Result<void, Failure> {
      Query query(
          "INSERT INTO documents VALUES ($1, $2, $3, $4, $5) ON CONFLICT (collection, key) DO UPDATE SET "
          "version = excluded.version, expires = excluded.expires, json = excluded.json WHERE excluded.version > documents.version");
      query.bytes(document.table).bytes(document.key).number(document.version).number(to_number(document.expires)).bytes(document.json);
      TRY(connection.run(query));
      return {};
    };
    const auto is_there = [&document](Connection& connection) -> Result<bool, Failure> {
      Query query("SELECT 1 FROM documents WHERE collection = $1 AND key = $2 AND version >= $3");
      query.bytes(document.table).bytes(document.key).number(document.version);
      return TRY(connection.run(query)).size() == 1;
    };
    return session.transaction(write, "", is_there);
  });
}

Task<Result<void, Unavailable>> PostgresqlDocuments::forget_expired(Instant now) {
  return worker_->run([now](Session& session) {
    return session.transaction([now](Connection& connection) -> Result<void, Failure> {
      Query query("DELETE FROM documents WHERE expires <= $1");
      query.number(to_number(now));
      TRY(connection.run(query));
      return {};
    });
  });
}

}  // namespace writ::postgresql
