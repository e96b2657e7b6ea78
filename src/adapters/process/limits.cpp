#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <string>

#include "adapters/process/sandbox.h"

namespace writ::process {
namespace {

constexpr std::int64_t kFileBytesMax = 1LL << 30;

bool limit(__rlimit_resource what, std::int64_t value) {
  const rlimit both{static_cast<rlim_t>(value), static_cast<rlim_t>(value)};
  return ::setrlimit(what, &both) == 0;
}

// The named lines of a file below /proc, which count in kibibytes; absent when it cannot be read.
std::optional<std::int64_t> add_up(const std::string& path, std::initializer_list<const char*> members) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  char bytes[4096];
  const ssize_t size = ::read(file, bytes, sizeof bytes - 1);
  ::close(file);
  if (size <= 0) return std::nullopt;
  bytes[size] = 0;
  std::int64_t sum = 0;
  for (const char* member : members) {
    if (const char* found = std::strstr(bytes, member)) sum += std::strtoll(found + std::strlen(member), nullptr, 10) * 1024;
  }
  return sum;
}

}  // namespace

// RLIMIT_AS would count what V8, Go and the JVM reserve and never use: a server on Node could not start with less than a gigabyte.
// RLIMIT_DATA counts what can be written to. It bounds one process; process 1 adds up what all of them hold.
Result<void, std::string> limit_resources(const SandboxPlan& plan) {
  constexpr std::int64_t kOwnProcesses = 2;   // process 1, and the outer one where it shares the user namespace
  const bool limited = limit(RLIMIT_DATA, plan.memory_bytes_max) && limit(RLIMIT_NPROC, plan.processes_max + kOwnProcesses) && limit(RLIMIT_NOFILE, plan.open_files_max) &&
                       limit(RLIMIT_CORE, 0) && limit(RLIMIT_FSIZE, kFileBytesMax) && limit(RLIMIT_MSGQUEUE, 0) && limit(RLIMIT_MEMLOCK, 64 * 1024) && limit(RLIMIT_RTPRIO, 0) &&
                       limit(RLIMIT_SIGPENDING, 1024);
  if (!limited) return unexpected(std::string("limits cannot be set: ") + std::strerror(errno));
  ::setpriority(PRIO_PROCESS, 0, 5);   // the gateway comes first
  return {};
}

std::int64_t memory_in_use(MemoryCount count) {
  DIR* processes = ::opendir("/proc");
  if (!processes) return 0;
  std::int64_t sum = 0;
  while (const dirent* entry = ::readdir(processes)) {
    const char* name = entry->d_name;
    if (name[0] < '0' || name[0] > '9' || std::strcmp(name, "1") == 0) continue;
    const std::string folder = std::string("/proc/") + name;
    // Not the files that it maps, which others map too.
    std::optional<std::int64_t> held;
    if (count == MemoryCount::shared_once) held = add_up(folder + "/smaps_rollup", {"\nPss_Anon:", "\nPss_Shmem:"});
    // A process may close that file to others; then all that it holds counts.
    if (!held) held = add_up(folder + "/status", {"\nRssAnon:", "\nRssShmem:"});
    sum += held.value_or(0);
  }
  ::closedir(processes);
  return sum;
}

}  // namespace writ::process
