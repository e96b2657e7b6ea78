#pragma once

// The files of a deployment as they are, looked at without changing them, whether a server uses them or not: for `writ doctor`.

#include <string>
#include <vector>

#include "adapters/sqlite/database.h"
#include "registry/documents.h"
#include "registry/object_store.h"

namespace writ::sqlite {

// "ok", or what SQLite finds damaged. Reads the whole file.
Result<std::string, Failure> check_database(const std::string& path);
Result<registry::Catalogue, Failure> inspect_objects(const std::string& path);
Result<std::vector<registry::Document>, Failure> inspect_documents(const std::string& path, const std::vector<std::string>& tables);

}  // namespace writ::sqlite
