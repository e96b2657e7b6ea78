// The logs of several nodes over one database: who has a claim, whose code a code is, and what becomes of it when connections, answers or spools are lost.

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "adapters/log/verify.h"
#include "adapters/postgresql/schema.h"
#include "audit/record_name.h"
#include "base/clock.h"
#include "base/task.h"
#include "encoding/json.h"
#include "node_home_fixture.h"
#include "postgresql_fixture.h"

namespace writ {
namespace {

using audit::Durability;

class FixedClock final : public Clock {
 public:
  Instant now() const override { return Instant{Milliseconds{1'795'000'000'000}}; }
};

class NodeLogs : public testing::Test {
 protected:
  void SetUp() override {
    server_ = PostgresqlServer::shared();
    if (!server_) GTEST_SKIP() << "PostgreSQL is not installed here: script/bootstrap installs it";
    address_ = server_->new_database();
    a_.emplace(address_, "a", clock_);
    b_.emplace(address_, "b", clock_);
    a_->open();
    b_->open();
  }
  static audit::Commit of(const std::string& reason, Durability durability) {
    audit::Commit commit;
    commit.record.event = audit::Event::call;
    commit.record.effect = audit::Effect::deny;
    commit.record.reason = reason;
    commit.durability = durability;
    return commit;
  }
  static audit::Commit claiming(const std::string& jti, const std::string& reason = "given") {
    audit::Commit commit = of(reason, Durability::power);
    commit.record.effect = audit::Effect::allow;
    commit.claim = audit::make_claim(audit::Claim::Use::id_jag, "https://idp.example", jti, Instant{Milliseconds{1'795'000'330'000}});
    commit.if_replayed = commit.record;
    commit.if_replayed->effect = audit::Effect::deny;
    commit.if_replayed->reason = "replayed";
    return commit;
  }
  void execute(const std::string& sql) {
    postgresql::Session session(address_);
    const auto connection = session.connection();
    ASSERT_TRUE(connection && (*connection)->execute(sql)) << sql;
  }
  // Ends every other connection to the database, as a failing network does.
  void cut_connections() { execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"); }
  static std::vector<audit::StoredRecord> all(nodes::NodeLog& log) {
    audit::Query query;
    query.limit = 100'000;
    const auto records = run(log.query(query));
    EXPECT_TRUE(records);
    return records ? *records : std::vector<audit::StoredRecord>{};
  }
  // Again and again while the database is being found again.
  static audit::Committed until_taken(nodes::NodeLog& log, const audit::Commit& commit) {
    for (int i = 0; i < 500; ++i) {
      if (const auto committed = run(log.commit(commit))) return *committed;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "refused for five seconds";
    return {};
  }

  PostgresqlServer* server_ = nullptr;
  postgresql::Address address_;
  FixedClock clock_;
  std::optional<NodeHomeFixture> a_, b_;
};

// Rules §7.1, C6: many threads on two nodes claim the same keys; each key is given once, and every decision leaves one record.
TEST_F(NodeLogs, TwoNodesGiveEachClaimOnceAndTheTrailHasNoGaps) {
  constexpr int kKeys = 40, kThreads = 4;
  std::array<std::atomic<int>, kKeys> first{};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int key = 0; key < kKeys; ++key) {
        const int mine = t % 2 ? key : kKeys - 1 - key;
        const auto committed = run((t < 2 ? a_ : b_)->log->commit(claiming(std::to_string(mine))));
        ASSERT_TRUE(committed);
        if (!committed->replayed) ++first[static_cast<std::size_t>(mine)];
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& count : first) EXPECT_EQ(count, 1);
  const auto records = all(*b_->log);
  ASSERT_EQ(records.size(), static_cast<std::size_t>(kKeys * kThreads));
  for (std::size_t i = 0; i < records.size(); ++i) EXPECT_EQ(records[i].position, records.size() - i);
}

// Rules §6.6: what an agent prints leads any node to the record.
TEST_F(NodeLogs, ACodeNamesItsNodeAndIsFoundFromEveryNode) {
  EXPECT_NE(a_->number, b_->number);
  std::map<std::string, std::string> codes;
  for (int i = 0; i < 3; ++i) {
    for (auto* node : {&*a_, &*b_}) {
      const std::string reason = node->directory() + std::to_string(i);
      const auto committed = run(node->log->commit(of(reason, i == 1 ? Durability::process : Durability::power)));
      ASSERT_TRUE(committed);
      EXPECT_EQ(audit::node_of(committed->position), node->number);
      EXPECT_EQ(audit::position_of(committed->position), static_cast<std::uint64_t>(i + 1)) << "of the node's own trail";
      codes.emplace(audit::denial_code(committed->position), reason);
    }
  }
  ASSERT_EQ(codes.size(), 6U) << "no two are the same";
  for (const auto& [code, reason] : codes) {
    const auto name = audit::parse_denial_code(code);
    ASSERT_TRUE(name);
    for (auto* node : {&*a_, &*b_}) {
      const auto found = run(node->log->at(audit::record_name(name->node, name->position)));
      ASSERT_TRUE(found && *found) << code;
      const auto line = json::parse((*found)->json_line);
      ASSERT_TRUE(line);
      EXPECT_EQ(*line->find_string("reason"), reason);
      EXPECT_EQ(*line->find_string("code"), code);
      EXPECT_EQ(*line->find_int("position"), static_cast<std::int64_t>((*found)->position)) << "in the trail of all nodes";
      EXPECT_EQ(*line->find_int("node_position"), static_cast<std::int64_t>(name->position));
      // What the trail says of itself, its place, leads to the same record.
      const auto again = run(node->log->at((*found)->position));
      ASSERT_TRUE(again && *again);
      EXPECT_EQ((*again)->json_line, (*found)->json_line);
    }
  }
}

// Rules §7.1: each node's records are a chain of their own, and the shared trail holds the same lines.
TEST_F(NodeLogs, EachNodesChainIsWholeAndWhatTheDatabaseHasIsWhatTheNodeWrote) {
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(run(a_->log->commit(of("a" + std::to_string(i), i % 5 ? Durability::process : Durability::power))));
    ASSERT_TRUE(run(b_->log->commit(claiming("b" + std::to_string(i)))));
  }
  const auto records = all(*a_->log);
  b_->log.reset();
  a_->log.reset();
  for (const auto* node : {&*a_, &*b_}) {
    const auto verified = log::verify_directory(*log::system_files(), node->directory(), std::nullopt);
    ASSERT_TRUE(verified);
    EXPECT_TRUE(verified->good());
    EXPECT_EQ(verified->records, 50U);
  }
  EXPECT_EQ(records.size(), 100U);
}

// R8: the network fails at any moment, over and over; the ledger of what was acknowledged decides.
TEST_F(NodeLogs, WhatWasAcknowledgedWhileConnectionsWereCutIsThereOnce) {
  std::atomic<bool> stop{false};
  std::vector<std::string> acknowledged;
  std::atomic<int> calls{0}, count{0};
  std::thread grants([&] {
    for (int i = 0; !stop && i < 5000; ++i) {
      const auto committed = run(a_->log->commit(claiming(std::to_string(i))));
      if (committed && !committed->replayed) acknowledged.push_back(std::to_string(i)), ++count;
    }
  });
  std::thread calling([&] {
    for (int i = 0; !stop && i < 20'000; ++i) {
      ASSERT_TRUE(run(a_->log->commit(of("called", Durability::process)))) << "a call needs its spool alone";
      ++calls;
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  });
  std::size_t cuts = 0;
  for (; cuts < 10 || (count <= 10 && cuts < 200); ++cuts) {   // on a busy machine there is less between two cuts
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    cut_connections();
  }
  stop = true;
  grants.join();
  calling.join();
  ASSERT_GT(acknowledged.size(), 10U);
  for (const std::string& jti : acknowledged) EXPECT_TRUE(until_taken(*b_->log, claiming(jti, "second")).replayed) << jti;
  until_taken(*a_->log, of("settled", Durability::power));
  std::size_t given = 0, called = 0;
  std::int64_t next = 0;
  auto records = all(*a_->log);
  for (auto record = records.rbegin(); record != records.rend(); ++record) {
    const auto line = json::parse(record->json_line);
    ASSERT_TRUE(line);
    given += *line->find_string("reason") == "given";
    called += *line->find_string("reason") == "called";
    if (*line->find_string("node") != "a") continue;
    EXPECT_EQ(*line->find_int("node_position"), ++next) << "in order, each once";
  }
  EXPECT_EQ(called, static_cast<std::size_t>(calls));
  EXPECT_GE(given, acknowledged.size());
  EXPECT_LE(given, acknowledged.size() + cuts) << "one whose delivery was cut may be there without having been acknowledged";
}

TEST_F(NodeLogs, ADatabaseThatIsGoneRefusesTokensAndNotCalls) {
  ASSERT_TRUE(run(a_->log->commit(claiming("one"))));
  server_->stop(SIGQUIT);
  EXPECT_FALSE(run(a_->log->commit(claiming("two"))));
  const auto call = run(a_->log->commit(of("while it was away", Durability::process)));
  EXPECT_TRUE(call);
  EXPECT_FALSE(run(a_->log->query({})));
  ASSERT_TRUE(server_->start());
  EXPECT_FALSE(until_taken(*a_->log, claiming("two")).replayed) << "what was refused was not used up";
  EXPECT_TRUE(until_taken(*b_->log, claiming("one")).replayed);
  const auto found = run(b_->log->at(call->position));
  ASSERT_TRUE(found && *found);
  EXPECT_NE((*found)->json_line.find("while it was away"), std::string::npos);
}

TEST_F(NodeLogs, ALostSpoolIsANamedGapAndItsCodesAreNotGivenAgain) {
  ASSERT_TRUE(run(a_->log->commit(of("before", Durability::power))));
  const std::uint32_t number = a_->number;
  a_->log.reset();
  a_->lose_spool();
  a_->open(1 + 1 + 1000);
  EXPECT_EQ(a_->number, number) << "the name keeps its number";
  const auto after = run(a_->log->commit(of("after", Durability::power)));
  ASSERT_TRUE(after);
  EXPECT_GT(audit::position_of(after->position), 1001U);
  std::size_t gaps = 0;
  for (const auto& record : all(*b_->log)) gaps += record.json_line.find(R"("reason":"records_missing")") != std::string::npos && record.json_line.find(R"("first_missing":"2","last_missing":"1001")") != std::string::npos;
  EXPECT_EQ(gaps, 1U);
}

// A backup of the database was put back, or a standby that lagged behind took over: what it lacks stands in the spool.
TEST_F(NodeLogs, ADatabaseThatWasSetBackGetsTheRecordsAgain) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(run(a_->log->commit(of("r" + std::to_string(i), Durability::power))));
  a_->log.reset();
  execute("DELETE FROM records WHERE node_position > 2; UPDATE node_logs SET position = 2 WHERE convert_from(name, 'UTF8') = 'a'; UPDATE log_head SET position = 2");
  a_->open();
  ASSERT_TRUE(run(a_->log->commit(of("r5", Durability::power))));
  EXPECT_EQ(all(*a_->log).size(), 6U);
}

}  // namespace
}  // namespace writ
