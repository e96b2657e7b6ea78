#include "backup.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "adapters/log/copy_log.h"
#include "adapters/log/verify.h"
#include "adapters/sqlite/copy_database.h"
#include "adapters/yaml/yaml.h"
#include "audit/record.h"
#include "backup_folder.h"
#include "config/config.h"
#include "encoding/json.h"
#include "run_program.h"
#include "version.h"

namespace writ::writd {
namespace {

namespace fs = std::filesystem;

int failed(const char* word, const std::string& why, int code = 1) {
  std::fprintf(stderr, "writ %s: %s\n", word, why.c_str());
  return code;
}

std::vector<std::pair<std::string, std::string>> password_file(const config::Store& store) {
  if (store.password_file.empty()) return {};
  return {{"PGPASSFILE", store.password_file}};
}

// The databases before the log: a change whose record is there and whose object is not is marked as aborted at the start; the other way round
// nobody could tell (rules §6.4).
Result<std::uint64_t, std::string> copy_files(const std::string& data, const std::string& folder) {
  for (const char* name : {"/objects.db", "/state.db"}) {
    if (const auto copied = sqlite::copy_database(data + name, folder + name); !copied) return unexpected(copied.error().detail);
  }
  const auto files = log::system_files();
  const auto copied = TRY(log::copy_log(*files, data + "/audit", folder + "/audit"));
  const auto verified = TRY(log::verify_directory(*files, folder + "/audit", std::nullopt));
  if (!verified.good()) return unexpected("the audit log is not whole: " + verified.findings.front().sentence + " (`writ audit verify` tells all)");
  return copied.newest_position;
}

Result<BackupManifest, std::string> make(const config::Config& config, const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0) return unexpected("cannot make `" + folder + "`: " + std::strerror(errno));
  BackupManifest manifest{kVersion, config.node, audit::to_iso8601(SystemClock().now()), !config.store.postgresql.empty(), 0, {}};
  if (manifest.is_postgresql) {
    TRY(run_program({"pg_dump", "--format=custom", "--no-owner", "--file=" + folder + "/database.dump", "--dbname=" + config.store.postgresql}, password_file(config.store)));
  } else {
    manifest.newest_position = TRY(copy_files(config.data_directory, folder));
  }
  manifest.files = TRY(list_files(folder));
  TRY(write_manifest(folder, manifest));
  return manifest;
}

int tell(const BackupManifest& manifest, const std::string& folder, const char* what, bool as_json) {
  std::uint64_t bytes = 0;
  for (const auto& file : manifest.files) bytes += file.bytes;
  if (as_json) {
    const json::Value value{{"folder", folder}, {"made", manifest.made}, {"node", manifest.node}, {"store", manifest.is_postgresql ? "postgresql" : "files"},
                            {"newest_position", static_cast<std::int64_t>(manifest.newest_position)}, {"files", static_cast<std::int64_t>(manifest.files.size())},
                            {"bytes", static_cast<std::int64_t>(bytes)}};
    std::printf("%s\n", json::write(value).c_str());
    return 0;
  }
  std::printf("%s\n", fmt::format("{} `{}`: {} files, {} bytes, made {}{}", what, folder, manifest.files.size(), bytes, manifest.made,
                                  manifest.is_postgresql ? "" : fmt::format(", audit records up to position {}", manifest.newest_position)).c_str());
  std::printf("The sealing key is not in it: keep `keys.sealing_key_file` (or sealing.key of the data directory) in another place.\n");
  return 0;
}

}  // namespace

int backup(const BackupOptions& options) {
  if (options.check_only) {
    const auto manifest = check_backup(options.folder);
    if (!manifest) return failed("backup", manifest.error());
    return tell(*manifest, options.folder, "whole:", options.json);
  }
  const auto root = yaml::parse_file(options.config_file);
  if (!root) return failed("backup", registry::to_string(root.error()), 2);
  const auto config = config::read_config(*root, options.config_file, options.data_directory);
  if (!config) return failed("backup", registry::to_string(config.error()), 2);
  std::error_code ignored;
  if (fs::exists(options.folder, ignored)) return failed("backup", "`" + options.folder + "` exists already: name a folder that does not", 2);
  ::umask(0077);   // for pg_dump too
  // Made beside its place: a backup that did not come to its end must not look like one.
  const std::string unfinished = options.folder + ".unfinished";
  fs::remove_all(unfinished, ignored);
  const auto manifest = make(*config, unfinished);
  if (!manifest) {
    fs::remove_all(unfinished, ignored);
    return failed("backup", manifest.error());
  }
  if (std::rename(unfinished.c_str(), options.folder.c_str()) != 0) return failed("backup", "cannot rename `" + unfinished + "`: " + std::strerror(errno));
  return tell(*manifest, options.folder, "backed up to", options.json);
}

}  // namespace writ::writd
