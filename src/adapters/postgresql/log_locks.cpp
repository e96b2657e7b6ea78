#include "adapters/postgresql/log_locks.h"

#include <chrono>
#include <thread>

namespace writ::postgresql {

Result<bool, Failure> take_lock(Connection& connection, const Query& query) {
  for (int attempts = 0; attempts < 20; ++attempts) {
    if (attempts > 0) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (TRY(connection.run(query)).truth(0, 0)) return true;
  }
  return false;
}

Result<void, Failure> be_alone(Connection& connection) {
  if (TRY(take_lock(connection, Query("SELECT pg_try_advisory_lock(7209403)")))) return {};
  return unexpected(Failure{"another Writ uses this database: two may only share it as nodes"});
}

Result<void, Failure> be_node(Connection& connection, const std::string& name) {
  if (!TRY(take_lock(connection, Query("SELECT pg_try_advisory_lock_shared(7209403)")))) {
    return unexpected(Failure{"another Writ uses this database, and is no node: two may only share it as nodes"});
  }
  Query named("SELECT pg_try_advisory_lock(7209404, hashtext($1))");
  named.text(name);
  if (TRY(take_lock(connection, named))) return {};
  return unexpected(Failure{"another node of this database is called `" + name + "`: give each its own name"});
}

}  // namespace writ::postgresql
