#pragma once

// Who writes records: a process that has the database for itself, or nodes, each under its own name. Held as long as a connection lives.

#include <string>

#include "adapters/postgresql/connection.h"

namespace writ::postgresql {

// `query` tries to take a lock and answers whether it has it. The server lets go of a lock some moments after a client was cut off.
Result<bool, Failure> take_lock(Connection& connection, const Query& query);

Result<void, Failure> be_alone(Connection& connection);
// Beside other nodes, but the only one of this name.
Result<void, Failure> be_node(Connection& connection, const std::string& name);

}  // namespace writ::postgresql
