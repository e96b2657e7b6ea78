#pragma once

// The decisions log of a node: its spool in the data directory, and the log that the nodes share in their database.

#include <memory>
#include <string>

#include "adapters/postgresql/shared_log.h"
#include "base/clock.h"
#include "base/secret.h"
#include "decisions_log.h"
#include "nodes/node_log.h"

namespace writ::writd {

struct NodeLogPlace {
  std::string data_directory, node;
  Seconds keep{0};        // as of any decisions log
  LogMeters meters{};
};
// `shared` was opened from `database`. Refuses a spool that is not this node's, or older than what the database has. The error is a sentence for the operator.
Result<std::unique_ptr<nodes::NodeLog>, std::string> open_node_log(NodeLogPlace place, std::unique_ptr<postgresql::SharedLog> shared, postgresql::Address database, const Secret& sealing_key,
                                                                   const Clock& clock, std::function<void(const std::string&)> on_failure);

}  // namespace writ::writd
