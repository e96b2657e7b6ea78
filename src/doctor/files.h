#pragma once

// The files that configuration and objects name: whether they are there, and closed to others where they hold a secret (S10).

#include <optional>
#include <vector>

#include "base/clock.h"
#include "config/config.h"
#include "doctor/report.h"
#include "registry/snapshot.h"

namespace writ::doctor {

struct NamedFile {
  std::string what;          // "the key of the public listener", "`header.secret_file` of server `notes`"
  std::string path;
  bool is_secret = false;
};
// What the process reads; the sealing key and a store's folder are other matters.
std::vector<NamedFile> files_of(const config::Config& config);
std::vector<NamedFile> files_of(const registry::Objects& objects);

struct FileFacts {
  bool exists = false, is_regular = false, is_readable = false;
  unsigned mode = 0;         // permission bits
  std::uint64_t bytes = 0;
  Instant changed{};
};
void judge_file(Report& report, const NamedFile& file, const FileFacts& facts, Instant now);

// The 32 bytes that everything rests under. `store_exists`: the deployment has started before, so that the key must be there.
void judge_sealing_key(Report& report, const std::string& path, const FileFacts& facts, bool store_exists, bool one_of_several_nodes);

// When the newest key of each role began to sign, against `keys.rotate_after`.
struct SigningKeyFacts {
  std::string use;           // "idp", "ras", …
  Instant active_from{};
};
void judge_key_age(Report& report, const SigningKeyFacts& key, Seconds rotate_after, Instant now);

}  // namespace writ::doctor
