#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <thread>

#include "adapters/process/spawn.h"
#include "adapters/process/supervised_fixture.h"

namespace writ::process {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

class Sandbox : public Supervised {
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "writ-sandbox is built with a sanitizer, whose runtime cannot live inside: other presets run this";
#endif
    Supervised::SetUp();
  }
};
INSTANTIATE_TEST_SUITE_P(RunBy, Sandbox, ::testing::Values(RunBy::whoever_tests, RunBy::another_user), name_of);

struct Denied {
  std::vector<std::string> words;
  int error;
};

TEST_P(Sandbox, RefusesWhatAProgramTries) {
  const std::vector<Denied> denied = {
      {{"read", "/etc/shadow"}, ENOENT},
      {{"read", "/root/.bashrc"}, ENOENT},
      {{"list", "/var"}, ENOENT},
      {{"list", "/run"}, ENOENT},
      {{"list", "/sys"}, ENOENT},
      {{"read", "/proc/1/environ"}, EACCES},
      {{"read", "/proc/1/mem"}, EACCES},
      {{"write", "/usr/written"}, EROFS},
      {{"write", "/usr/bin/python3"}, EROFS},
      {{"write", "/etc/passwd"}, EROFS},
      {{"write", "/written"}, EROFS},
      {{"write", "/proc/sys/kernel/core_pattern"}, EACCES},
      {{"connect", "80"}, ENETUNREACH},
      {{"family", "40"}, EAFNOSUPPORT},   // vsock, which network namespaces do not hold off
      {{"family", "17"}, EAFNOSUPPORT},   // packets
      {{"setuid"}, EINVAL},
      {{"setgid"}, EINVAL},
      {{"clone_with_namespace"}, EPERM},
      {{"terminal_input"}, EPERM},
      {{"renice"}, EPERM},
      {{"fill_tmp"}, ENOSPC},
      {{"call", "memfd_create"}, ENOSYS},
      {{"call", "clone3"}, ENOSYS},
      {{"call", "newer_than_the_filter"}, ENOSYS},
  };
  for (const auto& [words, error] : denied) {
    const json::Value said = attempt(words);
    const auto* number = said.find_int("errno");
    EXPECT_TRUE(number && (*number == error || (error == EINVAL && *number == EPERM) || (error == EACCES && *number == EPERM)))
        << ::testing::PrintToString(words) << ": " << json::write(said);
  }
}

TEST_P(Sandbox, RefusesSystemCallsThatToolsHaveNoUseFor) {
  for (const char* name : {"mount", "umount2", "pivot_root", "chroot", "setns", "unshare", "ptrace", "process_vm_readv", "keyctl", "bpf", "perf_event_open", "io_uring_setup",
                           "userfaultfd", "reboot", "swapon", "kexec_load", "init_module", "open_by_handle_at", "move_mount", "personality", "shmget", "add_key", "sethostname", "pidfd_getfd"}) {
    const json::Value said = attempt({"call", name});
    ASSERT_TRUE(said.find_int("errno")) << name << ": " << json::write(said);
    EXPECT_EQ(*said.find_int("errno"), EPERM) << name;
  }
}

TEST_P(Sandbox, EndsAProgramThatMakesCallsOfAnotherArchitecture) {
#if defined(__x86_64__)
  const json::Value said = attempt({"x32_call"});
  ASSERT_TRUE(said.find_int("value")) << json::write(said);
  EXPECT_EQ(*said.find_int("value"), -SIGSYS);
#endif
}

TEST_P(Sandbox, LeavesNoPrivilege) {
  const json::Value said = attempt({"status"});
  const json::Value* status = said.find("value");
  ASSERT_TRUE(status);
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) EXPECT_EQ(*status->find_string(set), "0000000000000000") << set;
  EXPECT_EQ(*status->find_string("NoNewPrivs"), "1");
  EXPECT_EQ(*status->find_string("Seccomp"), "2");
  EXPECT_EQ(*status->find_string("Uid"), "1000\t1000\t1000\t1000");
}

TEST_P(Sandbox, ShowsTheSystemAndNothingElse) {
  const json::Value said = attempt({"surroundings"});
  const json::Value* found = said.find("value");
  ASSERT_TRUE(found && found->is_object()) << json::write(said);
  EXPECT_EQ(json::write(*found->find("environment")), R"({"PATH":"/usr/bin:/bin","HOME":"/home/program","LANG":"C.UTF-8","KEY":"the-secret-of-the-server"})");
  EXPECT_EQ(*found->find_string("cwd"), "/home/program");
  EXPECT_THAT(*to_strings(*found->find("etc")), Not(Contains("shadow")));
  EXPECT_THAT(*to_strings(*found->find("root")), Not(Contains("root")));
  EXPECT_EQ(*to_strings(*found->find("dev")), (std::vector<std::string>{"fd", "full", "null", "random", "shm", "stderr", "stdin", "stdout", "urandom", "zero"}));
  EXPECT_EQ(*to_strings(*found->find("interfaces")), std::vector<std::string>{"lo"});
  EXPECT_EQ(*found->find_int("umask"), 077);
  EXPECT_TRUE(*found->find_bool("leads_session"));
  EXPECT_EQ(*found->find_int("descriptors"), 3);
  EXPECT_EQ(*found->find_int("core"), 0);
  EXPECT_TRUE(found->find_array("set_uid_mounts")->empty()) << json::write(*found->find("set_uid_mounts"));
  const auto writable = to_strings(*found->find("writable_mounts"));
  for (const auto& mount : *writable) {
    EXPECT_TRUE(mount == "/tmp" || mount == "/home/program" || mount == "/proc" || mount.starts_with("/dev/")) << mount;
  }
}

TEST_P(Sandbox, HoldsOnlyItsOwnProcesses) {
  const json::Value said = attempt({"processes"});
  const auto* pids = said.find_array("value");
  ASSERT_TRUE(pids);
  EXPECT_EQ(pids->size(), 2U) << json::write(said);   // process 1 of the sandbox, and itself
  EXPECT_TRUE(*attempt({"kill_first"}).find_bool("ok"));   // no error, no effect: the answer came
}

TEST_P(Sandbox, BoundsProcessesAndFiles) {
  const json::Value processes = attempt({"fork_bomb"});
  EXPECT_LE(*processes.find_int("value"), 32) << json::write(processes);
  EXPECT_GE(*processes.find_int("value"), 8);
  const json::Value files = attempt({"open_files"});
  EXPECT_LE(*files.find_int("value"), 128);
  EXPECT_GE(*files.find_int("value"), 100);
}

TEST_P(Sandbox, BoundsTheMemoryOfOneProcess) {
  EXPECT_TRUE(*attempt({"memory_hog", "100"}).find_bool("ok"));
  EXPECT_EQ(*attempt({"memory_hog", "400"}).find_int("errno"), ENOMEM);
}

TEST_P(Sandbox, EndsWhatHoldsTooMuchMemoryTogether) {
  for (const auto& words : {std::vector<std::string>{"shared_memory_hog", "4096"}, std::vector<std::string>{"hog_with_children", "100"}}) {
    const auto heard = run(launch_try(words));
    const auto ended = heard->wait_ended();
    EXPECT_TRUE(ended.started);
    EXPECT_THAT(ended.why, HasSubstr("together held more than")) << words.front();
    EXPECT_TRUE(heard->lines().empty()) << heard->lines().front();
  }
}

TEST_P(Sandbox, CountsOnceWhatForkedProcessesShare) {
  const json::Value said = attempt({"shared_with_children", "100"});   // nine processes hold it, all together 100 of the 256 MiB
  EXPECT_EQ(said.find_int("value") ? *said.find_int("value") : 0, 100) << json::write(said);
}

class Folder {
 public:
  explicit Folder(unsigned owner) : path_(std::filesystem::temp_directory_path() / ("writ-sandbox-test-" + std::to_string(::getpid()) + "-" + std::to_string(owner))) {
    std::filesystem::create_directory(path_);
    ::chmod(path_.c_str(), 0755);
    if (::geteuid() == 0) static_cast<void>(!::chown(path_.c_str(), owner, owner));
    std::ofstream(path_ / "note") << "of the machine\n";
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string path() const { return path_; }

 private:
  std::filesystem::path path_;
};

TEST_P(Sandbox, ShowsNamedPathsAsTheyWereNamed) {
  const unsigned owner = GetParam() == RunBy::another_user ? kAnotherUser : static_cast<unsigned>(::geteuid() == 0 ? own_user_of("tries") : ::geteuid());
  const Folder folder(owner);
  const std::string note = folder.path() + "/note";
  EXPECT_EQ(*attempt({"read", note}).find_int("errno"), ENOENT);   // its own /tmp

  auto reading = launch_try({"read", note});
  reading.read_paths.push_back(folder.path());
  EXPECT_EQ(*attempt_launch(reading).find_string("value"), "of the machine\n");
  auto writing = launch_try({"write", note});
  writing.read_paths.push_back(folder.path());
  EXPECT_EQ(*attempt_launch(writing).find_int("errno"), EROFS);
  auto allowed = launch_try({"write", folder.path() + "/new"});
  allowed.write_paths.push_back(folder.path());
  EXPECT_TRUE(*attempt_launch(allowed).find_bool("ok"));
  EXPECT_TRUE(std::filesystem::exists(folder.path() + "/new"));
  auto large = launch_try({"large_file", folder.path() + "/large"});
  large.write_paths.push_back(folder.path());
  EXPECT_EQ(*attempt_launch(large).find_int("errno"), EFBIG);
}

TEST_P(Sandbox, IsNotEnteredWhenANamedPathIsMissing) {
  auto missing = launch_try({"status"});
  missing.read_paths.push_back("/nowhere/at/all");
  const auto ended = run(std::move(missing))->wait_ended();
  EXPECT_FALSE(ended.started);
  EXPECT_THAT(ended.why, HasSubstr("`/nowhere/at/all` cannot be shown to the program"));
}

TEST_P(Sandbox, SaysWhenTheProgramCannotBeRun) {
  const auto ended = run(launch({"/usr/bin/no-such-program"}))->wait_ended();
  EXPECT_FALSE(ended.started);
  EXPECT_THAT(ended.why, HasSubstr("`/usr/bin/no-such-program` cannot be run: No such file or directory"));
}

TEST_P(Sandbox, GivesNetworkOnlyWhenItIsNamed) {
  const int listening = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listening, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listening, 4), 0);
  ASSERT_EQ(::getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string port = std::to_string(ntohs(address.sin_port));
  EXPECT_EQ(*attempt({"connect", port}).find_int("errno"), ENETUNREACH);
  auto with_network = launch_try({"connect", port});
  with_network.network = true;
  EXPECT_TRUE(*attempt_launch(with_network).find_bool("ok"));
  ::close(listening);
}

TEST_P(Sandbox, HoldsOffTheMachinesAbstractSockets) {
  const std::string name = "writ-test-" + std::to_string(::getpid());
  const int listening = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, sizeof address.sun_path - 2);
  ASSERT_EQ(::bind(listening, reinterpret_cast<sockaddr*>(&address), static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size())), 0);
  ASSERT_EQ(::listen(listening, 4), 0);
  EXPECT_EQ(*attempt({"abstract_socket", name}).find_int("errno"), ECONNREFUSED);
  auto with_network = launch_try({"abstract_socket", name});
  with_network.network = true;
  EXPECT_EQ(*attempt_launch(with_network).find_int("errno"), EAFNOSUPPORT);
  ::close(listening);
}

}  // namespace
}  // namespace writ::process
