#pragma once

// A copy of a log's folder, also while a server writes it: what a backup holds of it. The copy is whole groups only, and of the spent claims at
// least those of its groups, so that a server can go on from it.

#include <cstdint>
#include <memory>
#include <string>

#include "adapters/log/files.h"
#include "base/result.h"

namespace writ::log {

struct CopiedLog {
  std::uint64_t newest_position = 0;   // of the last record in the copy
  std::size_t segments = 0;
  std::uint64_t bytes = 0;
};

// `to` is made, and must hold nothing. The error is a sentence; what was copied until then is worth nothing. Blocks.
Result<CopiedLog, std::string> copy_log(Files& files, const std::string& from, const std::string& to);

}  // namespace writ::log
