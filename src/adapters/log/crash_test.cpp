// R2, S2, S3: every write, sync and rename is once the last one. Judged by what a client remembers, not by what the log says of itself.
#include <gtest/gtest.h>

#include <thread>

#include "adapters/log/log_fixture.h"
#include "adapters/log/writer.h"

namespace writ::log::test {
namespace {

struct Ledger {
  std::set<std::string> sent, acknowledged;   // claims; a record with the claim's name stands for each that was acknowledged
  std::set<std::string> records;              // acknowledged records without a claim
  std::set<std::string> calls;                // acknowledged at level `process`: a power loss may take them, a kill may not
};

// Enough for several segments, journals and snapshots.
void work(AppendOnlyLog& log, Ledger& ledger) {
  QueueExecutor executor;
  for (int i = 0; i < 40; ++i) {
    const std::string jti = "jti-" + std::to_string(i);
    ledger.sent.insert(jti);
    const auto claimed = run(executor, log.commit(claiming(jti, "<" + jti + ">")));
    if (claimed && !claimed->replayed) ledger.acknowledged.insert(jti);
    const std::string name = "<record-" + std::to_string(i) + ">";
    const auto recorded = run(executor, log.commit(record(name)));
    if (recorded) ledger.records.insert(name);
    const std::string call = "<call-" + std::to_string(i) + ">";
    const auto called = run(executor, log.commit(record(call, audit::Durability::process)));
    if (called) ledger.calls.insert(call);
  }
}

void judge(std::shared_ptr<SimulatedDisk> disk, const Ledger& ledger, const std::string& where, bool killed = false) {
  FixedClock clock;
  auto opened = AppendOnlyLog::open(small_log(disk), clock);
  ASSERT_TRUE(opened) << where << ": " << opened.error();
  AppendOnlyLog& log = **opened;
  const std::string lines = all_lines(log);
  for (const std::string& name : ledger.records) ASSERT_EQ(count_of(lines, name), 1U) << where << ": an acknowledged record is lost or doubled: " << name;
  for (const std::string& name : ledger.calls) {
    ASSERT_LE(count_of(lines, name), 1U) << where << ": an acknowledged record is doubled: " << name;
    ASSERT_TRUE(!killed || count_of(lines, name) == 1U) << where << ": a record that a kill may not take is lost: " << name;
  }
  for (const std::string& jti : ledger.acknowledged) ASSERT_EQ(count_of(lines, "<" + jti + ">"), 1U) << where << ": an acknowledged record is lost or doubled: " << jti;
  for (const std::string& jti : ledger.sent) {
    const auto again = run(log.commit(claiming(jti, "<again " + jti + ">")));
    ASSERT_TRUE(again) << where;
    ASSERT_TRUE(again->replayed || !ledger.acknowledged.contains(jti)) << where << ": accepted twice: " << jti;
    // Whoever was recorded as having got it is the only one.
    ASSERT_TRUE(again->replayed || count_of(lines, "<" + jti + ">") == 0) << where << ": recorded twice: " << jti;
  }
}

TEST(EveryCrashPoint, LosesNothingAcknowledgedAndGivesNoClaimTwice) {
  std::uint64_t total = 0;
  {
    auto disk = std::make_shared<SimulatedDisk>();
    FixedClock clock;
    Ledger ledger;
    {
      auto log = AppendOnlyLog::open(small_log(disk), clock);
      ASSERT_TRUE(log) << log.error();
      work(**log, ledger);
    }
    ASSERT_EQ(ledger.acknowledged.size(), 40U);
    total = disk->operations();
    std::size_t segments = 0, snapshots = 0;
    for (const auto& [path, node] : disk->tree()) {
      segments += path.ends_with(".audit");
      snapshots += path.ends_with(".snapshot");
    }
    EXPECT_GT(segments, 4U) << "the workload must roll";
    EXPECT_GT(snapshots, 0U);
    judge(disk->after(Loss::everything, 0), ledger, "a clean end");
  }
  ASSERT_GT(total, 200U);
  for (std::uint64_t last = 0; last <= total; ++last) {
    auto disk = std::make_shared<SimulatedDisk>();
    disk->off_after = last;
    FixedClock clock;
    Ledger ledger;
    {
      auto log = AppendOnlyLog::open(small_log(disk), clock);
      if (log) work(**log, ledger);
    }
    judge(disk->after(Loss::nothing, 0), ledger, "killed after operation " + std::to_string(last), true);
    judge(disk->after(Loss::everything, 0), ledger, "power lost after operation " + std::to_string(last));
    for (std::uint32_t seed = 1; seed <= 3; ++seed) {
      judge(disk->after(Loss::some, seed), ledger, "power lost after operation " + std::to_string(last) + ", seed " + std::to_string(seed));
    }
    if (HasFatalFailure()) return;
  }
}

// A crash while the log recovers from a crash.
TEST(EveryCrashPoint, IsSurvivedTwice) {
  for (std::uint64_t first = 20; first < 400; first += 7) {
    auto disk = std::make_shared<SimulatedDisk>();
    disk->off_after = first;
    FixedClock clock;
    Ledger ledger;
    {
      auto log = AppendOnlyLog::open(small_log(disk), clock);
      if (log) work(**log, ledger);
    }
    for (std::uint64_t second = 0; second < 12; ++second) {
      auto again = disk->after(Loss::some, static_cast<std::uint32_t>(first));
      again->off_after = second;
      { static_cast<void>(AppendOnlyLog::open(small_log(again), clock)); }
      judge(again->after(Loss::some, static_cast<std::uint32_t>(second)), ledger, "operations " + std::to_string(first) + ", then " + std::to_string(second));
      if (HasFatalFailure()) return;
    }
  }
}

struct Refusal {
  std::string operation, path;
  std::size_t bytes_written;
};
class AfterAFailedOperation : public testing::TestWithParam<Refusal> {};

// R5, S3: never tried again on the same file; refused until the next start; nothing acknowledged is lost.
TEST_P(AfterAFailedOperation, TheLogRefusesUntilItIsOpenedAnew) {
  auto disk = std::make_shared<SimulatedDisk>();
  FixedClock clock;
  std::vector<std::string> notices;
  std::mutex notices_mutex;
  Options options = small_log(disk);
  options.segment_bytes = 1 << 20;
  options.room_bytes = 64 << 10;   // so that it is the group's own write that fails
  options.notice = [&](Options::Level, const std::string& sentence) {
    const std::lock_guard lock(notices_mutex);
    notices.push_back(sentence);
  };
  std::atomic<int> failed{0};
  {
    auto log = AppendOnlyLog::open(options, clock);
    ASSERT_TRUE(log) << log.error();
    ASSERT_TRUE(run((*log)->commit(claiming("before", "<before>"))));
    disk->fault = [&](const std::string& operation, const std::string& path) -> std::optional<SimulatedDisk::Fault> {
      if (operation != GetParam().operation || path != GetParam().path || failed++ != 0) return std::nullopt;
      return SimulatedDisk::Fault{false, GetParam().bytes_written};
    };
    EXPECT_FALSE(run((*log)->commit(claiming("during", "<during>"))));
    EXPECT_EQ(failed, 1);
    const auto before = disk->operations();
    EXPECT_FALSE(run((*log)->commit(claiming("after", "<after>")))) << "it would be answered on hope";
    EXPECT_FALSE(run((*log)->commit(record("<after>"))));
    EXPECT_EQ(disk->operations(), before) << "the disk was asked again";
  }
  ASSERT_FALSE(notices.empty());
  EXPECT_NE(notices.back().find("until writ is started anew"), std::string::npos) << notices.back();

  disk->fault = nullptr;
  auto log = AppendOnlyLog::open(options, clock);
  ASSERT_TRUE(log) << log.error();
  const auto before = run((*log)->commit(claiming("before", "<again>")));
  ASSERT_TRUE(before);
  EXPECT_TRUE(before->replayed);
  const auto after = run((*log)->commit(claiming("after", "<after>")));
  ASSERT_TRUE(after);
  EXPECT_FALSE(after->replayed) << "what was refused without being written was not used up";
  EXPECT_EQ(count_of(all_lines(**log), "<before>"), 1U);
}

INSTANTIATE_TEST_SUITE_P(R5, AfterAFailedOperation,
                         testing::Values(Refusal{"write", "/audit/0000000001.audit", 0}, Refusal{"write", "/audit/0000000001.audit", 100},
                                         Refusal{"sync", "/audit/0000000001.audit", 0}, Refusal{"write", "/audit/spent/0000000001.journal", 0}),
                         [](const auto& row) {
                           return row.param.operation + "_" + (row.param.path.ends_with("journal") ? "journal" : "segment") + "_" + std::to_string(row.param.bytes_written);
                         });

// R4: a full disk refuses, grants nothing, uses nothing up, and serves again without a restart.
TEST(AFullDisk, RefusesAndRecoversByItself) {
  for (const char* full : {"/audit/0000000001.audit", "/audit/spent/0000000001.journal", "/audit/0000000002.audit.new", "/audit/spent/0000000002.journal.new"}) {
    auto disk = std::make_shared<SimulatedDisk>();
    FixedClock clock;
    auto log = AppendOnlyLog::open(small_log(disk), clock);
    ASSERT_TRUE(log) << log.error();
    std::atomic<bool> is_full{true};
    disk->fault = [&](const std::string& operation, const std::string& path) -> std::optional<SimulatedDisk::Fault> {
      if (!is_full || (operation != "write" && operation != "create") || path != full) return std::nullopt;
      return SimulatedDisk::Fault{true, 7};
    };
    std::set<std::string> refused, given;
    for (int i = 0; i < 40; ++i) {
      const std::string jti = std::to_string(i);
      const auto committed = run((*log)->commit(claiming(jti, "<" + jti + ">")));
      (committed ? given : refused).insert(jti);
    }
    EXPECT_FALSE(refused.empty()) << full;
    is_full = false;
    for (const std::string& jti : refused) {
      const auto committed = run((*log)->commit(claiming(jti, "<" + jti + ">")));
      ASSERT_TRUE(committed) << full;
      EXPECT_FALSE(committed->replayed) << full << ": what was refused was not used up";
    }
    for (const std::string& jti : given) {
      const auto committed = run((*log)->commit(claiming(jti, "<again>")));
      ASSERT_TRUE(committed && committed->replayed) << full;
    }
    log->reset();
    log = AppendOnlyLog::open(small_log(disk->after(Loss::everything, 0)), clock);
    ASSERT_TRUE(log) << full << ": " << log.error();
    const std::string lines = all_lines(**log);
    for (int i = 0; i < 40; ++i) EXPECT_EQ(count_of(lines, "<" + std::to_string(i) + ">"), 1U) << full;
  }
}

TEST(BackPressure, RefusesWhatIsTooMuchInFlight) {
  auto disk = std::make_shared<SimulatedDisk>();
  FixedClock clock;
  Options options = small_log(disk);
  options.queue_max = 4;
  auto log = AppendOnlyLog::open(options, clock);
  ASSERT_TRUE(log) << log.error();
  // The writer stands at a sync until it is let go.
  std::mutex gate;
  gate.lock();
  std::atomic<bool> waiting{false};
  disk->fault = [&](const std::string& operation, const std::string&) -> std::optional<SimulatedDisk::Fault> {
    if (operation != "sync") return std::nullopt;
    waiting = true;
    const std::lock_guard wait(gate);
    return std::nullopt;
  };
  QueueExecutor executor;
  int accepted = 0, refused = 0, started = 0;
  const auto start = [&](const std::string& jti) {
    executor.post([&, jti] {
      ++started;
      spawn((*log)->commit(claiming(jti, jti)), [&](std::exception_ptr, std::optional<Answer> answer) { (*answer ? accepted : refused)++; });
    });
  };
  start("first");
  executor.run_until([&] { return started == 1; });
  while (!waiting) std::this_thread::yield();
  for (int i = 0; i < 10; ++i) start(std::to_string(i));
  executor.run_until([&] { return refused == 6; });
  gate.unlock();
  executor.run_until([&] { return accepted == 5; });
  const auto again = run((*log)->commit(claiming("9", "again")));
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->replayed) << "what was refused was not used up";
}

// Rules §6.2: a duplicate of a claim whose commit failed is a replay until the restart.
TEST(AReservation, StaysAfterAFailedCommitUntilTheRestart) {
  auto disk = std::make_shared<SimulatedDisk>();
  FixedClock clock;
  {
    auto log = AppendOnlyLog::open(small_log(disk), clock);
    ASSERT_TRUE(log);
    disk->fault = [](const std::string& operation, const std::string&) -> std::optional<SimulatedDisk::Fault> {
      if (operation != "sync") return std::nullopt;
      return SimulatedDisk::Fault{};
    };
    ASSERT_FALSE(run((*log)->commit(claiming("jti", "<one>"))));
    ASSERT_FALSE(run((*log)->commit(claiming("jti", "<two>"))));
  }
  disk->fault = nullptr;
  auto log = AppendOnlyLog::open(small_log(disk), clock);
  ASSERT_TRUE(log);
  // The write had reached the disk although the sync failed: the record is there, and the claim is spent.
  const auto again = run((*log)->commit(claiming("jti", "<three>")));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->replayed, count_of(all_lines(**log), "<one>") == 1);
  EXPECT_EQ(count_of(all_lines(**log), "<two>"), 0U);
}

TEST(ProcessCommits, AreSyncedWithinTheirTime) {
  auto disk = std::make_shared<SimulatedDisk>();
  FixedClock clock;
  Options options = small_log(disk);
  options.sync_within = Milliseconds{20};
  auto log = AppendOnlyLog::open(options, clock);
  ASSERT_TRUE(log);
  std::atomic<int> syncs{0};
  disk->fault = [&](const std::string& operation, const std::string& path) -> std::optional<SimulatedDisk::Fault> {
    if (operation == "sync" && path.ends_with(".audit")) ++syncs;
    return std::nullopt;
  };
  ASSERT_TRUE(run((*log)->commit(record("<call>", audit::Durability::process))));
  const auto start = std::chrono::steady_clock::now();
  while (syncs == 0 && std::chrono::steady_clock::now() - start < std::chrono::seconds(5)) std::this_thread::sleep_for(Milliseconds{1});
  EXPECT_EQ(syncs, 1);
  auto left = AppendOnlyLog::open(small_log(disk->after(Loss::everything, 0)), clock);
  ASSERT_TRUE(left);
  EXPECT_EQ(count_of(all_lines(**left), "<call>"), 1U);
}

}  // namespace
}  // namespace writ::log::test
