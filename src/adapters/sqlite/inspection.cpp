#include "adapters/sqlite/inspection.h"

#include "adapters/sqlite/object_store.h"

namespace writ::sqlite {

Result<std::string, Failure> check_database(const std::string& path) {
  auto connection = TRY(Connection::open_to_read(path));
  auto checking = TRY(connection.prepare("PRAGMA quick_check(1)"));
  if (!TRY(checking.step())) return unexpected(Failure{"the check gave no answer"});
  return checking.text(0);
}

Result<registry::Catalogue, Failure> inspect_objects(const std::string& path) {
  auto connection = TRY(Connection::open_to_read(path));
  registry::Catalogue catalogue;
  TRY(connection.execute("BEGIN"));   // all at one moment
  TRY(read_catalogue(connection, catalogue));
  return catalogue;
}

Result<std::vector<registry::Document>, Failure> inspect_documents(const std::string& path, const std::vector<std::string>& tables) {
  auto connection = TRY(Connection::open_to_read(path));
  std::vector<registry::Document> documents;
  for (const auto& table : tables) {
    auto statement = TRY(connection.prepare("SELECT key, version, expires, json FROM documents WHERE collection = ? ORDER BY key"));
    statement.bind(1, table);
    while (TRY(statement.step())) documents.push_back({table, statement.text(0), statement.number(1), Instant{Milliseconds{statement.number(2)}}, statement.text(3)});
  }
  return documents;
}

}  // namespace writ::sqlite
