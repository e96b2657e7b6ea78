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
#include "adapters/sqlite/decisions_log.h"
#include "adapters/sqlite/documents.h"
#include "adapters/sqlite/object_store.h"
#include "config/config.h"
#include "crypto/hash.h"
#include "crypto/random.h"
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

Result<Stores, std::string> open_directory(const std::string& directory, const std::string& sealing_key_file, const std::string& node, const Clock& clock,
                                           std::function<void(const std::string&)> on_failure) {
  std::error_code failed;
  std::filesystem::create_directories(directory, failed);
  if (failed) return unexpected("cannot make the data directory `" + directory + "`: " + failed.message());
  std::filesystem::permissions(directory, std::filesystem::perms::owner_all, failed);
  if (failed) return unexpected("cannot close the data directory `" + directory + "` to others: " + failed.message());

  Stores stores;
  stores.sealing_key = TRY(read_sealing_key(sealing_key_file));
  auto documents = sqlite::SqliteDocuments::open(directory + "/state.db");
  if (!documents) return unexpected("cannot open `" + directory + "/state.db`: " + documents.error().detail);
  auto objects = sqlite::SqliteObjectStore::open(directory + "/objects.db");
  if (!objects) return unexpected("cannot open `" + directory + "/objects.db`: " + objects.error().detail);
  auto log = sqlite::SqliteDecisionsLog::open(directory + "/decisions.db", node, clock);
  if (!log) return unexpected("cannot open `" + directory + "/decisions.db`: " + log.error().detail);
  (*documents)->on_failure([on_failure](const sqlite::Failure& failure) { on_failure("state store: " + failure.detail); });
  (*log)->on_failure([on_failure](const sqlite::Failure& failure) { on_failure("decisions log: " + failure.detail); });
  stores.log = log->get();
  stores.audit_reader = log->get();
  (*objects)->on_failure([on_failure](const sqlite::Failure& failure) { on_failure("object store: " + failure.detail); });
  stores.documents = std::move(*documents);
  stores.objects = std::move(*objects);
  stores.log_owner = std::move(*log);
  return stores;
}

Secret derive_key(const Secret& sealing_key, std::string_view purpose) { return Secret(crypto::hmac_sha256(sealing_key.reveal(), purpose)); }

}  // namespace writ::writd
