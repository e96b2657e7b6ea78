#include "adapters/sqlite/object_store.h"

#include <algorithm>

#include "registry/stored_json.h"

namespace writ::sqlite {
namespace {

using namespace registry;

constexpr const char* kSchema = R"(
  CREATE TABLE IF NOT EXISTS changes(
    sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, time INTEGER NOT NULL, author TEXT NOT NULL, reason TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS objects(
    collection TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL REFERENCES changes, json TEXT NOT NULL,
    PRIMARY KEY (collection, key)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS object_history(
    collection TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL REFERENCES changes, json TEXT,
    PRIMARY KEY (collection, key, version)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS policy_versions(
    number INTEGER PRIMARY KEY, sequence INTEGER NOT NULL REFERENCES changes, hash TEXT NOT NULL, files TEXT NOT NULL);
)";

std::int64_t to_number(Instant time) { return static_cast<std::int64_t>(time.time_since_epoch().count()); }

Result<json::Value, Failure> parse_stored(const std::string& text, const std::string& what) {
  auto value = read_stored(text);
  if (!value) return unexpected(Failure{"the document of " + what + " cannot be read"});
  return std::move(*value);
}

Result<std::uint64_t, Failure> last_sequence(Connection& connection) {
  auto statement = TRY(connection.prepare("SELECT coalesce(max(sequence), 0) FROM changes"));
  TRY(statement.step());
  return static_cast<std::uint64_t>(statement.number(0));
}

Result<std::vector<PolicyVersion>, Failure> read_policies(Connection& connection, std::size_t limit, std::uint64_t before = 0) {
  std::vector<PolicyVersion> versions;
  auto statement = TRY(connection.prepare(
      "SELECT p.number, p.hash, p.files, c.author, c.reason, c.time, c.sequence FROM policy_versions p JOIN changes c ON c.sequence = p.sequence "
      "WHERE ?1 = 0 OR p.number < ?1 ORDER BY p.number DESC LIMIT ?2"));
  // A number beyond 63 bits is behind every version.
  statement.bind(1, static_cast<std::int64_t>(std::min<std::uint64_t>(before, INT64_MAX))).bind(2, static_cast<std::int64_t>(limit));
  while (TRY(statement.step())) {
    PolicyVersion version;
    version.number = static_cast<std::uint64_t>(statement.number(0));
    version.hash = statement.text(1);
    auto files = read_files(statement.text(2));
    if (!files) return unexpected(Failure{"policy version " + statement.text(0) + " cannot be read"});
    version.files = std::move(*files);
    version.author = statement.text(3);
    version.reason = statement.text(4);
    version.time = Instant{Milliseconds{statement.number(5)}};
    version.sequence = static_cast<std::uint64_t>(statement.number(6));
    versions.push_back(std::move(version));
  }
  return versions;
}

}  // namespace

Result<void, Failure> read_catalogue(Connection& connection, Catalogue& catalogue) {
  catalogue.sequence = TRY(last_sequence(connection));
  auto objects = TRY(connection.prepare("SELECT collection, key, version, json FROM objects"));
  while (TRY(objects.step())) {
    const auto kind = parse_collection(objects.text(0));
    // A newer program wrote it: to leave it out could be to leave out a restriction.
    if (!kind) return unexpected(Failure{"the store holds objects of an unknown kind `" + objects.text(0) + "`"});
    json::Value document = TRY(parse_stored(objects.text(3), objects.text(0) + "/" + objects.text(1)));
    const auto read = put(catalogue, *kind, objects.text(1), {static_cast<std::uint64_t>(objects.number(2)), std::move(document)});
    if (!read) return unexpected(Failure{"the store holds what this version does not accept: " + to_string(read.error())});
  }
  auto retired = TRY(connection.prepare(
      "SELECT DISTINCT h.key FROM object_history h WHERE h.collection = 'users' AND h.json IS NULL"));
  while (TRY(retired.step())) catalogue.retired_user_ids.insert(retired.text(0));
  auto policies = TRY(read_policies(connection, 1));
  if (!policies.empty()) catalogue.policy = std::move(policies.front());
  return {};
}

namespace {

// Absent for 0.
Result<std::optional<PolicyVersion>, Failure> read_policy(Connection& connection, std::int64_t number) {
  if (number == 0) return std::optional<PolicyVersion>();
  auto versions = TRY(read_policies(connection, 1, static_cast<std::uint64_t>(number) + 1));
  return versions.empty() ? std::nullopt : std::optional(std::move(versions.front()));
}

// What stood after the change with this number: of each object the last version until then.
Result<void, Failure> read_catalogue_at(Connection& connection, std::int64_t sequence, Catalogue& catalogue) {
  catalogue.sequence = std::min(TRY(last_sequence(connection)), static_cast<std::uint64_t>(sequence));
  auto objects = TRY(connection.prepare(
      "SELECT h.collection, h.key, h.version, h.json FROM object_history h WHERE h.json IS NOT NULL AND h.version = "
      "(SELECT max(l.version) FROM object_history l WHERE l.collection = h.collection AND l.key = h.key AND l.version <= ?)"));
  objects.bind(1, sequence);
  while (TRY(objects.step())) {
    const auto kind = parse_collection(objects.text(0));
    if (!kind) return unexpected(Failure{"the store holds objects of an unknown kind `" + objects.text(0) + "`"});
    json::Value document = TRY(parse_stored(objects.text(3), objects.text(0) + "/" + objects.text(1)));
    const auto read = put(catalogue, *kind, objects.text(1), {static_cast<std::uint64_t>(objects.number(2)), std::move(document)});
    if (!read) return unexpected(Failure{"the store holds what this version does not accept: " + to_string(read.error())});
  }
  auto retired = TRY(connection.prepare("SELECT DISTINCT key FROM object_history WHERE collection = 'users' AND json IS NULL AND version <= ?"));
  retired.bind(1, sequence);
  while (TRY(retired.step())) catalogue.retired_user_ids.insert(retired.text(0));
  auto policy = TRY(connection.prepare("SELECT coalesce(max(number), 0) FROM policy_versions WHERE sequence <= ?"));
  TRY(policy.bind(1, sequence).step());
  catalogue.policy = TRY(read_policy(connection, policy.number(0)));
  return {};
}

Result<void, Failure> write_object(Connection& connection, const registry::Write& write, std::int64_t sequence) {
  const std::string in(collection(write.kind));
  auto history = TRY(connection.prepare("INSERT INTO object_history(collection, key, version, json) VALUES (?, ?, ?, ?)"));
  history.bind(1, in).bind(2, write.key).bind(3, sequence);
  if (!write.document) {
    history.bind_null(4);
    TRY(history.run());
    auto remove = TRY(connection.prepare("DELETE FROM objects WHERE collection = ? AND key = ?"));
    return remove.bind(1, in).bind(2, write.key).run();
  }
  const std::string text = json::write(*write.document);
  history.bind(4, text);
  TRY(history.run());
  auto put = TRY(connection.prepare("INSERT OR REPLACE INTO objects(collection, key, version, json) VALUES (?, ?, ?, ?)"));
  return put.bind(1, in).bind(2, write.key).bind(3, sequence).bind(4, text).run();
}

Result<void, Failure> write_change(Connection& connection, const ChangeSet& change, std::int64_t sequence) {
  auto statement = TRY(connection.prepare("INSERT INTO changes(sequence, id, time, author, reason) VALUES (?, ?, ?, ?, ?)"));
  TRY(statement.bind(1, sequence).bind(2, change.id).bind(3, to_number(change.time)).bind(4, change.author).bind(5, change.reason).run());
  for (const registry::Write& write : change.writes) TRY(write_object(connection, write, sequence));
  if (!change.policy) return {};
  auto policy = TRY(connection.prepare("INSERT INTO policy_versions(number, sequence, hash, files) SELECT coalesce(max(number), 0) + 1, ?, ?, ? FROM policy_versions"));
  return policy.bind(1, sequence).bind(2, change.policy_hash).bind(3, write_files(*change.policy)).run();
}

}  // namespace

Result<std::unique_ptr<SqliteObjectStore>, Failure> SqliteObjectStore::open(std::string path) {
  return std::unique_ptr<SqliteObjectStore>(new SqliteObjectStore(TRY(Worker::start(std::move(path), kSchema))));
}

Result<Catalogue, Unavailable> SqliteObjectStore::load() {
  Catalogue catalogue;
  const auto done = worker_->run_now([&](Connection& connection) { return read_catalogue(connection, catalogue); });
  if (!done) return unexpected(Unavailable{"objects"});
  return catalogue;
}

Result<bool, Unavailable> SqliteObjectStore::has_change(std::string_view id) {
  bool found = false;
  const auto done = worker_->run_now([&](Connection& connection) -> Result<void, Failure> {
    auto statement = TRY(connection.prepare("SELECT 1 FROM changes WHERE id = ?"));
    found = TRY(statement.bind(1, id).step());
    return {};
  });
  if (!done) return unexpected(Unavailable{"objects"});
  return found;
}

Task<Result<std::uint64_t, CommitFailure>> SqliteObjectStore::commit(ChangeSet change) {
  struct Outcome {
    ChangeSet change;
    bool conflict = false;
    std::uint64_t sequence = 0;
  };
  const auto outcome = std::make_shared<Outcome>(Outcome{std::move(change)});
  Worker::Work work = [outcome](Connection& connection) {
    return connection.transaction([&]() -> Result<void, Failure> {
      const std::uint64_t last = TRY(last_sequence(connection));
      outcome->conflict = last != outcome->change.base_sequence;
      if (outcome->conflict) return {};
      outcome->sequence = last + 1;
      return write_change(connection, outcome->change, static_cast<std::int64_t>(outcome->sequence));
    });
  };
  const auto done = co_await worker_->run(std::move(work));
  if (!done) co_return unexpected(CommitFailure{done.error()});
  if (outcome->conflict) co_return unexpected(CommitFailure{Conflict{}});
  co_return outcome->sequence;
}

Task<Result<std::vector<ObjectVersion>, Unavailable>> SqliteObjectStore::history(ObjectKind kind, std::string key) {
  const auto versions = std::make_shared<std::vector<ObjectVersion>>();
  Worker::Work work = [versions, kind, key](Connection& connection) -> Result<void, Failure> {
    auto statement = TRY(connection.prepare(
        "SELECT h.version, c.time, c.author, c.reason, c.id, h.json FROM object_history h JOIN changes c ON c.sequence = h.version "
        "WHERE h.collection = ? AND h.key = ? ORDER BY h.version DESC"));
    statement.bind(1, collection(kind)).bind(2, key);
    while (TRY(statement.step())) {
      ObjectVersion version{static_cast<std::uint64_t>(statement.number(0)), Instant{Milliseconds{statement.number(1)}}, statement.text(2), statement.text(3), statement.text(4), std::nullopt};
      if (!statement.is_null(5)) version.document = TRY(parse_stored(statement.text(5), key));
      versions->push_back(std::move(version));
    }
    return {};
  };
  const auto done = co_await worker_->run(std::move(work));
  if (!done) co_return unexpected(done.error());
  co_return std::move(*versions);
}

Task<Result<std::vector<PolicyVersion>, Unavailable>> SqliteObjectStore::policy_history(std::size_t limit, std::uint64_t before) {
  const auto versions = std::make_shared<std::vector<PolicyVersion>>();
  Worker::Work work = [versions, limit, before](Connection& connection) -> Result<void, Failure> {
    *versions = TRY(read_policies(connection, limit, before));
    return {};
  };
  const auto done = co_await worker_->run(std::move(work));
  if (!done) co_return unexpected(done.error());
  co_return std::move(*versions);
}

Task<Result<Catalogue, Unavailable>> SqliteObjectStore::catalogue_at(std::uint64_t sequence) {
  const auto then = std::make_shared<Catalogue>();
  const auto number = static_cast<std::int64_t>(std::min<std::uint64_t>(sequence, INT64_MAX));
  Worker::Work work = [then, number](Connection& connection) { return read_catalogue_at(connection, number, *then); };
  const auto done = co_await worker_->run(std::move(work));
  if (!done) co_return unexpected(done.error());
  co_return std::move(*then);
}

Task<Result<std::optional<PolicyVersion>, Unavailable>> SqliteObjectStore::policy_of(std::string hash) {
  const auto found = std::make_shared<std::optional<PolicyVersion>>();
  Worker::Work work = [found, hash](Connection& connection) -> Result<void, Failure> {
    auto newest = TRY(connection.prepare("SELECT coalesce(max(number), 0) FROM policy_versions WHERE hash = ?"));
    TRY(newest.bind(1, hash).step());
    *found = TRY(read_policy(connection, newest.number(0)));
    return {};
  };
  const auto done = co_await worker_->run(std::move(work));
  if (!done) co_return unexpected(done.error());
  co_return std::move(*found);
}

}  // namespace writ::sqlite
