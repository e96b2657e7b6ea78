#pragma once

// `writ backup` and `writ restore` (rules §6.5, docs/reference/backup.md). Backing up needs no word with the server, which goes on serving.

#include <string>

namespace writ::writd {

struct BackupOptions {
  std::string config_file = "writ.yaml", data_directory;
  std::string folder;        // the backup; must not exist yet
  bool check_only = false;   // an existing backup is compared with its manifest, nothing else
  bool json = false;
};
int backup(const BackupOptions& options);

struct RestoreOptions {
  std::string config_file = "writ.yaml", data_directory;
  std::string folder;
  bool json = false;
};
// Into an empty data directory, or the database of the configuration. Whatever was issued before counts no more afterwards: nobody knows what of
// it was used or taken back since the backup.
int restore(const RestoreOptions& options);

}  // namespace writ::writd
