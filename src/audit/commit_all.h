#pragma once

// Many records of one change: sent together, so that they share the log's groups instead of waiting for one sync each.

#include <vector>

#include "audit/decisions_log.h"

namespace writ::audit {

// One answer for each, in the same order. Some may fail while others are durable. Not more than a bound is under way at a time, so that a large import
// does not crowd out everybody else's decisions.
Task<std::vector<Result<Committed, Unavailable>>> commit_all(DecisionsLog& log, std::vector<Commit> commits);

}  // namespace writ::audit
