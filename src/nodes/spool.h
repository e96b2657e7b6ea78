#pragma once

// The log of one node alone (rules §7.1): everything that it decided, in order, chained and on its own disk. adapters/log keeps it.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "audit/decisions_log.h"

namespace writ::nodes {

// Safe to share between threads. Positions rise by one; names carry the node's number (audit/record_name.h).
class Spool {
 public:
  virtual ~Spool() = default;
  // Without a claim. Answers the record's name.
  virtual Task<Result<audit::Committed, Unavailable>> commit(audit::Commit commit) = 0;
  virtual Task<Result<std::optional<audit::StoredRecord>, Unavailable>> at(std::uint64_t position) = 0;

  virtual std::uint64_t first_position() const = 0;   // of the oldest record that is there, or will be
  virtual std::uint64_t newest_on_disk() const = 0;   // position of the newest record that survives a power loss
  // `callback`: there are more, on any thread. Once, before the first commit; an empty one ends it.
  virtual void on_disk(std::function<void()> callback) = 0;
  // Oldest first, what comes behind `after`; waits. The error is a sentence for the operator.
  virtual Result<std::vector<audit::StoredRecord>, std::string> read_on(std::uint64_t after, std::size_t limit) = 0;
  // Everybody has those up to this position: they may be removed when their time comes.
  virtual void delivered(std::uint64_t position) = 0;
};

}  // namespace writ::nodes
