#pragma once

// `writ backup` and `writ restore` (rules §6.5, docs/reference/backup.md). Backing up needs no word with the server, which goes on serving.

#include "../server_words/server_words.h"

namespace writ::writd {

int backup(const BackupOptions& options);

// Into an empty data directory, or the database of the configuration. Whatever was issued before counts no more afterwards: nobody knows what of
// it was used or taken back since the backup.
int restore(const RestoreOptions& options);

}  // namespace writ::writd
