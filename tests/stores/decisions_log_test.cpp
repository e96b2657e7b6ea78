// One suite for every home of the decisions log: what holds for memory holds for the log on disk, and across a restart where there is one.

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <set>
#include <thread>

#include "adapters/log/append_only_log.h"
#include "adapters/memory/decisions_log.h"
#include "adapters/postgresql/decisions_log.h"
#include "adapters/sqlite/earlier_decisions.h"
#include "audit/commit_all.h"
#include "crypto/random.h"
#include "node_home_fixture.h"
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

struct LogHome final : Home {
  FixedClock clock;
  std::string directory = std::filesystem::temp_directory_path() / ("writ-log-" + crypto::random_token());
  crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::Algorithm::es256);
  std::unique_ptr<log::AppendOnlyLog> store;
  LogHome() { open(); }
  ~LogHome() override {
    store.reset();
    std::filesystem::remove_all(directory);
  }
  log::Options options() const { return {.directory = directory, .node = "n1", .key = {"audit-1", crypto::Algorithm::es256, key}}; }
  void open() {
    auto opened = log::AppendOnlyLog::open(options(), clock);
    ASSERT_TRUE(opened) << opened.error();
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
    auto opened = postgresql::PostgresqlDecisionsLog::open(address, "n1", clock);
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

struct NodeHome final : Home {
  FixedClock clock;
  NodeHomeFixture node{PostgresqlServer::shared()->new_database(), "n1", clock};
  NodeHome() { node.open(); }
  audit::DecisionsLog& log() override { return *node.log; }
  audit::AuditReader& reader() override { return *node.log; }
  bool reopen() override {
    node.log.reset();
    node.open();
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
  const auto behind = run(home_->reader().at(first.position));
  ASSERT_TRUE(behind && *behind);
  audit::Query query;
  query.after_position = (*behind)->position;
  const auto rows = run(home_->reader().query(query));
  ASSERT_TRUE(rows && rows->size() == 2);
  EXPECT_EQ((*rows)[0].position, query.after_position + 1);
}

TEST_P(DecisionsLog, EveryFieldFindsItsRecordsAndNoOthers) {
  const auto made = [&](const char* marker, auto set) {
    Commit one = issued(marker);
    set(one.record);
    commit(std::move(one));
  };
  made("user", [](audit::Record& r) { r.user = "usr_1", r.user_name = "alice \"a\""; });
  made("agent", [](audit::Record& r) { r.agent = "cursor"; });
  made("server", [](audit::Record& r) { r.server = "github"; });
  made("tool", [](audit::Record& r) { r.tool = std::string(300, 't'); });   // cut in the record, found all the same
  made("deny", [](audit::Record& r) { r.effect = audit::Effect::deny; });
  made("none", [](audit::Record& r) { r.effect = audit::Effect::none; });
  made("event", [](audit::Record& r) { r.event = audit::Event::call; });
  made("id_jag", [](audit::Record& r) { r.id_jag_jti = "j1"; });
  made("access_token", [](audit::Record& r) { r.access_token_jti = "j1"; });
  made("earlier", [](audit::Record& r) { r.time -= Seconds{60}; });
  made("later", [](audit::Record& r) { r.time += Seconds{60}; });
  const auto reasons = [&](auto set) {
    audit::Query query;
    set(query);
    std::string found;
    const auto rows = run(home_->reader().query(query));
    EXPECT_TRUE(rows);
    for (const auto& row : *rows) {
      const auto at = row.json_line.find("\"reason\":\"") + 10;
      found += row.json_line.substr(at, row.json_line.find('"', at) - at) + " ";
    }
    return found;
  };
  const Instant now{Milliseconds{1'795'000'000'000}};
  EXPECT_EQ(reasons([](audit::Query& q) { q.user = "usr_1"; }), "user ");
  EXPECT_EQ(reasons([](audit::Query& q) { q.user = "alice \"a\""; }), "user ");
  EXPECT_EQ(reasons([](audit::Query& q) { q.user = "usr_"; }), "");
  EXPECT_EQ(reasons([](audit::Query& q) { q.agent = "cursor"; }), "agent ");
  EXPECT_EQ(reasons([](audit::Query& q) { q.server = "github"; }), "server ");
  EXPECT_EQ(reasons([](audit::Query& q) { q.effect = "deny"; }), "deny ");
  EXPECT_EQ(reasons([](audit::Query& q) { q.effect = "none"; }), "none ");
  EXPECT_EQ(reasons([](audit::Query& q) { q.event = "call"; }), "event ");
  EXPECT_EQ(reasons([](audit::Query& q) { q.event = "no such event"; }), "");
  EXPECT_EQ(reasons([](audit::Query& q) { q.id_jag_jti = "j1"; }), "id_jag ");
  EXPECT_EQ(reasons([](audit::Query& q) { q.access_token_jti = "j1"; }), "access_token ");
  EXPECT_EQ(reasons([](audit::Query& q) { q.text = "\"tool\":\"ttt"; }), "tool ");
  EXPECT_EQ(reasons([&](audit::Query& q) { q.since = now + Milliseconds{1}; }), "later ");
  EXPECT_EQ(reasons([&](audit::Query& q) { q.until = now; }), "earlier ");
  EXPECT_EQ(reasons([](audit::Query& q) { q.agent = "cursor", q.server = "github"; }), "");
}

TEST_P(DecisionsLog, APositionThatIsNotThereIsAbsent) {
  const auto only = commit(issued("only"));
  for (const std::uint64_t position : {std::uint64_t{0}, only.position + 1, std::uint64_t{1} << 50}) {
    const auto row = run(home_->reader().at(position));
    ASSERT_TRUE(row);
    EXPECT_FALSE(*row) << position;
  }
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
                                         NamedHome{"log", [] { return std::unique_ptr<Home>(std::make_unique<LogHome>()); }},
                                         NamedHome{"postgresql", [] { return PostgresqlServer::shared() ? std::unique_ptr<Home>(std::make_unique<PostgresqlHome>()) : nullptr; }},
                                         NamedHome{"node", [] { return PostgresqlServer::shared() ? std::unique_ptr<Home>(std::make_unique<NodeHome>()) : nullptr; }}),
                         [](const auto& row) { return row.param.name; });

// S2: what was acknowledged before kill -9 is there afterwards, and no claim is given twice.
TEST(DecisionsLogAfterKill, KeepsEveryAcknowledgedClaim) {
  LogHome home;
  home.store.reset();
  for (int round = 0; round < 5; ++round) {
    int acknowledged[2];
    ASSERT_EQ(pipe(acknowledged), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      FixedClock clock;
      auto log = log::AppendOnlyLog::open(home.options(), clock);
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

// S3, R5: on a real file system, a write that the system refuses ends the log until it is opened anew; nothing was granted.
TEST(DecisionsLogStore, RefusesAfterAWriteThatTheSystemRefused) {
  LogHome home;
  const auto claim = [&](const std::string& jti) {
    Commit commit;
    commit.record.event = audit::Event::access_token;
    commit.claim = audit::make_claim(Claim::Use::id_jag, "i", jti, Instant{Milliseconds{1'795'000'330'000}});
    commit.if_replayed = commit.record;
    return run(home.store->commit(commit));
  };
  ASSERT_TRUE(claim("before"));
  std::signal(SIGXFSZ, SIG_IGN);   // then a write beyond the limit is an error
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit full{1, limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  const auto refused = claim("while refused");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  EXPECT_FALSE(refused);
  EXPECT_FALSE(claim("after")) << "the file that failed is not written again";
  home.reopen();
  const auto again = claim("while refused");
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->replayed) << "what was refused was not used up";
  const auto replayed = claim("before");
  ASSERT_TRUE(replayed);
  EXPECT_TRUE(replayed->replayed);
}

TEST(DecisionsLogStore, RefusesASecondProcess) {
  LogHome home;
  FixedClock clock;
  const auto second = log::AppendOnlyLog::open(home.options(), clock);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find("another process uses this log"), std::string::npos) << second.error();
}

TEST(DecisionsLogStore, RefusesWhenTheFolderCannotBeMade) {
  LogHome home;
  log::Options options = home.options();
  options.directory = "/nonexistent-directory/audit";
  FixedClock clock;
  const auto log = log::AppendOnlyLog::open(options, clock);
  ASSERT_FALSE(log);
  EXPECT_NE(log.error().find("/nonexistent-directory"), std::string::npos);
}

// What versions before the append-only log had spent stays spent.
TEST(EarlierDecisions, AreReadFromTheirDatabase) {
  const std::string path = std::filesystem::temp_directory_path() / ("writ-earlier-" + crypto::random_token() + ".db");
  const auto claim = audit::make_claim(Claim::Use::id_jag, "i", "jti", Instant{Milliseconds{1'795'000'330'000}});
  {
    auto connection = sqlite::Connection::open(path);
    ASSERT_TRUE(connection);
    ASSERT_TRUE(connection->execute("CREATE TABLE records(position INTEGER PRIMARY KEY, line TEXT NOT NULL);"
                                    "CREATE TABLE claims(key BLOB PRIMARY KEY, forget_after INTEGER NOT NULL) WITHOUT ROWID;"
                                    "INSERT INTO records VALUES (41, '{}'), (42, '{}')"));
    auto insert = connection->prepare("INSERT INTO claims VALUES (?, ?)");
    ASSERT_TRUE(insert);
    insert->bind_blob(1, std::string_view(reinterpret_cast<const char*>(claim.key.data()), claim.key.size())).bind(2, claim.forget_after.time_since_epoch().count());
    ASSERT_TRUE(insert->run());
  }
  const auto earlier = sqlite::read_earlier_decisions(path);
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
  ASSERT_TRUE(earlier) << earlier.error().detail;
  EXPECT_EQ(earlier->newest_position, 42U);
  ASSERT_EQ(earlier->spent.size(), 1U);
  EXPECT_EQ(earlier->spent[0].key, claim.key);
  EXPECT_EQ(earlier->spent[0].forget_after, claim.forget_after);
}

}  // namespace
}  // namespace writ
