#pragma once

// Whether a database keeps what it acknowledged: after a crash, and after a standby took over. Rules over its settings; pure.

#include <cstdint>
#include <string>

#include "adapters/postgresql/connection.h"

namespace writ::postgresql {

struct DurabilityFacts {
  bool in_recovery = false;                  // a standby: it takes no writes
  std::string synchronous_commit, synchronous_standby_names, fsync, full_page_writes;
  // Standbys that are connected. `unknown`: whoever asks may not see how they follow (pg_monitor).
  std::int64_t synchronous_standbys = 0, other_standbys = 0, unknown_standbys = 0;
};
Result<DurabilityFacts, Failure> read_durability(Connection& connection);

// Why a deployment must not use this database; empty: it may.
std::string refusal_of(const DurabilityFacts& facts);
// What the operator should know nevertheless; empty: nothing.
std::string warning_of(const DurabilityFacts& facts);
// Whether a commit that was acknowledged is on the disk of a standby, too.
bool waits_for_standbys(const DurabilityFacts& facts);

// The refusal as a failure, or the warning. For the start.
Result<std::string, Failure> check_durability(Connection& connection);

}  // namespace writ::postgresql
