#pragma once

// `writ audit verify` and the export that an offline verifier reads.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/log/chain_check.h"
#include "adapters/log/files.h"

namespace writ::log {

// The folder of a log, also while a server writes it. `keys`: whom checkpoints are believed; absent: `keys.json` of the folder itself, which
// tells nothing to someone who could write there. `segments_max`: only the newest ones, taken at their word about what was before; 0: all.
// The error is a sentence: the folder cannot be read at all.
Result<Verification, std::string> verify_directory(Files& files, const std::string& directory, std::optional<jose::KeySet> keys, std::size_t segments_max = 0);

// An exported file, with the keys that it carries unless others are given.
Result<Verification, std::string> verify_export(std::string_view text, std::optional<jose::KeySet> keys);

// JSON Lines that carry the chain, from the record after `after_position` to the newest that is there:
//   {"writ_audit_export":1,"log":…,"node":…,"first_position":…,"link":…,"keys":…}
//   {"record":{…},"link":…}   {"checkpoint":"…","link":…}   {"group":"…","claims":"…","link":…}
Result<void, std::string> export_chain(Files& files, const std::string& directory, std::uint64_t after_position, const std::function<void(std::string_view)>& line);

}  // namespace writ::log
