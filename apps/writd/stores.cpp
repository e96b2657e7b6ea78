#include "stores.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "adapters/memory/decisions_log.h"
#include "adapters/memory/documents.h"
#include "adapters/memory/object_store.h"
#include "adapters/postgresql/decisions_log.h"
#include "adapters/postgresql/documents.h"
#include "adapters/postgresql/durability.h"
#include "adapters/postgresql/node_board.h"
#include "adapters/postgresql/node_documents.h"
#include "adapters/postgresql/object_store.h"
#include "adapters/sqlite/documents.h"
#include "adapters/sqlite/object_store.h"
#include "config/config.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "decisions_log.h"
#include "log.h"
#include "node_log.h"
#include "registry/secret_file.h"

namespace writ::writd {
namespace {

constexpr std::size_t kSealingKeyBytes = 32;
constexpr std::chrono::milliseconds kNodeAnswerWithin{3'000};   // of a database that is cut off: requests in flight are refused then

Result<void, std::string> make_directory(const std::string& directory) {
  std::error_code failed;
  std::filesystem::create_directories(directory, failed);
  if (failed) return unexpected("cannot make the data directory `" + directory + "`: " + failed.message());
  std::filesystem::permissions(directory, std::filesystem::perms::owner_all, failed);
  if (failed) return unexpected("cannot close the data directory `" + directory + "` to others: " + failed.message());
  return {};
}

Result<Stores, std::string> open_files(const Place& place, const GivenKeys& given, const Clock& clock, const std::function<void(const std::string&)>& on_failure) {
  const std::string& directory = place.directory;
  Stores stores;
  auto documents = sqlite::SqliteDocuments::open(directory + "/state.db");
  if (!documents) return unexpected("cannot open `" + directory + "/state.db`: " + documents.error().detail);
  auto objects = sqlite::SqliteObjectStore::open(directory + "/objects.db");
  if (!objects) return unexpected("cannot open `" + directory + "/objects.db`: " + objects.error().detail);
  stores.sealing_key = TRY(open_root_key(**documents, given));   // before the log, whose key rests under it, too
  auto log = TRY(open_decisions_log(directory, place.node, stores.sealing_key, place.audit_keep, clock, place.meters));
  (*documents)->on_failure([on_failure](const sqlite::Failure& failure) { on_failure("state store: " + failure.detail); });
  stores.log = log.log;
  stores.audit_reader = log.reader;
  (*objects)->on_failure([on_failure](const sqlite::Failure& failure) { on_failure("object store: " + failure.detail); });
  stores.documents = std::move(*documents);
  stores.objects = std::move(*objects);
  stores.log_owner = std::move(log.owner);
  return stores;
}

template <class Opened>
Result<Opened, std::string> opened(Result<Opened, postgresql::Failure> result) {
  if (!result) return unexpected("cannot use PostgreSQL: " + result.error().detail);
  return std::move(result).value();
}

// A node among several: see docs/reference/nodes.md.
Result<Stores, std::string> open_node(const Place& place, const GivenKeys& given, const Clock& clock, const std::function<void(const std::string&)>& on_failure) {
  postgresql::Address address{place.postgresql, place.postgresql_password_file};
  const auto report = [on_failure](std::string what) { return [on_failure, what](const postgresql::Failure& failure) { on_failure(what + ": " + failure.detail); }; };
  postgresql::Address of_log = address, of_board = address;
  of_log.answer_within = kNodeAnswerWithin;
  of_board.answer_within = std::max(std::chrono::milliseconds(place.lease.count()), kNodeAnswerWithin);
  // The log first: it finds out whether the name is taken.
  auto shared_log = TRY(opened(postgresql::SharedLog::open(of_log, place.node, clock)));
  const std::string incarnation = crypto::random_bytes(16);
  const Secret sealing = derive_key(given.present, "nodes of one deployment");
  auto board = TRY(opened(postgresql::NodeBoard::open(of_board, {incarnation, place.node, place.lease, std::string(sealing.reveal()), place.internal_url})));
  if (!board->warning().empty()) log_warning(board->warning());
  Stores stores;
  stores.node = shared_log->number();
  stores.node_has_started = [raw = board.get()] { raw->has_started(); };
  nodes::Rules rules;
  rules.lease = place.lease;
  stores.membership = std::make_unique<nodes::Membership>(std::move(board), rules);
  if (const auto begun = stores.membership->begin(); !begun) return unexpected("cannot use PostgreSQL: " + begun.error());
  stores.membership->on_notice([](bool is_error, const std::string& sentence) { is_error ? log_error(sentence) : log_info(sentence); });
  auto documents = TRY(opened(postgresql::NodeDocuments::open(address, incarnation, *stores.membership)));
  auto objects = TRY(opened(postgresql::PostgresqlObjectStore::open(address)));
  objects->on_epoch([membership = stores.membership.get()](std::int64_t epoch) { membership->raised(epoch); });
  documents->on_failure(report("state store"));
  objects->on_failure(report("object store"));
  stores.sealing_key = TRY(open_root_key(*documents, given));   // before the spool, whose key rests under it
  auto log = TRY(open_node_log({place.directory, place.node, place.audit_keep, place.meters}, std::move(shared_log), of_log, stores.sealing_key, clock, on_failure));
  stores.log = log.get();
  stores.audit_reader = log.get();
  stores.undelivered = [raw = log.get()] { return raw->undelivered(); };
  stores.documents = std::move(documents);
  stores.objects = std::move(objects);
  stores.log_owner = std::move(log);
  return stores;
}

Result<Stores, std::string> open_postgresql(const Place& place, const GivenKeys& given, const Clock& clock, const std::function<void(const std::string&)>& on_failure) {
  if (!place.postgresql_password_file.empty()) TRY(registry::check_secret_file(place.postgresql_password_file));
  if (place.lease > Milliseconds{0}) return open_node(place, given, clock, on_failure);
  const postgresql::Address address{place.postgresql, place.postgresql_password_file};
  // Before anything is written there: what this database acknowledges must be there for good.
  auto first = TRY(opened(postgresql::Connection::open(address.where, address.password_file)));
  if (const auto warning = TRY(opened(postgresql::check_durability(first))); !warning.empty()) log_warning(warning);
  const auto report = [on_failure](std::string what) { return [on_failure, what](const postgresql::Failure& failure) { on_failure(what + ": " + failure.detail); }; };
  // The log first: it finds out whether another process uses this database.
  auto log = TRY(opened(postgresql::PostgresqlDecisionsLog::open(address, place.node, clock)));
  auto documents = TRY(opened(postgresql::PostgresqlDocuments::open(address)));
  auto objects = TRY(opened(postgresql::PostgresqlObjectStore::open(address)));
  log->on_failure(report("decisions log"));
  documents->on_failure(report("state store"));
  objects->on_failure(report("object store"));
  Stores stores;
  stores.log = log.get();
  stores.audit_reader = log.get();
  stores.documents = std::move(documents);
  stores.objects = std::move(objects);
  stores.log_owner = std::move(log);
  return stores;
}

}  // namespace

Stores open_in_memory() {
  Stores stores;
  stores.documents = std::make_unique<memory::MemoryDocuments>();
  stores.objects = std::make_unique<memory::MemoryObjectStore>();
  auto log = std::make_unique<memory::MemoryDecisionsLog>();
  stores.log = log.get();
  stores.audit_reader = log.get();
  stores.log_owner = std::move(log);
  stores.sealing_key = Secret(crypto::random_bytes(kSealingKeyBytes));
  return stores;
}

Result<Stores, std::string> open_stores(const Place& place, const Clock& clock, std::function<void(const std::string&)> on_failure) {
  TRY(make_directory(place.directory));
  if (place.lease > Milliseconds{0} && !place.sealing_key.file.empty() && !std::filesystem::exists(place.sealing_key.file)) {
    return unexpected("`" + place.sealing_key.file + "` is missing: each node needs the same 32 bytes there (head -c 32 /dev/urandom, mode 0600)");
  }
  const GivenKeys given = TRY(read_sealing_keys(place.sealing_key));
  auto stores = TRY(place.postgresql.empty() ? open_files(place, given, clock, on_failure) : open_postgresql(place, given, clock, on_failure));
  if (stores.sealing_key.empty()) stores.sealing_key = TRY(open_root_key(*stores.documents, given));
  return stores;
}

Secret derive_key(const Secret& sealing_key, std::string_view purpose) { return Secret(crypto::hmac_sha256(sealing_key.reveal(), purpose)); }

}  // namespace writ::writd
