#pragma once

// What `writ backup` leaves and `writ restore` reads: a folder with copies, and a manifest that names each file with its SHA-256.
// docs/reference/backup.md says what is in it and what is not.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace writ::writd {

inline constexpr const char* kManifest = "manifest.json";

struct BackedUpFile {
  std::string name;               // below the folder: "objects.db", "audit/0000000001.audit"
  std::uint64_t bytes = 0;
  std::string sha256_hex;
};

struct BackupManifest {
  std::string version, node, made;    // of Writ; of the process; 2026-11-25T02:00:00.000Z
  bool is_postgresql = false;
  std::uint64_t newest_position = 0;  // of the last audit record in it; 0 with PostgreSQL
  std::vector<BackedUpFile> files;
};

// Every file below the folder, with size and hash, in the order of names. Blocks.
Result<std::vector<BackedUpFile>, std::string> list_files(const std::string& folder);
// Written last: a folder without it is no backup.
Result<void, std::string> write_manifest(const std::string& folder, const BackupManifest& manifest);
// Reads it and compares every file. The error names the first file that is missing, changed or not listed.
Result<BackupManifest, std::string> check_backup(const std::string& folder);

}  // namespace writ::writd
