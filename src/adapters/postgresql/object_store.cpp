#include "adapters/postgresql/object_store.h"

#include <algorithm>

#include "adapters/postgresql/schema.h"
#include "registry/stored_json.h"

namespace writ::postgresql {
namespace {

using namespace registry;

// One change at a time, on whichever node: what comes second sees the first one's sequence.
constexpr const char* kChangesLock = "SELECT pg_advisory_xact_lock(7209402)";

std::int64_t to_number(Instant time) { return static_cast<std::int64_t>(time.time_since_epoch().count()); }

Result<json::Value, Failure> parse_stored(const std::string& text, const std::string& what) {
  auto value = read_stored(text);
  if (!value) return unexpected(Failure{"the document of " + what + " cannot be read"});
  return std::move(*value);
}

Result<std::uint64_t, Failure> last_sequence(Connection& connection) {
  const Rows rows = TRY(connection.run(Query("SELECT coalesce(max(sequence), 0) FROM changes")));
  return static_cast<std::uint64_t>(rows.number(0, 0));
}

Result<std::vector<PolicyVersion>, Failure> read_policies(Connection& connection, std::size_t limit, std::uint64_t before = 0) {
  Query query(
      "SELECT p.number, p.hash, p.files, c.author, c.reason, c.time, c.sequence FROM policy_versions p JOIN changes c ON c.sequence = p.sequence "
      "WHERE $1 = 0 OR p.number < $1 ORDER BY p.number DESC LIMIT $2");
  // A number beyond 63 bits is behind every version.
  query.number(static_cast<std::int64_t>(std::min<std::uint64_t>(before, INT64_MAX))).number(static_cast<std::int64_t>(limit));
  const Rows rows = TRY(connection.run(query));
  std::vector<PolicyVersion> versions;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    PolicyVersion version;
    version.number = static_cast<std::uint64_t>(rows.number(row, 0));
    version.hash = rows.bytes(row, 1);
    auto files = read_files(rows.bytes(row, 2));
    if (!files) return unexpected(Failure{"policy version " + std::to_string(version.number) + " cannot be read"});
    version.files = std::move(*files);
    version.author = rows.bytes(row, 3);
    version.reason = rows.bytes(row, 4);
    version.time = Instant{Milliseconds{rows.number(row, 5)}};
    version.sequence = static_cast<std::uint64_t>(rows.number(row, 6));
    versions.push_back(std::move(version));
  }
  return versions;
}

}  // namespace

Result<void, Failure> read_catalogue(Connection& connection, Catalogue& catalogue) {
  catalogue = {};
  catalogue.sequence = TRY(last_sequence(connection));
  const Rows objects = TRY(connection.run(Query("SELECT collection, key, version, json FROM objects")));
  for (std::size_t row = 0; row < objects.size(); ++row) {
    const auto kind = parse_collection(objects.bytes(row, 0));
    // A newer program wrote it: to leave it out could be to leave out a restriction.
    if (!kind) return unexpected(Failure{"the store holds objects of an unknown kind `" + objects.bytes(row, 0) + "`"});
    json::Value document = TRY(parse_stored(objects.bytes(row, 3), objects.bytes(row, 0) + "/" + objects.bytes(row, 1)));
    const auto read = put(catalogue, *kind, objects.bytes(row, 1), {static_cast<std::uint64_t>(objects.number(row, 2)), std::move(document)});
    if (!read) return unexpected(Failure{"the store holds what this version does not accept: " + to_string(read.error())});
  }
  const Rows retired = TRY(connection.run(Query("SELECT DISTINCT key FROM object_history WHERE collection = 'users' AND json IS NULL")));
  for (std::size_t row = 0; row < retired.size(); ++row) catalogue.retired_user_ids.insert(retired.bytes(row, 0));
  auto policies = TRY(read_policies(connection, 1));
  if (!policies.empty()) catalogue.policy = std::move(policies.front());
  return {};
}

namespace {

// The newest version for which the condition on $1 holds.
Result<std::optional<PolicyVersion>, Failure> read_policy(Connection& connection, Query newest) {
  const Rows rows = TRY(connection.run(newest));
  const std::int64_t number = rows.number(0, 0);
  if (number == 0) return std::optional<PolicyVersion>();
  auto versions = TRY(read_policies(connection, 1, static_cast<std::uint64_t>(number) + 1));
  return versions.empty() ? std::nullopt : std::optional(std::move(versions.front()));
}

// What stood after the change with this number: of each object the last version until then.
Result<void, Failure> read_catalogue_at(Connection& connection, std::int64_t sequence, Catalogue& catalogue) {
  catalogue = {};
  catalogue.sequence = std::min(TRY(last_sequence(connection)), static_cast<std::uint64_t>(sequence));
  Query stood(
      "SELECT h.collection, h.key, h.version, h.json FROM object_history h WHERE h.json IS NOT NULL AND h.version = "
      "(SELECT max(l.version) FROM object_history l WHERE l.collection = h.collection AND l.key = h.key AND l.version <= $1)");
  stood.number(sequence);
  const Rows objects = TRY(connection.run(stood));
  for (std::size_t row = 0; row < objects.size(); ++row) {
    const auto kind = parse_collection(objects.bytes(row, 0));
    if (!kind) return unexpected(Failure{"the store holds objects of an unknown kind `" + objects.bytes(row, 0) + "`"});
    json::Value document = TRY(parse_stored(objects.bytes(row, 3), objects.bytes(row, 0) + "/" + objects.bytes(row, 1)));
    const auto read = put(catalogue, *kind, objects.bytes(row, 1), {static_cast<std::uint64_t>(objects.number(row, 2)), std::move(document)});
    if (!read) return unexpected(Failure{"the store holds what this version does not accept: " + to_string(read.error())});
  }
  Query removed("SELECT DISTINCT key FROM object_history WHERE collection = 'users' AND json IS NULL AND version <= $1");
  removed.number(sequence);
  const Rows retired = TRY(connection.run(removed));
  for (std::size_t row = 0; row < retired.size(); ++row) catalogue.retired_user_ids.insert(retired.bytes(row, 0));
  Query newest("SELECT coalesce(max(number), 0) FROM policy_versions WHERE sequence <= $1");
  newest.number(sequence);
  catalogue.policy = TRY(read_policy(connection, std::move(newest)));
  return {};
}

void add_object(std::vector<Query>& queries, const registry::Write& write, std::int64_t sequence) {
  const std::string in(collection(write.kind));
  Query& history = queries.emplace_back("INSERT INTO object_history(collection, key, version, json) VALUES ($1, $2, $3, $4)");
  history.text(in).bytes(write.key).number(sequence);
  if (!write.document) {
    history.null_bytes();
    queries.emplace_back("DELETE FROM objects WHERE collection = $1 AND key = $2").text(in).bytes(write.key);
    return;
  }
  const std::string text = json::write(*write.document);
  history.bytes(text);
  queries.emplace_back(
             "INSERT INTO objects(collection, key, version, json) VALUES ($1, $2, $3, $4) ON CONFLICT (collection, key) DO UPDATE SET version = excluded.version, json = excluded.json")
      .text(in).bytes(write.key).number(sequence).bytes(text);
}

Result<void, Failure> write_change(Connection& connection, const ChangeSet& change, std::int64_t sequence) {
  constexpr std::size_t kQueriesMax = 512;   // of one round trip
  std::vector<Query> queries;
  queries.emplace_back("INSERT INTO changes(sequence, id, time, author, reason) VALUES ($1, $2, $3, $4, $5)")
      .number(sequence).bytes(change.id).number(to_number(change.time)).bytes(change.author).bytes(change.reason);
  for (const registry::Write& write : change.writes) {
    add_object(queries, write, sequence);
    if (queries.size() < kQueriesMax) continue;
    TRY(connection.run(queries));
    queries.clear();
  }
  if (change.policy) {
    queries.emplace_back("INSERT INTO policy_versions(number, sequence, hash, files) SELECT coalesce(max(number), 0) + 1, $1, $2, $3 FROM policy_versions")
        .number(sequence).bytes(change.policy_hash).bytes(write_files(*change.policy));
  }
  if (!queries.empty()) TRY(connection.run(queries));
  return {};
}

}  // namespace

Result<std::unique_ptr<PostgresqlObjectStore>, Failure> PostgresqlObjectStore::open(Address address) {
  auto worker = Worker::start(std::move(address));
  TRY(worker->run_now(migrate));
  return std::unique_ptr<PostgresqlObjectStore>(new PostgresqlObjectStore(std::move(worker)));
}

Result<Catalogue, Unavailable> PostgresqlObjectStore::load() {
  Catalogue catalogue;
  // One moment: several statements would otherwise see several.
  const auto done = worker_->run_now([&](Session& session) {
    return session.transaction([&](Connection& connection) { return read_catalogue(connection, catalogue); }, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
  });
  if (!done) return unexpected(Unavailable{"objects"});
  return catalogue;
}

namespace {

Result<bool, Failure> knows_change(Connection& connection, std::string_view id) {
  Query query("SELECT 1 FROM changes WHERE id = $1");
  query.bytes(id);
  return TRY(connection.run(query)).size() == 1;
}

}  // namespace

Result<bool, Unavailable> PostgresqlObjectStore::has_change(std::string_view id) {
  bool found = false;
  const auto done = worker_->run_now([&](Session& session) {
    return session.read([&](Connection& connection) -> Result<void, Failure> {
      found = TRY(knows_change(connection, id));
      return {};
    });
  });
  if (!done) return unexpected(Unavailable{"objects"});
  return found;
}

namespace {

// The last thing in a change: whoever else changes something waits for this row from now on.
Result<std::int64_t, Failure> raise_epoch(Connection& connection, std::uint64_t sequence) {
  std::vector<Query> queries;
  queries.emplace_back("UPDATE cluster SET epoch = epoch + 1, object_sequence = $1 RETURNING epoch").number(static_cast<std::int64_t>(sequence));
  queries.emplace_back("SELECT pg_notify('writ_epoch', epoch::text) FROM cluster");
  const auto answers = TRY(connection.run(queries));
  return answers[0].number(0, 0);
}

// Puts what was written to objects into the changes that it belongs to; both in the order of their sequences.
Result<void, Failure> add_writes(const Rows& rows, std::vector<ChangeSet>& changes) {
  std::size_t at = 0;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const auto sequence = static_cast<std::uint64_t>(rows.number(row, 0));
    while (at < changes.size() && changes[at].base_sequence + 1 < sequence) ++at;
    if (at == changes.size()) return unexpected(Failure{"an object was written without its change"});
    const auto kind = parse_collection(rows.bytes(row, 1));
    // A newer program wrote it: to leave it out could be to leave out a restriction (rules §7.5).
    if (!kind) return unexpected(Failure{"another node wrote an object of an unknown kind `" + rows.bytes(row, 1) + "`"});
    registry::Write& write = changes[at].writes.emplace_back(registry::Write{*kind, rows.bytes(row, 2), std::nullopt});
    if (!rows.is_null(row, 3)) write.document = TRY(parse_stored(rows.bytes(row, 3), write.key));
  }
  return {};
}

Result<void, Failure> read_since(Connection& connection, std::int64_t sequence, std::vector<ChangeSet>& changes) {
  changes.clear();
  std::vector<Query> queries;
  queries.emplace_back("SELECT sequence, id, time, author, reason FROM changes WHERE sequence > $1 ORDER BY sequence").number(sequence);
  queries.emplace_back("SELECT version, collection, key, json FROM object_history WHERE version > $1 ORDER BY version, collection, key").number(sequence);
  queries.emplace_back("SELECT sequence, hash, files FROM policy_versions WHERE sequence > $1 ORDER BY sequence").number(sequence);
  const auto answers = TRY(connection.run(queries));
  for (std::size_t row = 0; row < answers[0].size(); ++row) {
    ChangeSet& change = changes.emplace_back();
    change.base_sequence = static_cast<std::uint64_t>(answers[0].number(row, 0)) - 1;
    change.id = answers[0].bytes(row, 1);
    change.time = Instant{Milliseconds{answers[0].number(row, 2)}};
    change.author = answers[0].bytes(row, 3), change.reason = answers[0].bytes(row, 4);
  }
  TRY(add_writes(answers[1], changes));
  for (std::size_t row = 0; row < answers[2].size(); ++row) {
    const auto of = static_cast<std::uint64_t>(answers[2].number(row, 0));
    const auto change = std::find_if(changes.begin(), changes.end(), [of](const ChangeSet& one) { return one.base_sequence + 1 == of; });
    if (change == changes.end()) return unexpected(Failure{"a policy was written without its change"});
    change->policy_hash = answers[2].bytes(row, 1);
    change->policy = read_files(answers[2].bytes(row, 2));
    if (!change->policy) return unexpected(Failure{"the policy that another node activated cannot be read"});
  }
  return {};
}

}  // namespace

Task<Result<std::vector<ChangeSet>, Unavailable>> PostgresqlObjectStore::since(std::uint64_t sequence) {
  const auto changes = std::make_shared<std::vector<ChangeSet>>();
  // One moment: a change without what it wrote would be half a change.
  Worker::Work work = [changes, sequence](Session& session) {
    return session.transaction([&](Connection& connection) { return read_since(connection, static_cast<std::int64_t>(sequence), *changes); }, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
  };
  const auto done = co_await worker_->run(std::move(work));
  if (!done) co_return unexpected(done.error());
  co_return std::move(*changes);
}

Task<Result<std::uint64_t, CommitFailure>> PostgresqlObjectStore::commit(ChangeSet change) {
  struct Outcome {
    ChangeSet change;
    bool conflict = false;
    std::uint64_t sequence = 0;
    std::int64_t epoch = 0;
  };
  const auto outcome = std::make_shared<Outcome>(Outcome{std::move(change)});
  Worker::Work work = [outcome](Session& session) {
    const auto write = [&outcome](Connection& connection) -> Result<void, Failure> {
      TRY(connection.run(Query(kChangesLock)));
      const std::uint64_t last = TRY(last_sequence(connection));
      outcome->conflict = last != outcome->change.base_sequence;
      if (outcome->conflict) return {};
      outcome->sequence = last + 1;
      TRY(write_change(connection, outcome->change, static_cast<std::int64_t>(outcome->sequence)));
      outcome->epoch = TRY(raise_epoch(connection, outcome->sequence));
      return {};
    };
    return session.transaction(write, "", [&outcome](Connection& connection) -> Result<bool, Failure> {
      if (outcome->conflict) return true;
      return knows_change(connection, outcome->change.id);
    });
  };
  const auto done = co_await worker_->run(std::move(work));
  if (!done) co_return unexpected(CommitFailure{done.error()});
  if (outcome->conflict) co_return unexpected(CommitFailure{Conflict{}});
  on_epoch_(outcome->epoch);
  co_return outcome->sequence;
}

Task<Result<std::vector<ObjectVersion>, Unavailable>> PostgresqlObjectStore::history(ObjectKind kind, std::string key) {
  const auto versions = std::make_shared<std::vector<ObjectVersion>>();
  Worker::Work work = [versions, kind, key](Session& session) {
    return session.read([&](Connection& connection) -> Result<void, Failure> {
      Query query(
          "SELECT h.version, c.time, c.author, c.reason, c.id, h.json FROM object_history h JOIN changes c ON c.sequence = h.version "
          "WHERE h.collection = $1 AND h.key = $2 ORDER BY h.version DESC");
      query.text(collection(kind)).bytes(key);
      const Rows rows = TRY(connection.run(query));
      versions->clear();
      for (std::size_t row = 0; row < rows.size(); ++row) {
        ObjectVersion version{static_cast<std::uint64_t>(rows.number(row, 0)), Instant{Milliseconds{rows.number(row, 1)}}, rows.bytes(row, 2), rows.bytes(row, 3), rows.bytes(row, 4), std::nullopt};
        if (!rows.is_null(row, 5)) version.document = TRY(parse_stored(rows.bytes(row, 5), key));
        versions->push_back(std::move(version));
      }
      return {};
    });
  };
  const auto done = co_await worker_->run(std::move(work));
  if (!done) co_return unexpected(done.error());
  co_return std::move(*versions);
}

Task<Result<std::vector<PolicyVersion>, Unavailable>> PostgresqlObjectStore::policy_history(std::size_t limit, std::uint64_t before) {
  const auto versions = std::make_shared<std::vector<PolicyVersion>>();
  Worker::Work work = [versions, limit, before](Session& session) {
    return session.read([&](Connection& connection) -> Result<void, Failure> {
      *versions = TRY(read_policies(connection, limit, before));
      return {};
    });
  };
  const auto done = co_await worker_->run(std::move(work));
  if (!done) co_return unexpected(done.error());
  co_return std::move(*versions);
}

Task<Result<Catalogue, Unavailable>> PostgresqlObjectStore::catalogue_at(std::uint64_t sequence) {
  const auto then = std::make_shared<Catalogue>();
  const auto number = static_cast<std::int64_t>(std::min<std::uint64_t>(sequence, INT64_MAX));
  // History only grows, so what stood then is the same whichever statement reads it.
  Worker::Work work = [then, number](Session& session) {
    return session.read([&](Connection& connection) -> Result<void, Failure> { return read_catalogue_at(connection, number, *then); });
  };
  const auto done = co_await worker_->run(std::move(work));
  if (!done) co_return unexpected(done.error());
  co_return std::move(*then);
}

Task<Result<std::optional<PolicyVersion>, Unavailable>> PostgresqlObjectStore::policy_of(std::string hash) {
  const auto found = std::make_shared<std::optional<PolicyVersion>>();
  Worker::Work work = [found, hash](Session& session) {
    return session.read([&](Connection& connection) -> Result<void, Failure> {
      Query newest("SELECT coalesce(max(number), 0) FROM policy_versions WHERE hash = $1");
      newest.bytes(hash);
      *found = TRY(read_policy(connection, std::move(newest)));
      return {};
    });
  };
  const auto done = co_await worker_->run(std::move(work));
  if (!done) co_return unexpected(done.error());
  co_return std::move(*found);
}

}  // namespace writ::postgresql
