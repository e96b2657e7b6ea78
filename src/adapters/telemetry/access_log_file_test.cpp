#include "adapters/telemetry/access_log_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "adapters/telemetry/process_metrics.h"

namespace writ::telemetry {
namespace {

using testing::HasSubstr;

struct Folder {
  Folder() {
    static int count = 0;
    path = std::filesystem::temp_directory_path() / ("writ-access-log-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const char* name) const { return path / name; }
  std::filesystem::path path;
};

std::string read(const std::string& path) {
  std::ifstream file(path);
  return std::string((std::istreambuf_iterator<char>(file)), {});
}

TEST(AccessLogFile, AppendsLinesInOrder) {
  const Folder folder;
  Registry registry;
  Instruments instruments(registry);
  std::string expected = "before\n";
  std::ofstream(folder.file("a.log")) << expected;
  {
    auto log = AccessLogFile::open(folder.file("a.log"), instruments);
    ASSERT_TRUE(log);
    for (int i = 0; i < 5'000; ++i) {
      (*log)->write("line " + std::to_string(i));
      expected += "line " + std::to_string(i) + "\n";
    }
  }
  EXPECT_EQ(read(folder.file("a.log")), expected);
  EXPECT_EQ(instruments.access_log_lines.value(), 5'000u);
  EXPECT_EQ(instruments.access_log_dropped.value(), 0u);
}

TEST(AccessLogFile, IsClosedToOthers) {
  const Folder folder;
  Registry registry;
  Instruments instruments(registry);
  ASSERT_TRUE(AccessLogFile::open(folder.file("a.log"), instruments));
  struct stat status {};
  ASSERT_EQ(::stat(folder.file("a.log").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0027, 0u);
}

TEST(AccessLogFile, IsOpenedAnewAfterItWasMovedAway) {
  const Folder folder;
  Registry registry;
  Instruments instruments(registry);
  {
    auto log = AccessLogFile::open(folder.file("a.log"), instruments);
    ASSERT_TRUE(log);
    (*log)->write("one");
    for (int i = 0; i < 5'000 && instruments.access_log_lines.value() < 1; ++i) ::usleep(1'000);
    std::filesystem::rename(folder.file("a.log"), folder.file("a.log.1"));
    ASSERT_TRUE((*log)->reopen());
    (*log)->write("two");
  }
  EXPECT_EQ(read(folder.file("a.log.1")), "one\n");
  EXPECT_EQ(read(folder.file("a.log")), "two\n");
}

TEST(AccessLogFile, SaysWhyItCannotBeOpened) {
  Registry registry;
  Instruments instruments(registry);
  const auto log = AccessLogFile::open("/nowhere/a.log", instruments);
  ASSERT_FALSE(log);
  EXPECT_THAT(log.error(), HasSubstr("cannot open the access log `/nowhere/a.log`"));
}

// A reader that reads no more: lines are dropped and counted, whoever writes never waits, and the end comes all the same.
TEST(AccessLogFile, NeverMakesARequestWait) {
  const Folder folder;
  Registry registry;
  Instruments instruments(registry);
  ASSERT_EQ(::mkfifo(folder.file("pipe").c_str(), 0600), 0);
  const int reader = ::open(folder.file("pipe").c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  constexpr std::size_t kLines = 50'000;
  std::chrono::steady_clock::duration longest{0};
  {
    auto log = AccessLogFile::open(folder.file("pipe"), instruments);
    ASSERT_TRUE(log);
    for (std::size_t i = 0; i < kLines; ++i) {
      const auto started = std::chrono::steady_clock::now();
      (*log)->write(std::string(200, 'x'));
      longest = std::max(longest, std::chrono::steady_clock::now() - started);
    }
  }
  EXPECT_LT(longest, std::chrono::milliseconds(500));
  EXPECT_GT(instruments.access_log_dropped.value(), kLines / 2);
  EXPECT_EQ(instruments.access_log_lines.value() + instruments.access_log_dropped.value(), kLines) << "each line is counted once";
  ::close(reader);
}

TEST(ProcessMetrics, SayWhatTheSystemSays) {
  Registry registry;
  add_process_metrics(registry);
  add_disk_metrics(registry, "/");
  const std::string text = registry.text();
  const auto value = [&text](const std::string& name) {
    const auto at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::strtod(text.c_str() + at + name.size() + 2, nullptr);
  };
  EXPECT_GT(value("process_resident_memory_bytes"), 1e6);
  EXPECT_LT(value("process_resident_memory_bytes"), value("process_virtual_memory_bytes"));
  EXPECT_GE(value("process_open_fds"), 3);
  EXPECT_GE(value("process_max_fds"), value("process_open_fds"));
  EXPECT_GE(value("process_threads"), 1);
  EXPECT_GT(value("process_cpu_seconds_total"), 0);
  EXPECT_NEAR(value("process_start_time_seconds"), static_cast<double>(::time(nullptr)), 300);
  EXPECT_GT(value("writ_data_directory_free_bytes"), 0);
}

}  // namespace
}  // namespace writ::telemetry
