#pragma once

// The sandbox of one program, on Linux: what `writ-sandbox` is. It is a program of its own, with one thread, because what it does between
// fork and exec may not be done in a process with threads. Nothing of it runs inside writd.
//
// Three processes stand one behind another. The outer one makes the namespaces and waits. The first process inside them (process 1) makes the
// file system, gives up every privilege, starts the program, reaps what dies, and watches the memory. The third becomes the program. When any of
// them goes, everything inside goes: the outer one dies with writd, process 1 dies with the outer one, and the kernel ends a process namespace
// whose process 1 ended.

#include <string>

#include "adapters/process/sandbox_plan.h"
#include "base/result.h"

namespace writ::process {

// Reads the plan from `kPlanDescriptor`, runs it, and reports on `kReportDescriptor`. Returns what the process should exit with: the
// program's own exit status, or 128 and the signal that ended it.
int run_sandbox();

// ---- its parts, in the order in which they are used. Each error is a sentence for the operator.

// Who the program is. As root it is a user of its own; otherwise the service's user, inside a user namespace where it has no rights.
struct SandboxUser {
  bool from_root = false;
  unsigned inside = 1000;    // uid and gid as the program sees them
  unsigned outside = 0;
};

// Namespaces of the calling process; the process namespace is that of its next child.
Result<void, std::string> enter_namespaces(const SandboxPlan& plan, SandboxUser& user);
// Everything that the program will see as `/`. In process 1.
Result<void, std::string> build_root(const SandboxPlan& plan, const SandboxUser& user);
// Gives up what process 1 needed: its user (as root), its capabilities, its way back to any.
Result<void, std::string> drop_privileges(SandboxUser& user);
// For the program alone.
Result<void, std::string> limit_resources(const SandboxPlan& plan);
// The last thing before exec: system calls that a server of tools has no use for and that kernels were broken with.
Result<void, std::string> filter_system_calls(const SandboxPlan& plan);

// Bytes that all processes of this process namespace hold, but for this one. In process 1.
enum class MemoryCount {
  shared_each_time,   // cheap, and too much: what a process shares with those that it forked counts for each
  shared_once,        // exact, but the kernel has to walk through all of it
};
std::int64_t memory_in_use(MemoryCount count);

}  // namespace writ::process
