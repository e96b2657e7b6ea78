#pragma once

#include <cstdint>

#include "doctor/report.h"

namespace writ::doctor {

// Of the file system where the deployment keeps things.
void judge_space(Report& report, const std::string& directory, std::uint64_t bytes_free, std::uint64_t files_free, bool counts_files);

struct Descriptors {
  std::uint64_t limit = 0;     // how far the process may raise its own limit; UINT64_MAX: no limit
  std::uint64_t in_use = 0;    // 0: not known
};
// `whose`: "the running server", or "a server started from here".
void judge_descriptors(Report& report, const std::string& whose, const Descriptors& descriptors);

}  // namespace writ::doctor
