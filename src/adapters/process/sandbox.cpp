#include "adapters/process/sandbox.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

namespace writ::process {
namespace {

constexpr int kNothingWasRun = 125;
constexpr auto kMemoryLook = timespec{0, 200'000'000};

void report(char what, const std::string& sentence) {
  const std::string line = what + sentence + "\n";
  static_cast<void>(!::write(kReportDescriptor, line.data(), line.size()));
}

int refuse(const std::string& sentence) {
  report(kReportRefused, sentence);
  return kNothingWasRun;
}

int exit_status(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

Result<SandboxPlan, std::string> read_plan() {
  std::string bytes;
  char piece[4096];
  ::lseek(kPlanDescriptor, 0, SEEK_SET);
  while (true) {
    const ssize_t size = ::read(kPlanDescriptor, piece, sizeof piece);
    if (size < 0) return unexpected(std::string("the plan of the sandbox cannot be read"));
    if (size == 0) break;
    bytes.append(piece, static_cast<std::size_t>(size));
  }
  ::close(kPlanDescriptor);
  auto plan = decode_plan(bytes);
  std::fill(bytes.begin(), bytes.end(), '\0');
  return plan;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

// The third process: what it cannot do it says on `report_to`, which closes by itself when the program runs.
[[noreturn]] void become_program(const SandboxPlan& plan, int report_to) {
  const auto fail = [&](const std::string& sentence) {
    static_cast<void>(!::write(report_to, sentence.data(), sentence.size()));
    ::_exit(kNothingWasRun);
  };
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setsid();
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  ::umask(077);
  if (::chdir("/home/program") != 0) fail("its home cannot be entered");
  const auto arguments = pointers(plan.command);
  const auto environment = pointers(plan.environment);
  if (::syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */) != 0) fail("open files cannot be kept from the program");
  if (const auto limited = limit_resources(plan); !limited) fail(limited.error());
  if (const auto filtered = filter_system_calls(plan); !filtered) fail(filtered.error());
  ::execve(arguments[0], arguments.data(), environment.data());
  fail("`" + plan.command.front() + "` cannot be run: " + std::strerror(errno) +
       (errno == ENOENT ? "; the program, its interpreter and its libraries must be below /usr or one of `read_paths`" : ""));
  ::_exit(kNothingWasRun);
}

// Empty when the program runs.
std::string first_words_of(int report_from) {
  std::string sentence;
  char piece[512];
  ssize_t size = 0;
  while ((size = ::read(report_from, piece, sizeof piece)) > 0 || (size < 0 && errno == EINTR)) {
    if (size > 0) sentence.append(piece, static_cast<std::size_t>(size));
  }
  ::close(report_from);
  return sentence;
}

// Process 1 once the program runs.
int look_after(pid_t program, std::int64_t memory_bytes_max) {
  sigset_t watched;
  sigemptyset(&watched);
  sigaddset(&watched, SIGTERM);
  sigaddset(&watched, SIGCHLD);
  while (true) {
    siginfo_t about{};
    const int signal = ::sigtimedwait(&watched, &about, &kMemoryLook);
    if (signal == SIGTERM) ::kill(-1, SIGTERM);   // all in here but process 1
    int status = 0;
    pid_t gone = 0;
    while ((gone = ::waitpid(-1, &status, WNOHANG)) > 0) {
      if (gone == program) return exit_status(status);
    }
    if (memory_in_use(MemoryCount::shared_each_time) > memory_bytes_max && memory_in_use(MemoryCount::shared_once) > memory_bytes_max) {
      report(kReportMemory, "its processes together held more than " + std::to_string(memory_bytes_max) + " bytes");
      return 128 + SIGKILL;
    }
  }
}

int run_inside(const SandboxPlan& plan, SandboxUser user, int lifeline) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (const auto built = build_root(plan, user); !built) return refuse(built.error());
  // The kernel's out-of-memory killer takes a program before it takes the service.
  if (const int score = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC); score >= 0) {
    static_cast<void>(!::write(score, "500", 3));
    ::close(score);
  }
  if (const auto dropped = drop_privileges(user); !dropped) return refuse(dropped.error());
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);   // taking on a user took it away
  ::prctl(PR_SET_DUMPABLE, 0);          // what runs in here has the same user, and must not look into process 1
  pollfd outer{lifeline, 0, 0};
  if (::poll(&outer, 1, 0) != 0) return kNothingWasRun;   // the outer process went before we asked to go with it
  int words[2];
  if (::pipe2(words, O_CLOEXEC) != 0) return refuse("no pipe can be made");
  const pid_t program = ::fork();
  if (program < 0) return refuse(std::string("no process can be made: ") + std::strerror(errno));
  if (program == 0) {
    ::close(lifeline);
    become_program(plan, words[1]);
  }
  ::close(words[1]);
  for (const int descriptor : {0, 1, 2}) ::close(descriptor);
  if (const std::string sentence = first_words_of(words[0]); !sentence.empty()) return refuse(sentence);
  report(kReportStarted, "");
  return look_after(program, plan.memory_bytes_max);
}

volatile sig_atomic_t inner = 0;
void pass_on(int signal) {
  if (inner > 0) ::kill(inner, signal);
}

}  // namespace

int run_sandbox() {
  ::syscall(SYS_close_range, static_cast<unsigned>(kReportDescriptor) + 1, ~0U, 0U);
  ::fcntl(kReportDescriptor, F_SETFD, FD_CLOEXEC);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const auto plan = read_plan();
  if (!plan) return refuse(plan.error());
  if (::getppid() != static_cast<pid_t>(plan->supervisor)) return kNothingWasRun;
  ::setsid();
  ::umask(0);
  SandboxUser user;
  if (const auto entered = enter_namespaces(*plan, user); !entered) return refuse(entered.error());
  int lifeline[2];
  if (::pipe2(lifeline, O_CLOEXEC) != 0) return refuse("no pipe can be made");
  // Process 1 takes these one by one (sigtimedwait); here they are blocked until there is somebody to pass them on to.
  sigset_t watched;
  sigemptyset(&watched);
  sigaddset(&watched, SIGTERM);
  sigaddset(&watched, SIGCHLD);
  sigprocmask(SIG_BLOCK, &watched, nullptr);
  const pid_t first = ::fork();
  if (first < 0) return refuse(std::string("no process can be made: ") + std::strerror(errno));
  if (first == 0) {
    ::close(lifeline[1]);
    return run_inside(*plan, user, lifeline[0]);
  }
  inner = first;
  struct sigaction action {};
  action.sa_handler = pass_on;
  ::sigaction(SIGTERM, &action, nullptr);
  sigprocmask(SIG_UNBLOCK, &watched, nullptr);
  // Nothing is left to do that needs root: to pass a signal on, the program's own user is enough.
  if (user.from_root && (::setresgid(user.outside, user.outside, user.outside) != 0 || ::setresuid(user.outside, user.outside, user.outside) != 0)) return kNothingWasRun;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::close(lifeline[0]);
  // The pipes must end when those inside end.
  for (const int descriptor : {0, 1, 2, kReportDescriptor}) ::close(descriptor);
  int status = 0;
  while (::waitpid(first, &status, 0) < 0) {
    if (errno != EINTR) return kNothingWasRun;
  }
  return exit_status(status);
}

}  // namespace writ::process
