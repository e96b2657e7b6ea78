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
#include "adapters/postgresql/object_store.h"
#include "adapters/sqlite/documents.h"
#include "adapters/sqlite/object_store.h"
#include "config/config.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "decisions_log.h"
#include "registry/secret_file.h"

namespace writ::writd {
namespace {

constexpr std::size_t kSealingKeyBytes = 32;

// Written beside its place and moved there, so that a crash leaves either no key or a whole one.
Result<void, std::string> write_new_secret(const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".new";
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return unexpected("cannot write `" + path + "`: " + std::strerror(errno));
  const bool written = ::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) && ::fsync(file) == 0;
  ::close(file);
  if (!written || std::rename(temporary.c_str(), path.c_str()) != 0) return unexpected("cannot write `" + path + "`: " + std::strerror(errno));
  return {};
}

Result<Secret, std::string> read_sealing_key(const std::string& path) {
  if (!std::filesystem::exists(path)) TRY(write_new_secret(path, crypto::random_bytes(kSealingKeyBytes)));
  TRY(registry::check_secret_file(path));
  std::ifstream file(path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), {});
  if (bytes.size() != kSealingKeyBytes) return unexpected("`" + path + "` is no sealing key: it must hold exactly 32 bytes");
  return Secret(std::move(bytes));
}

Result<void, std::string> make_directory(const std::string& directory) {
  std::error_code failed;
  std::filesystem::create_directories(directory, failed);
  if (failed) return unexpected("cannot make the data directory `" + directory + "`: " + failed.message());
  std::filesystem::permissions(directory, std::filesystem::perms::owner_all, failed);
  if (failed) return unexpected("cannot close the data directory `" + directory + "` to others: " + failed.message());
  return {};
}

Result<Stores, std::string> open_files(const Place& place, const Secret& sealing_key, const Clock& clock, const std::function<void(const std::string&)>& on_failure) {
  const std::string& directory = place.directory;
  Stores stores;
  auto documents = sqlite::SqliteDocuments::open(directory + "/state.db");
  if (!documents) return unexpected("cannot open `" + directory + "/state.db`: " + documents.error().detail);
  auto objects = sqlite::SqliteObjectStore::open(directory + "/objects.db");
  if (!objects) return unexpected("cannot open `" + directory + "/objects.db`: " + objects.error().detail);
  auto log = TRY(open_decisions_log(directory, place.node, sealing_key, place.audit_keep, clock, place.meters));
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

Result<Stores, std::string> open_postgresql(const Place& place, const Clock& clock, const std::function<void(const std::string&)>& on_failure) {
  if (!place.postgresql_password_file.empty()) TRY(registry::check_secret_file(place.postgresql_password_file));
  const postgresql::Address address{place.postgresql, place.postgresql_password_file};
  const auto report = [on_failure](std::string what) { return [on_failure, what](const postgresql::Failure& failure) { on_failure(what + ": " + failure.detail); }; };
  // The log first: it finds out whether another process uses this database.
  auto log = TRY(opened(postgresql::PostgresqlDecisionsLog::open(address, place.node, clock, postgresql::PostgresqlDecisionsLog::Sharing::alone)));
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
  auto sealing_key = TRY(read_sealing_key(place.sealing_key_file));
  auto stores = TRY(place.postgresql.empty() ? open_files(place, sealing_key, clock, on_failure) : open_postgresql(place, clock, on_failure));
  stores.sealing_key = std::move(sealing_key);
  return stores;
}

Secret derive_key(const Secret& sealing_key, std::string_view purpose) { return Secret(crypto::hmac_sha256(sealing_key.reveal(), purpose)); }

}  // namespace writ::writd
