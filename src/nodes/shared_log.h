#pragma once

// What the nodes keep together: the trail of all of them, and what was used once. adapters/postgresql keeps it in their database.

#include <cstdint>
#include <string>
#include <vector>

#include "audit/decisions_log.h"

namespace writ::nodes {

struct Delivery {
  std::uint64_t after = 0;                     // it has this node's records up to this position
  std::vector<audit::StoredRecord> records;    // those behind it, in order; may be empty
  std::vector<audit::Claim> claims;            // of decisions that are not recorded yet
};

// Used by one thread. What goes wrong is a sentence for the operator.
class SharedLog {
 public:
  virtual ~SharedLog() = default;
  // The position up to which it has this node's records.
  virtual Result<std::uint64_t, std::string> delivered() = 0;
  // All of it or nothing, and durable when it returns: of each claim, whether it was the first with its key. After a failure either may be the case.
  virtual Result<std::vector<bool>, std::string> deliver(const Delivery& delivery) = 0;
};

}  // namespace writ::nodes
