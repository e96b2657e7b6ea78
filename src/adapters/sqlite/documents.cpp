#include "adapters/sqlite/documents.h"

namespace writ::sqlite {
namespace {

using registry::Document;

constexpr const char* kSchema = R"(
  CREATE TABLE IF NOT EXISTS documents(
    collection TEXT NOT NULL, key TEXT NOT NULL,
    version INTEGER NOT NULL, expires INTEGER NOT NULL, json TEXT NOT NULL,
    PRIMARY KEY (collection, key)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS documents_by_expiry ON documents(expires);
)";

Result<void, Failure> write(Connection& connection, const Document& document) {
  auto statement = TRY(connection.prepare(
      "INSERT INTO documents VALUES (?, ?, ?, ?, ?) ON CONFLICT (collection, key) DO UPDATE SET "
      "version = excluded.version, expires = excluded.expires, json = excluded.json WHERE excluded.version > documents.version"));
  statement.bind(1, document.table)
      .bind(2, document.key)
      .bind(3, document.version)
      .bind(4, static_cast<std::int64_t>(document.expires.time_since_epoch().count()))
      .bind(5, document.json);
  return statement.run();
}

}  // namespace

Result<std::unique_ptr<SqliteDocuments>, Failure> SqliteDocuments::open(std::string path) {
  return std::unique_ptr<SqliteDocuments>(new SqliteDocuments(TRY(Worker::start(std::move(path), kSchema))));
}

Result<std::vector<Document>, Unavailable> SqliteDocuments::load(std::string_view table) {
  std::vector<Document> documents;
  const auto loaded = worker_->run_now([&](Connection& connection) -> Result<void, Failure> {
    auto statement = TRY(connection.prepare("SELECT key, version, expires, json FROM documents WHERE collection = ? ORDER BY key"));
    statement.bind(1, table);
    while (TRY(statement.step())) {
      documents.push_back({std::string(table), statement.text(0), statement.number(1), Instant{Milliseconds{statement.number(2)}},
                           statement.text(3)});
    }
    return {};
  });
  if (!loaded) return unexpected(Unavailable{"documents"});
  return documents;
}

Task<Result<void, Unavailable>> SqliteDocuments::put(Document document) {
  return worker_->run([document = std::move(document)](Connection& connection) { return write(connection, document); });
}

Task<Result<void, Unavailable>> SqliteDocuments::forget_expired(Instant now) {
  return worker_->run([now](Connection& connection) -> Result<void, Failure> {
    auto statement = TRY(connection.prepare("DELETE FROM documents WHERE expires <= ?"));
    statement.bind(1, static_cast<std::int64_t>(now.time_since_epoch().count()));
    return statement.run();
  });
}

}  // namespace writ::sqlite
