#pragma once

// Programs in sandboxes for tests: as the user who runs the tests, and, when that is root, as another one too.

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "adapters/process/supervisor.h"
#include "encoding/json.h"

namespace writ::process {

class Heard final : public upstreams::stdio::Listener {
 public:
  void on_started() override { note([&] { started_ = true; }); }
  void on_line(std::string line) override { note([&] { lines_.push_back(std::move(line)); }); }
  void on_lost_line(std::string beginning, std::string end) override { note([&] { lost_.push_back(beginning + " … " + end); }); }
  void on_ended(Ended ended) override { note([&] { ended_ = std::move(ended); }); }

  bool wait_started() { return wait([&] { return started_ || ended_; }) && started_; }
  // How it ended; a test that waits in vain fails.
  Ended wait_ended() {
    EXPECT_TRUE(wait([&] { return ended_.has_value(); })) << "it did not end";
    const std::lock_guard lock(mutex_);
    return ended_.value_or(Ended{});
  }
  std::string wait_line(std::size_t number = 0) {
    EXPECT_TRUE(wait([&] { return lines_.size() > number || ended_; }));
    const std::lock_guard lock(mutex_);
    return lines_.size() > number ? lines_[number] : "ended: " + (ended_ ? ended_->why : "not yet");
  }
  std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  std::vector<std::string> lost() {
    const std::lock_guard lock(mutex_);
    return lost_;
  }

 private:
  template <class Act>
  void note(Act act) {
    const std::lock_guard lock(mutex_);
    act();
    changed_.notify_all();
  }
  template <class Condition>
  bool wait(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), condition);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool started_ = false;
  std::vector<std::string> lines_, lost_;
  std::optional<Ended> ended_;
};

enum class RunBy { whoever_tests, another_user };
constexpr unsigned kAnotherUser = 64321;

class Supervised : public ::testing::TestWithParam<RunBy> {
 protected:
  void SetUp() override {
    if (by() == RunBy::another_user && ::geteuid() != 0) GTEST_SKIP() << "only root can be another user";
    options_.sandbox_program = WRIT_SANDBOX_PROGRAM;
    options_.says = options_.log = [this](const std::string& sentence) {
      const std::lock_guard lock(mutex_);
      log_.push_back(sentence);
    };
    if (by() == RunBy::another_user) {
      // Of the supervisor's thread alone: what it starts is then started by an ordinary user.
      options_.tick = [] {
        if (::geteuid() == 0) ::syscall(SYS_setgroups, 0, nullptr), ::syscall(SYS_setresgid, kAnotherUser, kAnotherUser, kAnotherUser), ::syscall(SYS_setresuid, kAnotherUser, kAnotherUser, kAnotherUser);
      };
    }
  }
  virtual RunBy by() const { return GetParam(); }

  Supervisor& supervisor() {
    if (!supervisor_) {
      supervisor_ = std::make_unique<Supervisor>(options_);
      if (by() == RunBy::another_user) std::this_thread::sleep_for(std::chrono::milliseconds(150));   // the first tick
    }
    return *supervisor_;
  }
  static upstreams::stdio::Launch launch(std::vector<std::string> command) {
    upstreams::stdio::Launch out;
    out.server = "tries";
    out.command = std::move(command);
    out.environment = {{"PATH", "/usr/bin:/bin"}, {"HOME", "/home/program"}, {"LANG", "C.UTF-8"}};
    out.secret_environment = {{"KEY", Secret("the-secret-of-the-server")}};
    const std::string tries = WRIT_TRIES;
    out.read_paths = {tries.substr(0, tries.rfind('/'))};
    out.memory_bytes_max = 256 << 20;
    out.processes_max = 32;
    out.open_files_max = 128;
    return out;
  }
  static upstreams::stdio::Launch launch_try(std::vector<std::string> words) {
    words.insert(words.begin(), {"/usr/bin/python3", WRIT_TRIES, "--try"});
    return launch(std::move(words));
  }
  std::shared_ptr<Heard> run(upstreams::stdio::Launch what) {
    const auto heard = std::make_shared<Heard>();
    programs_.push_back(supervisor().start(std::move(what), heard));
    return heard;
  }
  // What tries.py says about it.
  json::Value attempt_launch(upstreams::stdio::Launch what) {
    const auto heard = run(std::move(what));
    const std::string line = heard->wait_line();
    auto value = json::parse(line);
    EXPECT_TRUE(value) << line;
    return value ? std::move(*value) : json::Value();
  }
  json::Value attempt(std::vector<std::string> words) { return attempt_launch(launch_try(std::move(words))); }
  std::vector<std::string> log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }

  SupervisorOptions options_;
  std::vector<std::shared_ptr<upstreams::stdio::Program>> programs_;

 private:
  std::mutex mutex_;
  std::vector<std::string> log_;
  std::unique_ptr<Supervisor> supervisor_;   // the last one: its thread uses the others
};

inline std::string name_of(const ::testing::TestParamInfo<RunBy>& info) { return info.param == RunBy::whoever_tests ? "AsWhoeverTests" : "AsAnotherUser"; }

}  // namespace writ::process
