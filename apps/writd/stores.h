#pragma once

// Where the deployment keeps things: a directory with files of its own, PostgreSQL, or memory.

#include <memory>
#include <string>

#include "audit/decisions_log.h"
#include "base/clock.h"
#include "base/secret.h"
#include "decisions_log.h"
#include "nodes/membership.h"
#include "registry/documents.h"
#include "registry/object_store.h"
#include "sealing_key.h"

namespace writ::writd {

struct Stores {
  std::unique_ptr<nodes::Membership> membership;       // of several nodes; null: this process is alone. Outlives what follows
  std::function<void()> node_has_started;              // with a membership: lets the next node start
  std::unique_ptr<registry::Documents> documents;      // sessions, tokens, keys, revocations
  std::unique_ptr<registry::ObjectStore> objects;      // what administrators own, and the policy versions
  std::unique_ptr<audit::DecisionsLog> log_owner;
  audit::DecisionsLog* log = nullptr;
  audit::AuditReader* audit_reader = nullptr;
  std::uint32_t node = 0;                              // the number of this node among several; 0: this process is alone
  std::function<std::uint64_t()> undelivered;          // of a node: records that wait in its spool for the database
  Secret sealing_key;              // 32 bytes: seals private keys at rest, and what is derived from it
};

Stores open_in_memory();
struct Place {
  std::string directory;
  SealingKeySource sealing_key;
  std::string postgresql, postgresql_password_file;   // empty: everything is in the directory
  std::string node;
  Seconds audit_keep{0};   // 0: for ever
  LogMeters meters{};      // of the decisions log in the directory
  std::string internal_url{};   // of a node among several: where the others hand on what belongs to it; empty: nowhere
  Milliseconds lease{0};   // of a node among several that share the database; 0: this process has it for itself
};
// Makes the directory (0700) and the sealing key (0600) when there are none. The error is a sentence for the operator.
Result<Stores, std::string> open_stores(const Place& place, const Clock& clock, std::function<void(const std::string&)> on_failure);

// A key for one purpose, from the sealing key: stays the same over restarts, tells nothing about the others.
Secret derive_key(const Secret& sealing_key, std::string_view purpose);

}  // namespace writ::writd
