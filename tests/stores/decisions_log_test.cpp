// One suite for every home of the decisions log: what holds for memory holds for SQLite, and across a restart where there is one.

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <set>
#include <thread>

#include "adapters/memory/decisions_log.h"
#include "adapters/postgresql/decisions_log.h"
#include "adapters/sqlite/decisions_log.h"
#include "audit/commit_all.h"
#include "crypto/random.h"
#include "postgresql_fixture.h"

namespace writ {
namespace {

using audit::Claim;
using audit::Commit;
using audit::Committed;

class FixedClock final : public Clock {
 public:
  Instant now() const override { return Instant{Milliseconds{milliseconds.load()}}; }
  std::atomic<std::int64_t> milliseconds{1'795'000'000'000};
};

// A home for the log that can be closed and opened again.
struct Home {
  virtual ~Home() = default;
  virtual audit::DecisionsLog& log() = 0;
  virtual audit::AuditReader& reader() = 0;
  virtual bool reopen() = 0;   // false: this home forgets
};

struct MemoryHome final : Home {
  memory::MemoryDecisionsLog store;
  audit::DecisionsLog& log() override { return store; }
  audit::AuditReader& reader() override { return store; }
  bool reopen() override { return false; }
};

struct SqliteHome final : Home {
  FixedClock clock;
  std::string path = std::filesystem::temp_directory_path() / ("writ-log-" + crypto::random_token() + ".db");
  std::unique_ptr<sqlite::SqliteDecisionsLog> store;
  SqliteHome() { open(); }
  ~SqliteHome() override {
    store.reset();
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
  }
  void open() {
    auto opened = sqlite::SqliteDecisionsLog::open(path, "n1", clock);
    ASSERT_TRUE(opened) << opened.error().detail;
    store = std::move(*opened);
  }
  audit::DecisionsLog& log() override { return *store; }
  audit::AuditReader& reader() override { return *store; }
  bool reopen() override {
    store.reset();
    open();
    return true;
  }
};

struct PostgresqlHome final : Home {
  FixedClock clock;
  postgresql::Address address = PostgresqlServer::shared()->new_database();
  std::unique_ptr<postgresql::PostgresqlDecisionsLog> store;
  PostgresqlHome() { open(); }
  void open() {
    auto opened = postgresql::PostgresqlDecisionsLog::open(address, "n1", clock, postgresql::PostgresqlDecisionsLog::Sharing::alone);
    ASSERT_TRUE(opened) << opened.error().detail;
    store = std::move(*opened);
  }
  audit::DecisionsLog& log() override { return *store; }
  audit::AuditReader& reader() override { return *store; }
  bool reopen() override {
    store.reset();
    open();
    return true;
  }
};

using MakeHome = std::unique_ptr<Home> (*)();
struct NamedHome {
  const char* name;
  MakeHome make;
};

class DecisionsLog : public testing::TestWithParam<NamedHome> {
 protected:
  void SetUp() override {
    home_ = GetParam().make();
    if (!home_) GTEST_SKIP() << "PostgreSQL is not installed here: script/bootstrap installs it";
  }
  std::unique_ptr<Home> home_;

  static Commit issued(const std::string& marker) {
    Commit commit;
    commit.record.event = audit::Event::access_token;
    commit.record.effect = audit::Effect::allow;
    commit.record.reason = marker;
    commit.record.time = Instant{Milliseconds{1'795'000'000'000}};
    return commit;
  }
  static Commit claiming(const std::string& jti, const std::string& marker) {
    Commit commit = issued(marker);
    commit.claim = audit::make_claim(Claim::Use::id_jag, "https://idp.example", jti, Instant{Milliseconds{1'795'000'330'000}});
    commit.if_replayed = commit.record;
    commit.if_replayed->effect = audit::Effect::deny;
    commit.if_replayed->reason = "replayed";
    return commit;
  }
  Committed commit(Commit commit) {
    auto committed = run(home_->log().commit(std::move(commit)));
    EXPECT_TRUE(committed);
    return committed ? *committed : Committed{};
  }
  std::size_t count(const std::string& text) {
    audit::Query query;
    query.text = text;
    query.limit = 1'000;
    auto rows = run(home_->reader().query(query));
    return rows ? rows->size() : 0;
  }
};

TEST_P(DecisionsLog, PositionsRiseAndRecordsReadBack) {
  const auto first = commit(issued("first"));
  const auto second = commit(issued("second"));
  EXPECT_EQ(second.position, first.position + 1);
  const auto row = run(home_->reader().at(second.position));
  ASSERT_TRUE(row && *row);
  EXPECT_NE((*row)->json_line.find("\"reason\":\"second\""), std::string::npos);
}

TEST_P(DecisionsLog, AClaimIsGivenOnceAndTheReplayIsRecordedInstead) {
  EXPECT_FALSE(commit(claiming("jti-1", "one")).replayed);
  EXPECT_TRUE(commit(claiming("jti-1", "two")).replayed);
  EXPECT_EQ(count("\"reason\":\"one\""), 1U);
  EXPECT_EQ(count("\"reason\":\"two\""), 0U);       // S1: exactly one record per decision
  EXPECT_EQ(count("\"reason\":\"replayed\""), 1U);
}

TEST_P(DecisionsLog, AClaimSurvivesARestart) {
  EXPECT_FALSE(commit(claiming("jti-1", "one")).replayed);
  if (!home_->reopen()) GTEST_SKIP() << "memory forgets by design";
  EXPECT_TRUE(commit(claiming("jti-1", "two")).replayed);
  EXPECT_EQ(count("\"reason\":\"one\""), 1U);
}

// S1, C6: many threads claim one key; one gets it, each leaves one record.
TEST_P(DecisionsLog, OfManyParallelClaimsExactlyOneIsFirst) {
  constexpr int kThreads = 8, kEach = 25;
  std::atomic<int> first{0}, replayed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        const auto committed = run(home_->log().commit(claiming("contended", "winner")));
        if (committed) (committed->replayed ? replayed : first)++;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(first, 1);
  EXPECT_EQ(replayed, kThreads * kEach - 1);
  EXPECT_EQ(count("\"reason\":\"winner\""), 1U);
  EXPECT_EQ(count("\"reason\":\"replayed\""), static_cast<std::size_t>(kThreads * kEach - 1));
}

TEST_P(DecisionsLog, ManyCommitsAtOnceAreAnsweredEachInItsPlace) {
  std::vector<Commit> commits;
  for (int i = 0; i < 600; ++i) commits.push_back(i % 3 == 0 ? claiming("jti-" + std::to_string(i / 6), "m" + std::to_string(i)) : issued("m" + std::to_string(i)));
  const auto answers = run(audit::commit_all(home_->log(), std::move(commits)));
  ASSERT_EQ(answers.size(), 600U);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    ASSERT_TRUE(answers[i]);
    EXPECT_EQ(answers[i]->replayed, i % 6 == 3) << "the second claim of each key, " << i;
    const auto row = run(home_->reader().at(answers[i]->position));
    ASSERT_TRUE(row && *row);
    const std::string reason = answers[i]->replayed ? "replayed" : "m" + std::to_string(i);
    EXPECT_NE((*row)->json_line.find("\"reason\":\"" + reason + "\""), std::string::npos) << (*row)->json_line;
  }
}

TEST_P(DecisionsLog, QueriesPageByPositionNewestFirst) {
  for (int i = 0; i < 5; ++i) commit(issued("r" + std::to_string(i)));
  audit::Query query;
  query.limit = 2;
  const auto newest = run(home_->reader().query(query));
  ASSERT_TRUE(newest && newest->size() == 2);
  query.before_position = newest->back().position;
  const auto next = run(home_->reader().query(query));
  ASSERT_TRUE(next && next->size() == 2);
  EXPECT_EQ((*next)[0].position, newest->back().position - 1);
}

TEST_P(DecisionsLog, TailReadsOldestFirstAfterAPosition) {
  const auto first = commit(issued("a"));
  commit(issued("b"));
  commit(issued("c"));
  audit::Query query;
  query.after_position = first.position;
  const auto rows = run(home_->reader().query(query));
  ASSERT_TRUE(rows && rows->size() == 2);
  EXPECT_EQ((*rows)[0].position, first.position + 1);
}

// S9: hostile text in every searched field finds nothing and breaks nothing.
TEST_P(DecisionsLog, HostileTextInAQueryIsOnlyText) {
  commit(issued("kept"));
  for (const char* hostile : {"' OR 1=1 --", "\"; DROP TABLE records; --", "%", "_", "\\", "\x01"}) {
    audit::Query query;
    query.user = query.agent = query.server = query.tool = query.effect = query.event = query.text = hostile;
    const auto rows = run(home_->reader().query(query));
    ASSERT_TRUE(rows);
    EXPECT_TRUE(rows->empty()) << hostile;
  }
  EXPECT_EQ(count("kept"), 1U);
}

INSTANTIATE_TEST_SUITE_P(EveryHome, DecisionsLog,
                         testing::Values(NamedHome{"memory", [] { return std::unique_ptr<Home>(std::make_unique<MemoryHome>()); }},
                                         NamedHome{"sqlite", [] { return std::unique_ptr<Home>(std::make_unique<SqliteHome>()); }},
                                         NamedHome{"postgresql", [] { return PostgresqlServer::shared() ? std::unique_ptr<Home>(std::make_unique<PostgresqlHome>()) : nullptr; }}),
                         [](const auto& row) { return row.param.name; });

// S2: what was acknowledged before kill -9 is there afterwards, and no claim is given twice.
TEST(SqliteDecisionsLogAfterKill, KeepsEveryAcknowledgedClaim) {
  SqliteHome home;
  home.store.reset();
  for (int round = 0; round < 5; ++round) {
    int acknowledged[2];
    ASSERT_EQ(pipe(acknowledged), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      FixedClock clock;
      auto log = sqlite::SqliteDecisionsLog::open(home.path, "n1", clock);
      for (int i = 0; log; ++i) {
        Commit commit;
        commit.record.event = audit::Event::access_token;
        const std::string jti = std::to_string(round) + "-" + std::to_string(i);
        commit.claim = audit::make_claim(Claim::Use::id_jag, "i", jti, Instant{Milliseconds{1'795'000'330'000}});
        commit.if_replayed = commit.record;
        const auto committed = run((*log)->commit(commit));
        if (!committed || committed->replayed || write(acknowledged[1], &i, sizeof i) != sizeof i) break;
      }
      _exit(1);
    }
    close(acknowledged[1]);
    int last = -1, number = 0;
    for (int i = 0; i < 20 + round * 7 && read(acknowledged[0], &number, sizeof number) == sizeof number; ++i) last = number;
    kill(child, SIGKILL);
    while (read(acknowledged[0], &number, sizeof number) == sizeof number) last = number;
    close(acknowledged[0]);
    waitpid(child, nullptr, 0);
    ASSERT_GE(last, 0);

    home.open();
    for (int i = 0; i <= last; ++i) {
      Commit commit;
      commit.claim = audit::make_claim(Claim::Use::id_jag, "i", std::to_string(round) + "-" + std::to_string(i), Instant{Milliseconds{1'795'000'330'000}});
      commit.if_replayed = commit.record;
      const auto committed = run(home.store->commit(commit));
      ASSERT_TRUE(committed);
      EXPECT_TRUE(committed->replayed) << "round " << round << ", claim " << i;
    }
    home.store.reset();
  }
}

// S3: a disk that is full refuses, grants nothing, and serves again when there is room.
TEST(SqliteDecisionsLogStore, RefusesWhileTheDiskIsFullAndRecovers) {
  SqliteHome home;
  const auto claim = [&](const std::string& jti) {
    Commit commit;
    commit.record.event = audit::Event::access_token;
    commit.record.detail = std::string(200, 'x');
    commit.claim = audit::make_claim(Claim::Use::id_jag, "i", jti, Instant{Milliseconds{1'795'000'330'000}});
    commit.if_replayed = commit.record;
    return run(home.store->commit(commit));
  };
  ASSERT_TRUE(claim("before"));
  std::signal(SIGXFSZ, SIG_IGN);   // then a write beyond the limit is an error, as on a full disk
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit full{1, limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  const auto refused = claim("while full");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  EXPECT_FALSE(refused);
  const auto again = claim("while full");
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->replayed) << "what was refused was not used up";
  const auto replayed = claim("before");
  ASSERT_TRUE(replayed);
  EXPECT_TRUE(replayed->replayed);
}

TEST(SqliteDecisionsLogStore, RefusesWhenTheFileIsGone) {
  FixedClock clock;
  const auto log = sqlite::SqliteDecisionsLog::open("/nonexistent-directory/decisions.db", "n1", clock);
  ASSERT_FALSE(log);
  EXPECT_NE(log.error().detail.find("/nonexistent-directory"), std::string::npos);
}

}  // namespace
}  // namespace writ
