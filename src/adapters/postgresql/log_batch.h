#pragma once

// One group of commits on its way into the database.

#include <deque>
#include <functional>
#include <string>

#include "adapters/postgresql/connection.h"
#include "audit/decisions_log.h"

namespace writ::postgresql {

struct Pending {
  audit::Commit commit;
  audit::Committed committed{};
  std::function<void(Result<audit::Committed, Unavailable>)> done;   // posts to the executor of the one who waits
};
using Batch = std::deque<Pending>;

// Inside a transaction: takes positions, claims, and inserts one record for each commit. Sets `committed` of each; may be done again.
Result<void, Failure> write_batch(Connection& connection, Batch& batch, const std::string& node);

// Whether what `write_batch` wrote last is in the database; `batch` is not empty.
Result<bool, Failure> is_written(Connection& connection, const Batch& batch, const std::string& node);

}  // namespace writ::postgresql
