#pragma once

// A database as it is, looked at without changing it: for `writ doctor`.

#include <optional>
#include <string>
#include <vector>

#include "adapters/postgresql/durability.h"
#include "adapters/postgresql/session.h"
#include "registry/documents.h"
#include "registry/object_store.h"

namespace writ::postgresql {

struct Inspection {
  std::string version;                      // as the server says it
  DurabilityFacts durability;
  std::int64_t schema = 0, newest_schema = 0;   // of the tables, 0: there are none; of this program
  // The rest only where the tables are this program's.
  std::int64_t head = 0, newest_record = 0;     // the position that the log has reached, and that of its newest record
  std::vector<registry::Document> documents;    // of the tables that were asked for
  std::optional<registry::Catalogue> catalogue;
};
// In read-only transactions. Connects once.
Result<Inspection, Failure> inspect(const Address& address, const std::vector<std::string>& tables);

}  // namespace writ::postgresql
