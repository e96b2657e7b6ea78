// R29: a backup is taken while the log is written, and a server goes on from it.
#include "adapters/log/copy_log.h"

#include <gtest/gtest.h>

#include <thread>

#include "adapters/log/log_fixture.h"
#include "adapters/log/verify.h"

namespace writ::log::test {
namespace {

constexpr int kCommits = 120;

// The folder of a copy, as the folder of a log on a disk of its own.
std::shared_ptr<SimulatedDisk> disk_with(SimulatedDisk& disk, const std::string& directory) {
  auto alone = std::make_shared<SimulatedDisk>();
  for (const auto& [path, node] : disk.tree()) {
    if (path.starts_with(directory + "/")) alone->tree()["/audit" + path.substr(directory.size())] = std::make_shared<SimulatedDisk::Node>(*node);
  }
  return alone;
}

struct Taken {
  std::string directory;
  int acknowledged = 0;     // commits that were answered before the copy began
  CopiedLog copied;
};

void judge(std::shared_ptr<SimulatedDisk> disk, const Taken& taken) {
  FixedClock clock;
  const auto verification = verify_directory(*disk, "/audit", jose::KeySet({audit_key().public_jwk()}));
  ASSERT_TRUE(verification) << verification.error();
  EXPECT_TRUE(verification->findings.empty()) << taken.directory << ": " << verification->findings.front().sentence;
  auto opened = AppendOnlyLog::open(small_log(disk), clock);
  ASSERT_TRUE(opened) << taken.directory << ": " << opened.error();
  AppendOnlyLog& log = **opened;
  const std::string lines = all_lines(log);
  for (int i = 0; i < taken.acknowledged; ++i) {
    const std::string jti = "jti-" + std::to_string(i);
    ASSERT_EQ(count_of(lines, "<" + jti + ">"), 1U) << taken.directory << ": a record from before the backup is not in it";
    const auto again = run(log.commit(claiming(jti, "<again>")));
    ASSERT_TRUE(again && again->replayed) << taken.directory << ": accepted twice: " << jti;
  }
}

TEST(CopyLog, TakenWhileTheLogIsWrittenHoldsAllThatWasAcknowledgedBefore) {
  auto disk = std::make_shared<SimulatedDisk>();
  FixedClock clock;
  std::atomic<int> acknowledged{0}, taken_meanwhile{0};
  std::atomic<bool> is_done{false};
  std::vector<Taken> copies;
  {
    auto log = AppendOnlyLog::open(small_log(disk), clock);
    ASSERT_TRUE(log) << log.error();
    std::thread backups([&] {
      for (int i = 0; !is_done; ++i) {
        Taken taken{"/copy" + std::to_string(i), acknowledged, {}};
        const auto copied = copy_log(*disk, "/audit", taken.directory);
        ASSERT_TRUE(copied) << copied.error();
        taken.copied = *copied;
        copies.push_back(taken);
        ++taken_meanwhile;
      }
    });
    QueueExecutor executor;
    for (int i = 0; i < kCommits || (taken_meanwhile < 3 && i < 100 * kCommits); ++i) {
      const std::string jti = "jti-" + std::to_string(i);
      const auto claimed = run(executor, (*log)->commit(claiming(jti, "<" + jti + ">")));
      EXPECT_TRUE(claimed && !claimed->replayed);
      ++acknowledged;
    }
    is_done = true;
    backups.join();
    // However the threads took turns, one copy holds the whole workload.
    Taken last{"/copy-last", acknowledged, {}};
    const auto copied = copy_log(*disk, "/audit", last.directory);
    ASSERT_TRUE(copied) << copied.error();
    last.copied = *copied;
    copies.push_back(last);
  }
  ASSERT_GT(taken_meanwhile, 2);
  EXPECT_GT(copies.back().copied.segments, 4U) << "the workload must roll";
  for (const Taken& taken : copies) judge(disk_with(*disk, taken.directory), taken);
}

TEST(CopyLog, SaysWhereTheCopyEnds) {
  auto disk = std::make_shared<SimulatedDisk>();
  FixedClock clock;
  auto log = AppendOnlyLog::open(small_log(disk), clock);
  ASSERT_TRUE(log) << log.error();
  std::uint64_t last = 0;
  for (int i = 0; i < 3; ++i) last = run((*log)->commit(record("<" + std::to_string(i) + ">")))->position;
  const auto copied = copy_log(*disk, "/audit", "/copy");
  ASSERT_TRUE(copied) << copied.error();
  EXPECT_EQ(copied->newest_position, last);
  EXPECT_EQ(copied->segments, 1U);
}

TEST(CopyLog, LeavesOutAGroupThatIsHalfWritten) {
  auto disk = std::make_shared<SimulatedDisk>();
  FixedClock clock;
  {
    auto log = AppendOnlyLog::open(small_log(disk), clock);
    ASSERT_TRUE(log) << log.error();
    static_cast<void>(run((*log)->commit(record("<first>"))));
  }
  auto& bytes = disk->tree().at("/audit/0000000001.audit")->bytes;
  bytes.resize(bytes.find_last_not_of('\0') + 1);   // the room made ahead
  const std::string whole = bytes;
  bytes += whole.substr(kSegmentHeaderBytes, 40);   // a group's beginning
  ASSERT_TRUE(copy_log(*disk, "/audit", "/copy"));
  EXPECT_EQ(disk->tree().at("/copy/0000000001.audit")->bytes, whole);
}

TEST(CopyLog, RefusesWhatIsNoLog) {
  auto disk = std::make_shared<SimulatedDisk>();
  const auto copied = copy_log(*disk, "/audit", "/copy");
  ASSERT_FALSE(copied);
  EXPECT_EQ(copied.error(), "`/audit` holds no audit segment");
}

TEST(CopyLog, TellsThatTheDiskIsFull) {
  auto disk = std::make_shared<SimulatedDisk>();
  FixedClock clock;
  {
    auto log = AppendOnlyLog::open(small_log(disk), clock);
    ASSERT_TRUE(log) << log.error();
    static_cast<void>(run((*log)->commit(record("<first>"))));
  }
  disk->fault = [](const std::string& operation, const std::string& path) -> std::optional<SimulatedDisk::Fault> {
    if (operation == "write" && path.starts_with("/copy")) return SimulatedDisk::Fault{true, 0};
    return std::nullopt;
  };
  const auto copied = copy_log(*disk, "/audit", "/copy");
  ASSERT_FALSE(copied);
  EXPECT_EQ(copied.error().find("write of `/copy/"), 0U) << copied.error();
}

}  // namespace
}  // namespace writ::log::test
