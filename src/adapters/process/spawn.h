#pragma once

// Starts `writ-sandbox` with its plan. Private to this folder.

#include <sys/types.h>

#include <string>
#include <string_view>

#include "adapters/process/sandbox_plan.h"
#include "base/descriptor.h"
#include "base/result.h"

namespace writ::process {

// Descriptors that we make are never inherited.
struct Spawned {
  pid_t pid = -1;
  Descriptor process;                          // readable when it ended
  Descriptor input, output, errors, report;    // our ends, non-blocking
};

// The calling thread must live as long as the program: the kernel ends the sandbox when the thread that made it goes.
Result<Spawned, std::string> spawn_sandbox(const std::string& sandbox_program, SandboxPlan plan);

// The user of that server's programs when the service runs as root: far from the numbers that systems give out, and always the same, so that
// an operator can give it a folder to write to.
std::int64_t own_user_of(std::string_view server);

}  // namespace writ::process
