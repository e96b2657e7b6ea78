#include "adapters/postgresql/schema.h"

#include <iterator>

namespace writ::postgresql {
namespace {

// A step is never edited once it was released; a change is a further step.
constexpr const char* kSteps[] = {
    R"(
  CREATE TABLE documents(
    collection bytea NOT NULL, key bytea NOT NULL, version bigint NOT NULL, expires bigint NOT NULL, json bytea NOT NULL,
    PRIMARY KEY (collection, key));
  CREATE INDEX documents_by_expiry ON documents(expires);

  CREATE TABLE changes(
    sequence bigint PRIMARY KEY, id bytea NOT NULL UNIQUE, time bigint NOT NULL, author bytea NOT NULL, reason bytea NOT NULL);
  CREATE TABLE objects(
    collection text NOT NULL, key bytea NOT NULL, version bigint NOT NULL REFERENCES changes, json bytea NOT NULL,
    PRIMARY KEY (collection, key));
  CREATE TABLE object_history(
    collection text NOT NULL, key bytea NOT NULL, version bigint NOT NULL REFERENCES changes, json bytea,
    PRIMARY KEY (collection, key, version));
  CREATE TABLE policy_versions(
    number bigint PRIMARY KEY, sequence bigint NOT NULL REFERENCES changes, hash bytea NOT NULL, files bytea NOT NULL);

  -- One row: the position of the newest record. Whoever writes records takes its lock, so positions have no gaps and appear in order.
  CREATE TABLE log_head(id integer PRIMARY KEY CHECK (id = 1), position bigint NOT NULL);
  INSERT INTO log_head VALUES (1, 0);
  CREATE TABLE records(
    position bigint PRIMARY KEY, time bigint NOT NULL, event text NOT NULL, effect text NOT NULL,
    user_id bytea NOT NULL, user_name bytea NOT NULL, agent bytea NOT NULL, server bytea NOT NULL, tool bytea NOT NULL,
    id_jag_jti bytea NOT NULL, access_token_jti bytea NOT NULL, line text NOT NULL);
  CREATE INDEX records_by_user ON records(user_id, position);
  CREATE INDEX records_by_id_jag ON records(id_jag_jti) WHERE id_jag_jti <> '';
  CREATE INDEX records_by_access_token ON records(access_token_jti) WHERE access_token_jti <> '';
  CREATE TABLE claims(key bytea PRIMARY KEY, forget_after bigint NOT NULL);
  CREATE INDEX claims_by_time ON claims(forget_after);
)",
    R"(
  -- One row. Whoever changes what nodes keep in memory raises the epoch in the same transaction, and so takes the row's lock: epochs appear in their order.
  CREATE TABLE cluster(id integer PRIMARY KEY CHECK (id = 1), epoch bigint NOT NULL, object_sequence bigint NOT NULL, sealing bytea NOT NULL DEFAULT '');
  INSERT INTO cluster SELECT 1, 0, coalesce(max(sequence), 0) FROM changes;
  CREATE TABLE nodes(
    incarnation bytea PRIMARY KEY, name bytea NOT NULL, renewal bigint NOT NULL, confirmed bigint NOT NULL, lease bigint NOT NULL);
  -- `epoch` of the last write by a node, `writer` its incarnation.
  ALTER TABLE documents ADD COLUMN epoch bigint NOT NULL DEFAULT 0, ADD COLUMN writer bytea NOT NULL DEFAULT '';
  CREATE INDEX documents_by_epoch ON documents(epoch);
)",
    R"(
  -- Each name that a node ever had: its number, the id of its spool, and up to which position of that its records are in `records`.
  CREATE TABLE node_logs(number integer PRIMARY KEY, name bytea NOT NULL UNIQUE, spool bytea NOT NULL DEFAULT '', position bigint NOT NULL DEFAULT 0);
  -- `position` is the place in the trail of all nodes, `node_position` that in the writer's own. Node 0: written by a process alone, or before nodes had spools.
  ALTER TABLE records ADD COLUMN node integer NOT NULL DEFAULT 0, ADD COLUMN node_position bigint NOT NULL DEFAULT 0;
  CREATE UNIQUE INDEX records_by_node ON records(node, node_position) WHERE node <> 0;
  -- Which delivery they came with: what became of one is read back from them.
  ALTER TABLE claims ADD COLUMN batch bytea NOT NULL DEFAULT '';
  CREATE INDEX claims_by_batch ON claims(batch) WHERE batch <> '';
)",
    R"(
  -- Origin of the node's internal listener; empty: it has none.
  ALTER TABLE nodes ADD COLUMN url bytea NOT NULL DEFAULT '';
)",
};
constexpr std::int64_t kNewest = std::size(kSteps);
constexpr const char* kLock = "SELECT pg_advisory_xact_lock(7209401)";   // any number that only Writ uses

}  // namespace

std::int64_t newest_schema() { return kNewest; }

Result<std::int64_t, Failure> schema_of(Connection& connection) {
  if (TRY(connection.run(Query("SELECT to_regclass('writ_schema') IS NOT NULL"))).truth(0, 0) == false) return std::int64_t{0};
  const Rows rows = TRY(connection.run(Query("SELECT version FROM writ_schema WHERE id = 1")));
  return rows.size() == 1 ? rows.number(0, 0) : std::int64_t{0};
}

Result<void, Failure> migrate(Session& session) {
  while (true) {
    std::int64_t version = 0;
    const auto step = session.transaction([&version](Connection& connection) -> Result<void, Failure> {
      TRY(connection.run(Query(kLock)));
      TRY(connection.execute("CREATE TABLE IF NOT EXISTS writ_schema(id integer PRIMARY KEY CHECK (id = 1), version bigint NOT NULL);"
                             "INSERT INTO writ_schema VALUES (1, 0) ON CONFLICT DO NOTHING"));
      version = TRY(connection.run(Query("SELECT version FROM writ_schema"))).number(0, 0);
      if (version < 0 || version >= kNewest) return {};
      TRY(connection.execute(kSteps[version]));
      ++version;
      Query set("UPDATE writ_schema SET version = $1");
      set.number(version);
      TRY(connection.run(set));
      return {};
    });
    if (!step) return step;
    if (version > kNewest) return unexpected(Failure{"the database has schema " + std::to_string(version) + ", this program knows up to " + std::to_string(kNewest) + ": a newer Writ has changed it"});
    if (version == kNewest) return {};
  }
}

}  // namespace writ::postgresql
