#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "adapters/net/run_on.h"
#include "adapters/yaml/yaml.h"
#include "backup.h"
#include "backup_folder.h"
#include "config/config.h"
#include "encoding/json.h"
#include "log.h"
#include "place.h"
#include "registry/stored_revocations.h"
#include "run_program.h"
#include "stores.h"

namespace writ::writd {
namespace {

namespace fs = std::filesystem;

int failed(const std::string& why, int code = 1) {
  std::fprintf(stderr, "writ restore: %s\n", why.c_str());
  return code;
}

constexpr const char* kRestored[] = {"/objects.db", "/state.db", "/audit"};

// Nothing is ever written over: what is there may be newer than the backup.
Result<void, std::string> check_place(const config::Config& config) {
  for (const char* name : kRestored) {
    if (fs::exists(config.data_directory + name)) return unexpected("`" + config.data_directory + name + "` is there already: move it away first, it may be newer than the backup");
  }
  // Without it private keys could be neither used nor replaced, and a new one would be made silently.
  if (!config.keys.sealing_key_file.empty() && !fs::exists(config.keys.sealing_key_file)) {
    return unexpected("the sealing key `" + config.keys.sealing_key_file + "` is missing: put the one of the backed-up deployment there first, it is in no backup");
  }
  return {};
}

Result<void, std::string> copy_back(const std::string& folder, const BackupManifest& manifest, const std::string& data) {
  for (const auto& file : manifest.files) {
    const fs::path target = data + "/" + file.name;
    std::error_code error;
    fs::create_directories(target.parent_path(), error);
    if (!error) fs::permissions(target.parent_path(), fs::perms::owner_all, error);
    if (!error) fs::copy_file(folder + "/" + file.name, target, error);
    if (!error) fs::permissions(target, fs::perms::owner_read | fs::perms::owner_write, error);
    if (error) return unexpected("cannot restore `" + target.string() + "`: " + error.message());
  }
  return {};
}

audit::Commit record_of(const BackupManifest& manifest, Instant now) {
  audit::Commit commit;
  commit.record.event = audit::Event::service;
  commit.record.time = now;
  commit.record.reason = "restored";
  commit.record.detail = "from a backup made " + manifest.made + "; whatever was issued before this moment is refused";
  commit.record.more = {{"backup_made", manifest.made}, {"backup_node", manifest.node}, {"backup_position", std::to_string(manifest.newest_position)}};
  commit.durability = audit::Durability::power;
  return commit;
}

// Opens what was restored as the server would: that it can be opened is part of the proof. First the mark, then the record of it.
Result<void, std::string> mark(const config::Config& config, const BackupManifest& manifest) {
  const SystemClock clock;
  net::EventLoops loops;
  auto stores = TRY(open_stores(place_of(config), clock, [](const std::string& failure) { log_error(failure); }));
  const Instant now = clock.now();
  auto marking = stores.documents->put(registry::StoredRevocations::restoration(now));
  if (!net::run_on(loops, std::move(marking))) return unexpected(std::string("the mark that everything issued before is refused could not be stored"));
  auto recording = stores.log->commit(record_of(manifest, now));
  if (!net::run_on(loops, std::move(recording))) return unexpected(std::string("the decisions log takes no record of the restore"));
  return {};
}

Result<BackupManifest, std::string> put_back(const config::Config& config, const std::string& folder) {
  auto manifest = TRY(check_backup(folder));
  if (manifest.is_postgresql != !config.store.postgresql.empty()) {
    return unexpected(std::string(manifest.is_postgresql ? "the backup is of a PostgreSQL database, and the configuration names none (`store.postgresql`)"
                                                         : "the backup is of a data directory, and the configuration keeps everything in PostgreSQL"));
  }
  TRY(check_place(config));
  if (manifest.is_postgresql) {
    std::vector<std::pair<std::string, std::string>> environment;
    if (!config.store.password_file.empty()) environment.emplace_back("PGPASSFILE", config.store.password_file);
    // All or nothing, and into an empty database: an object that is there already is an error.
    TRY(run_program({"pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", "--dbname=" + config.store.postgresql, folder + "/database.dump"}, environment));
  } else {
    if (const auto copied = copy_back(folder, manifest, config.data_directory); !copied) {
      std::error_code ignored;
      for (const char* name : kRestored) fs::remove_all(config.data_directory + name, ignored);   // none of it was there before
      return unexpected(copied.error());
    }
  }
  TRY(mark(config, manifest));
  return manifest;
}

}  // namespace

int restore(const RestoreOptions& options) {
  const auto root = yaml::parse_file(options.config_file);
  if (!root) return failed(registry::to_string(root.error()), 2);
  const auto config = config::read_config(*root, options.config_file, options.data_directory);
  if (!config) return failed(registry::to_string(config.error()), 2);
  set_up_log(config->log);
  const auto manifest = put_back(*config, options.folder);
  if (!manifest) return failed(manifest.error());
  if (options.json) {
    std::printf("%s\n", json::write(json::Value{{"restored", options.folder}, {"made", manifest->made}, {"newest_position", static_cast<std::int64_t>(manifest->newest_position)}}).c_str());
    return 0;
  }
  std::printf("restored from `%s`, made %s.\n", options.folder.c_str(), manifest->made.c_str());
  std::printf("Sign-ins, tokens and ID-JAGs from before this moment are refused: what of them was used or ended since the backup is not known.\n");
  std::printf("Changes since the backup are gone. Whom you disabled since then is enabled again: repeat such changes (writ apply) before you let people in.\n");
  return 0;
}

}  // namespace writ::writd
