#pragma once

// What `writ-sandbox` is told to run, and within which bounds. It travels as bytes in a file without a name, never in arguments or the
// environment, which other users of the machine may see.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace writ::process {

struct SandboxPlan {
  std::int64_t supervisor = 0;             // pid of whoever starts it: the sandbox ends with it
  std::vector<std::string> command;        // an absolute path and its arguments
  std::vector<std::string> environment;    // all of it, as NAME=value
  bool network = false;
  std::vector<std::string> read_paths, write_paths;
  std::int64_t memory_bytes_max = 0, processes_max = 0, open_files_max = 0;
  std::int64_t own_user = 0;               // uid and gid to take on when the service runs as root
};

std::string encode(const SandboxPlan& plan);
Result<SandboxPlan, std::string> decode_plan(std::string_view bytes);

// What the sandbox says on its report channel, one line each: the first letter is one of these, the rest a sentence.
inline constexpr char kReportStarted = 'S';
inline constexpr char kReportRefused = 'E';   // nothing was run
inline constexpr char kReportMemory = 'M';    // everything in it was ended for the memory that it used

// Descriptors of `writ-sandbox`, beside the program's own 0 to 2.
inline constexpr int kPlanDescriptor = 3;
inline constexpr int kReportDescriptor = 4;

}  // namespace writ::process
