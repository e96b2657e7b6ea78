#include "adapters/process/spawn.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "crypto/hash.h"

namespace writ::process {
namespace {

constexpr std::int64_t kFirstOwnUser = 0x70000000;   // above the ranges of users, of systemd's containers and of nspawn
constexpr std::int64_t kOwnUsers = 0x00ffffff;

std::string why() { return std::string(": ") + std::strerror(errno); }

// Above the numbers that the sandbox gets, so that putting one into its place never overwrites another.
Descriptor lifted(int number) {
  if (number < 0) return {};
  Descriptor high(::fcntl(number, F_DUPFD_CLOEXEC, 16));
  ::close(number);
  return high;
}

bool make_pipe(Descriptor& read_end, Descriptor& write_end) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  read_end = lifted(ends[0]);
  write_end = lifted(ends[1]);
  return read_end.is_open() && write_end.is_open();
}

void make_non_blocking(const Descriptor& descriptor) { ::fcntl(descriptor.get(), F_SETFL, ::fcntl(descriptor.get(), F_GETFL) | O_NONBLOCK); }

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

std::int64_t own_user_of(std::string_view server) {
  const auto digest = crypto::sha256(server);
  return kFirstOwnUser + (std::int64_t{digest[0]} << 16 | std::int64_t{digest[1]} << 8 | digest[2]) % kOwnUsers;
}

Result<Spawned, std::string> spawn_sandbox(const std::string& sandbox_program, SandboxPlan plan) {
  plan.supervisor = ::getpid();
  Descriptor plan_file = lifted(::memfd_create("plan", MFD_CLOEXEC));
  if (!plan_file.is_open() || !write_all(plan_file.get(), encode(plan))) return unexpected("the plan of the sandbox cannot be written" + why());
  Descriptor its_input, its_output, its_errors, its_report;
  Spawned spawned;
  if (!make_pipe(its_input, spawned.input) || !make_pipe(spawned.output, its_output) || !make_pipe(spawned.errors, its_errors) || !make_pipe(spawned.report, its_report)) {
    return unexpected("no pipes can be made" + why());
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::pair<int, int> places[] = {{its_input.get(), 0}, {its_output.get(), 1}, {its_errors.get(), 2}, {plan_file.get(), kPlanDescriptor}, {its_report.get(), kReportDescriptor}};
  for (const auto& [from, to] : places) posix_spawn_file_actions_adddup2(&actions, from, to);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  char name[] = "writ-sandbox";
  char* const arguments[] = {name, nullptr};
  char* const environment[] = {nullptr};
  const int problem = ::posix_spawn(&spawned.pid, sandbox_program.c_str(), &actions, &attributes, arguments, environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (problem != 0) return unexpected("`" + sandbox_program + "` cannot be run: " + std::strerror(problem));
  // Nobody but us waits for it, so the number is still its own.
  spawned.process = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, spawned.pid, 0)));
  if (!spawned.process.is_open()) {
    ::kill(spawned.pid, SIGKILL);
    return unexpected("the sandbox cannot be watched" + why());
  }
  for (const Descriptor* ours : {&spawned.input, &spawned.output, &spawned.errors, &spawned.report}) make_non_blocking(*ours);
  return spawned;
}

}  // namespace writ::process
