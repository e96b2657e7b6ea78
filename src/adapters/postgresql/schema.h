#pragma once

// The tables, and how an older database becomes this one: numbered steps, forward only, each in a transaction of its own.

#include "adapters/postgresql/session.h"

namespace writ::postgresql {

// Brings the database to this program's schema. Several nodes may start at once: one migrates, the others wait. Refuses a database that a newer
// program has changed: leaving out what it means could be leaving out a restriction (rules §7.5).
Result<void, Failure> migrate(Session& session);

std::int64_t newest_schema();   // what this program makes
// Of the database as it is; 0: there are no tables yet. Changes nothing.
Result<std::int64_t, Failure> schema_of(Connection& connection);

}  // namespace writ::postgresql
