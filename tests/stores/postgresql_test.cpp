// What only a database server can do to its clients: go away in the middle, be shared, be newer than the program.

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "adapters/postgresql/decisions_log.h"
#include "adapters/postgresql/documents.h"
#include "adapters/postgresql/object_store.h"
#include "adapters/postgresql/schema.h"
#include "base/clock.h"
#include "base/task.h"
#include "postgresql_fixture.h"

namespace writ::postgresql {
namespace {

class FixedClock final : public Clock {
 public:
  Instant now() const override { return Instant{Milliseconds{1'795'000'000'000}}; }
};

class Postgresql : public testing::Test {
 protected:
  void SetUp() override {
    server_ = PostgresqlServer::shared();
    if (!server_) GTEST_SKIP() << "PostgreSQL is not installed here: script/bootstrap installs it";
    address_ = server_->new_database();
  }
  static audit::Commit claiming(const std::string& jti, const std::string& reason) {
    audit::Commit commit;
    commit.record.event = audit::Event::access_token;
    commit.record.effect = audit::Effect::allow;
    commit.record.reason = reason;
    commit.claim = audit::make_claim(audit::Claim::Use::id_jag, "https://idp.example", jti, Instant{Milliseconds{1'795'000'330'000}});
    commit.if_replayed = commit.record;
    commit.if_replayed->effect = audit::Effect::deny;
    commit.if_replayed->reason = "replayed";
    return commit;
  }
  std::unique_ptr<PostgresqlDecisionsLog> open(const std::string& node) {
    auto opened = PostgresqlDecisionsLog::open(address_, node, clock_);
    EXPECT_TRUE(opened) << opened.error().detail;
    return opened ? std::move(*opened) : nullptr;
  }
  // Ends every other connection to the database, as a failing network does.
  void cut_connections() {
    Session session(address_);
    const auto connection = session.connection();
    ASSERT_TRUE(connection);
    ASSERT_TRUE((*connection)->execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"));
  }

  PostgresqlServer* server_ = nullptr;
  Address address_;
  FixedClock clock_;
};

TEST_F(Postgresql, OneKeyTwiceInOneBatchIsGivenOnce) {
  const auto log = open("a");
  ASSERT_TRUE(log);
  std::atomic<int> first{0}, answered{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      const auto committed = run(log->commit(claiming("same", "given")));
      ASSERT_TRUE(committed);
      first += committed->replayed ? 0 : 1;
      ++answered;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(answered, 8);
  EXPECT_EQ(first, 1);
}

TEST_F(Postgresql, ConnectionsThatWereCutComeBackAndNothingIsLostOrGivenTwice) {
  const auto log = open("a");
  ASSERT_TRUE(log);
  ASSERT_TRUE(run(log->commit(claiming("before", "given"))));
  cut_connections();
  const auto after = run(log->commit(claiming("after", "given")));
  ASSERT_TRUE(after) << "what was not committed is done once more";
  EXPECT_FALSE(after->replayed);
  const auto again = run(log->commit(claiming("before", "given")));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->replayed);
  cut_connections();
  audit::Query query;
  query.text = "\"given\"";
  const auto records = run(log->query(query));
  ASSERT_TRUE(records);
  EXPECT_EQ(records->size(), 2U);
}

// R-: the network fails at any moment, over and over; the ledger of what was acknowledged decides.
TEST_F(Postgresql, WhatWasAcknowledgedWhileConnectionsWereCutIsThereOnce) {
  const auto log = open("a");
  ASSERT_TRUE(log);
  std::atomic<bool> stop{false};
  std::vector<std::string> acknowledged;
  std::thread load([&] {
    for (int i = 0; !stop && i < 5000; ++i) {
      const std::string jti = std::to_string(i);
      const auto committed = run(log->commit(claiming(jti, "given")));
      if (committed && !committed->replayed) acknowledged.push_back(jti);
    }
  });
  for (int cut = 0; cut < 10; ++cut) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    cut_connections();
  }
  stop = true;
  load.join();
  ASSERT_GT(acknowledged.size(), 10U);
  for (const std::string& jti : acknowledged) {
    const auto again = run(log->commit(claiming(jti, "second")));
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->replayed) << jti;
  }
  audit::Query query;
  query.text = "\"reason\":\"given\"";
  query.limit = 10'000;
  const auto records = run(log->query(query));
  ASSERT_TRUE(records);
  // Each acknowledged grant has its one record; one that was cut while committing may be there without having been acknowledged.
  EXPECT_GE(records->size(), acknowledged.size());
  EXPECT_LE(records->size(), acknowledged.size() + 10);
}

TEST_F(Postgresql, AServerThatIsGoneRefusesAndServesAgainWhenItIsBack) {
  const auto log = open("a");
  ASSERT_TRUE(log);
  ASSERT_TRUE(run(log->commit(claiming("one", "given"))));
  server_->stop(SIGQUIT);
  const auto refused = run(log->commit(claiming("two", "given")));
  EXPECT_FALSE(refused);
  EXPECT_FALSE(run(log->query({})));
  ASSERT_TRUE(server_->start());
  const auto two = run(log->commit(claiming("two", "given")));
  ASSERT_TRUE(two);
  EXPECT_FALSE(two->replayed) << "what was refused was not used up";
  const auto one = run(log->commit(claiming("one", "given")));
  ASSERT_TRUE(one);
  EXPECT_TRUE(one->replayed);
}

TEST_F(Postgresql, ASecondProcessIsRefusedWhereOneIsMeantToBeAlone) {
  auto first = open("a");
  ASSERT_TRUE(first);
  const auto second = PostgresqlDecisionsLog::open(address_, "b", clock_);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().detail.find("another Writ"), std::string::npos);
  cut_connections();
  EXPECT_TRUE(run(first->commit(claiming("x", "given")))) << "it takes the lock again with its new connection";
  first.reset();
  EXPECT_TRUE(open("b")) << "and gives it back";
}

TEST_F(Postgresql, TheOutcomeOfACommitWithoutAnswerIsFoundOut) {
  auto documents = PostgresqlDocuments::open(address_);
  ASSERT_TRUE(documents);
  Session session(address_);
  // The transaction ends its own connection as the last thing before COMMIT is sent: nothing of it may be there, and it is done once more.
  int times = 0;
  const auto done = session.transaction([&](Connection& connection) -> Result<void, Failure> {
    ++times;
    TRY(connection.execute("INSERT INTO documents VALUES ('t', 'k" + std::to_string(times) + "', 1, 0, '1')"));
    if (times == 1) cut_connections();
    return {};
  });
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_EQ(times, 2);
  const auto loaded = (*documents)->load("t");
  ASSERT_TRUE(loaded);
  ASSERT_EQ(loaded->size(), 1U);
  EXPECT_EQ(loaded->front().key, "k2");
}

TEST_F(Postgresql, WhatAServerCallsCommittedCountsOnlyWhenItIsFound) {
  auto documents = PostgresqlDocuments::open(address_);
  ASSERT_TRUE(documents);
  for (const bool is_there : {true, false}) {
    Session session(address_);
    int times = 0, asked = 0;
    const auto write = [&](Connection& connection) -> Result<void, Failure> {
      // Commits by itself and is cut off: the COMMIT that follows gets no answer, and the server says "committed" of the transaction.
      if (++times == 1) {
        TRY(connection.execute("COMMIT"));
        cut_connections();
      }
      return {};
    };
    const auto done = session.transaction(write, "", [&](Connection&) -> Result<bool, Failure> {
      ++asked;
      return is_there;
    });
    ASSERT_TRUE(done) << done.error().detail;
    EXPECT_EQ(asked, 1);
    EXPECT_EQ(times, is_there ? 1 : 2) << "its number can be that of another transaction, after a crash";
  }
}

TEST_F(Postgresql, ANewerSchemaIsRefused) {
  Session session(address_);
  ASSERT_TRUE(migrate(session));
  ASSERT_TRUE((*session.connection())->execute("UPDATE writ_schema SET version = 999"));
  const auto opened = PostgresqlObjectStore::open(address_);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().detail.find("newer Writ"), std::string::npos) << opened.error().detail;
}

TEST_F(Postgresql, ManyNodesMigrateAtOnce) {
  std::vector<std::thread> nodes;
  std::atomic<int> good{0};
  for (int i = 0; i < 6; ++i) {
    nodes.emplace_back([&] {
      Session session(address_);
      const auto migrated = migrate(session);
      EXPECT_TRUE(migrated) << migrated.error().detail;
      if (migrated) ++good;
    });
  }
  for (auto& node : nodes) node.join();
  EXPECT_EQ(good, 6);
}

TEST_F(Postgresql, OfTwoChangesPlannedOnTheSameStateOneIsAConflict) {
  auto a = PostgresqlObjectStore::open(address_), b = PostgresqlObjectStore::open(address_);
  ASSERT_TRUE(a && b);
  using Outcome = Result<std::uint64_t, registry::CommitFailure>;
  std::atomic<int> stored{0}, conflicts{0};
  std::vector<std::thread> nodes;
  for (auto* store : {a->get(), b->get()}) {
    nodes.emplace_back([&, store] {
      registry::ChangeSet change;
      change.id = store == a->get() ? "a" : "b";
      const Outcome outcome = run<Outcome>(store->commit(std::move(change)));
      if (outcome) ++stored;
      else if (std::holds_alternative<registry::Conflict>(outcome.error())) ++conflicts;
    });
  }
  for (auto& node : nodes) node.join();
  EXPECT_EQ(stored, 1);
  EXPECT_EQ(conflicts, 1);
}

TEST_F(Postgresql, APasswordInTheConnectionStringIsRefusedAndNotRepeated) {
  for (const char* where : {"host=/tmp dbname=writ password=hunter2", "postgresql://writ:hunter2@localhost/writ"}) {
    const auto log = PostgresqlDecisionsLog::open({where, ""}, "a", clock_);
    ASSERT_FALSE(log);
    EXPECT_NE(log.error().detail.find("password file"), std::string::npos) << log.error().detail;
    EXPECT_EQ(log.error().detail.find("hunter2"), std::string::npos);
  }
}

TEST_F(Postgresql, AnAddressThatLeadsNowhereIsSaid) {
  const auto log = PostgresqlDecisionsLog::open({"host=/nonexistent-directory dbname=writ", ""}, "a", clock_);
  ASSERT_FALSE(log);
  EXPECT_NE(log.error().detail.find("/nonexistent-directory"), std::string::npos) << log.error().detail;
}

}  // namespace
}  // namespace writ::postgresql
