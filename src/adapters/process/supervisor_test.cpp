#include "adapters/process/supervisor.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "adapters/process/supervised_fixture.h"

namespace writ::process {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

class ASupervisedProgram : public Supervised {
 protected:
  RunBy by() const override { return RunBy::whoever_tests; }
  std::shared_ptr<Heard> shell(const std::string& script) { return run(launch({"/bin/sh", "-c", script})); }
  std::string all_log() {
    std::string out;
    for (const auto& line : log()) out += line + "\n";
    return out;
  }
};
INSTANTIATE_TEST_SUITE_P(RunBy, ASupervisedProgram, ::testing::Values(RunBy::whoever_tests), name_of);

// Processes of this machine whose arguments hold the word.
int running_with(const std::string& word) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "cmdline", std::ios::binary);
    const std::string arguments((std::istreambuf_iterator<char>(file)), {});
    count += arguments.find(word) != std::string::npos;
  }
  return count;
}

bool eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 300; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(milliseconds(20));
  }
  return false;
}

TEST_P(ASupervisedProgram, IsTalkedToInLines) {
  const auto heard = run(launch({"/bin/cat"}));
  ASSERT_TRUE(programs_[0]->write("first"));
  ASSERT_TRUE(programs_[0]->write("second"));
  EXPECT_EQ(heard->wait_line(1), "second");
  EXPECT_EQ(heard->lines().front(), "first");
  programs_[0]->end();
  EXPECT_THAT(heard->wait_ended().why, HasSubstr("exit status 0"));
  EXPECT_FALSE(programs_[0]->write("third"));
  EXPECT_THAT(log(), Not(Contains(HasSubstr("exit status"))));   // wanted, so no news
}

TEST_P(ASupervisedProgram, IsToldApartFromItsLastLineWithoutAnEnd) {
  const auto heard = shell("printf 'a\\r\\n\\nb'");
  heard->wait_ended();
  EXPECT_EQ(heard->lines(), (std::vector<std::string>{"a", "b"}));
}

TEST_P(ASupervisedProgram, LosesALineThatIsTooLongAndNothingElse) {
  options_.line_bytes_max = 10'000;
  const auto heard = shell("printf '{\"id\":7,'; head -c 300000 /dev/zero | tr '\\0' x; echo 'the end'; echo next");
  heard->wait_ended();
  EXPECT_EQ(heard->lines(), std::vector<std::string>{"next"});
  ASSERT_EQ(heard->lost().size(), 1U);
  EXPECT_TRUE(heard->lost()[0].starts_with("{\"id\":7,xxx")) << heard->lost()[0].substr(0, 40);
  EXPECT_TRUE(heard->lost()[0].ends_with("xxxthe end"));
  EXPECT_LT(heard->lost()[0].size(), 1100U);
}

TEST_P(ASupervisedProgram, HasItsErrorsInTheLogButNeverAsOurs) {
  const auto heard = shell(R"(printf 'plain\033[2Jtext\rwrit: forged\n' >&2; printf 'key is the-secret-of-the-server\n\377\n' >&2)");
  heard->wait_ended();
  EXPECT_THAT(log(), Contains("program of server `tries` says: plain\\u001b[2Jtext\\rwrit: forged"));
  EXPECT_THAT(log(), Contains("program of server `tries` says: key is ***"));
  EXPECT_THAT(all_log(), Not(HasSubstr("the-secret")));
}

TEST_P(ASupervisedProgram, WritesABoundedPartOfTheLog) {
  options_.log_lines_per_second = 5;
  options_.log_line_bytes_max = 100;
  const auto heard = shell("for i in 1 2 3 4 5 6 7 8 9; do echo line $i >&2; done; head -c 5000 /dev/zero | tr '\\0' y >&2");
  heard->wait_ended();
  EXPECT_THAT(log(), Contains("program of server `tries` says: line 5"));
  EXPECT_THAT(all_log(), Not(HasSubstr("line 6")));
  EXPECT_THAT(log(), Contains("program of server `tries`: 5 further lines on its standard error were left out"));
}

TEST_P(ASupervisedProgram, IsMissedWhenItCrashes) {
  const auto heard = shell("echo one; exit 9");
  const auto ended = heard->wait_ended();
  EXPECT_TRUE(ended.started);
  EXPECT_EQ(ended.why, "ended with exit status 9");
  EXPECT_EQ(heard->lines(), std::vector<std::string>{"one"});
  EXPECT_THAT(log(), Contains("program of server `tries`: ended with exit status 9"));
  EXPECT_EQ(shell("kill -SEGV $$")->wait_ended().why, "was ended by signal 11");
}

TEST_P(ASupervisedProgram, IsEndedByClosedInputThenSigtermThenSigkill) {
  options_.grace = Milliseconds(300);
  struct Way {
    const char* script;
    int at_least_ms, at_most_ms;
  };
  for (const auto& [script, at_least, at_most] : {Way{"echo up; cat", 0, 290}, Way{"trap 'exit 3' TERM; echo up; while :; do sleep 0.02; done", 280, 590},
                                                  Way{"trap '' TERM; echo up; while :; do sleep 0.02; done", 580, 2000}}) {
    const auto heard = shell(script);
    EXPECT_EQ(heard->wait_line(), "up");
    const auto begun = steady_clock::now();
    programs_.back()->end();
    heard->wait_ended();
    const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begun).count();
    EXPECT_GE(took, at_least) << script;
    EXPECT_LE(took, at_most + 600) << script;   // a machine with much else to do
  }
}

TEST_P(ASupervisedProgram, TakesItsChildrenWithIt) {
  const std::string mark = "31" + std::to_string(::getpid());   // seconds that nobody else sleeps
  options_.grace = Milliseconds(100);
  const auto heard = shell("sleep " + mark + " & setsid sleep " + mark + " & trap '' TERM; echo up; wait");
  EXPECT_EQ(heard->wait_line(), "up");
  EXPECT_TRUE(eventually([&] { return running_with(mark) >= 3; }));
  programs_[0]->end();
  heard->wait_ended();
  EXPECT_TRUE(eventually([&] { return running_with(mark) == 0; }));
}

TEST_P(ASupervisedProgram, EndsWithItsSupervisor) {
  const std::string mark = "32" + std::to_string(::getpid());
  const auto heard = std::make_shared<Heard>();
  {
    auto options = options_;
    Supervisor other(options);
    const auto program = other.start(launch({"/bin/sh", "-c", "trap '' TERM; echo up; sleep " + mark}), heard);
    EXPECT_EQ(heard->wait_line(), "up");
  }
  EXPECT_TRUE(eventually([&] { return running_with(mark) == 0; }));
  EXPECT_TRUE(heard->wait_ended().started);
}

TEST_P(ASupervisedProgram, ThatNeverReadsCostsABoundedQueue) {
  options_.input_bytes_max = 100'000;
  const auto heard = shell("echo up; exec sleep 30");
  EXPECT_EQ(heard->wait_line(), "up");
  int taken = 0;
  while (taken < 1000 && programs_[0]->write(std::string(10'000, 'x'))) ++taken;
  EXPECT_GE(taken, 9);
  EXPECT_LE(taken, 50);   // the queue, what was taken from it, and a pipe
}

TEST_P(ASupervisedProgram, DoesNotKeepOthersWaiting) {
  const auto loud = shell("yes x");
  EXPECT_EQ(loud->wait_line(), "x");
  const auto begun = steady_clock::now();
  const auto honest = run(launch({"/bin/cat"}));
  ASSERT_TRUE(programs_[1]->write("hello"));
  EXPECT_EQ(honest->wait_line(), "hello");
  EXPECT_LT(steady_clock::now() - begun, std::chrono::seconds(5));
  programs_[0]->end();
  loud->wait_ended();
}

TEST_P(ASupervisedProgram, IsGoneWhenTheSandboxProgramIsMissing) {
  options_.sandbox_program = "/nowhere/writ-sandbox";
  const auto ended = run(launch({"/bin/cat"}))->wait_ended();
  EXPECT_FALSE(ended.started);
  EXPECT_EQ(ended.why, "`/nowhere/writ-sandbox` cannot be run: No such file or directory");
}

}  // namespace
}  // namespace writ::process
