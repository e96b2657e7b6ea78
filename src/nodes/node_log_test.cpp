// One node's log over a spool and a shared log in memory, which can be cut off, or lose an answer.
#include "nodes/node_log.h"

#include <gtest/gtest.h>

#include <set>

#include "audit/record_name.h"

namespace writ::nodes {
namespace {

using audit::Commit;
using audit::Durability;
using audit::StoredRecord;

constexpr std::uint32_t kNumber = 7;

class FixedClock final : public Clock {
 public:
  Instant now() const override { return Instant{Milliseconds{1'795'000'000'000}}; }
};

class MemorySpool final : public Spool {
 public:
  std::mutex mutex;
  std::vector<StoredRecord> records;
  std::uint64_t first = 1, on_disk_to = 0, told_delivered = 0;
  bool syncs = true, is_full = false;
  std::function<void()> callback;

  Task<Result<audit::Committed, Unavailable>> commit(Commit commit) override {
    EXPECT_FALSE(commit.claim) << "claims are the shared log's";
    std::function<void()> tell;
    std::uint64_t position = 0;
    {
      const std::lock_guard lock(mutex);
      if (is_full) co_return unexpected(Unavailable{"full"});
      position = first + records.size();
      const std::uint64_t name = audit::record_name(kNumber, position);
      records.push_back({position, audit::to_json_line(commit.record, name, "n7")});
      if (syncs || commit.durability == Durability::power) on_disk_to = position, tell = callback;
    }
    if (tell) tell();
    co_return audit::Committed{false, audit::record_name(kNumber, position)};
  }
  Task<Result<std::optional<StoredRecord>, Unavailable>> at(std::uint64_t position) override {
    const std::lock_guard lock(mutex);
    std::optional<StoredRecord> found;
    if (position >= first && position < first + records.size()) found = records[position - first];
    co_return found;
  }
  std::uint64_t first_position() const override { return first; }
  std::uint64_t newest_on_disk() const override {
    const std::lock_guard lock(const_cast<std::mutex&>(mutex));
    return std::max(on_disk_to, first - 1);
  }
  void on_disk(std::function<void()> told) override { callback = std::move(told); }
  Result<std::vector<StoredRecord>, std::string> read_on(std::uint64_t after, std::size_t limit) override {
    const std::lock_guard lock(mutex);
    std::vector<StoredRecord> found;
    for (const StoredRecord& record : records) {
      if (record.position > after && found.size() < limit) found.push_back(record);
    }
    return found;
  }
  void delivered(std::uint64_t position) override { told_delivered = position; }
  void sync() {
    {
      const std::lock_guard lock(mutex);
      on_disk_to = first - 1 + records.size();
    }
    callback();
  }
};

// What survives the node.
struct Database {
  std::mutex mutex;
  std::vector<StoredRecord> records;
  std::set<std::string> claims;
  std::uint64_t delivered = 0;
  std::atomic<bool> is_cut{false};
  std::atomic<int> answers_lost{0};   // of the next deliveries: done, and not heard of

  std::vector<std::uint64_t> positions() {
    const std::lock_guard lock(mutex);
    std::vector<std::uint64_t> found;
    for (const auto& record : records) found.push_back(record.position);
    return found;
  }
  std::size_t count(const std::string& text) {
    const std::lock_guard lock(mutex);
    return static_cast<std::size_t>(std::count_if(records.begin(), records.end(), [&](const auto& record) { return record.json_line.find(text) != std::string::npos; }));
  }
};

class MemoryShared final : public SharedLog {
 public:
  explicit MemoryShared(Database& database) : database_(database) {}
  Result<std::uint64_t, std::string> delivered() override {
    if (database_.is_cut) return unexpected(std::string("cut off"));
    const std::lock_guard lock(database_.mutex);
    return database_.delivered;
  }
  Result<std::vector<bool>, std::string> deliver(const Delivery& delivery) override {
    if (database_.is_cut) return unexpected(std::string("cut off"));
    const std::lock_guard lock(database_.mutex);
    if (!delivery.records.empty() && delivery.after != database_.delivered) return unexpected(std::string("not on top of what is there"));
    std::vector<bool> is_first;
    for (const auto& claim : delivery.claims) is_first.push_back(database_.claims.emplace(reinterpret_cast<const char*>(claim.key.data()), claim.key.size()).second);
    for (const auto& record : delivery.records) database_.records.push_back(record), database_.delivered = record.position;
    if (database_.answers_lost > 0 && database_.answers_lost-- > 0) return unexpected(std::string("no answer"));
    return is_first;
  }

 private:
  Database& database_;
};

class MemoryReader final : public audit::AuditReader {
 public:
  explicit MemoryReader(Database& database) : database_(database) {}
  Task<Result<std::vector<StoredRecord>, Unavailable>> query(audit::Query) override {
    const std::lock_guard lock(database_.mutex);
    co_return database_.records;
  }
  Task<Result<std::optional<StoredRecord>, Unavailable>> at(std::uint64_t name) override {
    const std::lock_guard lock(database_.mutex);
    std::optional<StoredRecord> found;
    for (const auto& record : database_.records) {
      if (record.position == audit::position_of(name)) found = StoredRecord{record.position + 1000, record.json_line};
    }
    co_return found;
  }

 private:
  Database& database_;
};

class NodeLogTest : public testing::Test {
 protected:
  Database database_;
  FixedClock clock_;
  MemorySpool* spool_ = nullptr;
  std::vector<std::string> notices_;
  NodeLog::Limits limits_{.undelivered_max = 50, .claims_max = 100, .try_again_after = std::chrono::milliseconds(5), .stop_within = std::chrono::milliseconds(500)};

  Result<std::unique_ptr<NodeLog>, std::string> open(std::unique_ptr<MemorySpool> spool = std::make_unique<MemorySpool>()) {
    spool_ = spool.get();
    return NodeLog::open({kNumber, std::move(spool), std::make_unique<MemoryShared>(database_), std::make_unique<MemoryReader>(database_)}, limits_, clock_,
                         [this](bool, const std::string& sentence) { notices_.push_back(sentence); });
  }
  static Commit of(const std::string& reason, Durability durability) {
    Commit commit;
    commit.record.event = audit::Event::call;
    commit.record.effect = audit::Effect::deny;
    commit.record.reason = reason;
    commit.durability = durability;
    return commit;
  }
  static Commit claiming(const std::string& jti) {
    Commit commit = of("given", Durability::power);
    commit.claim = audit::make_claim(audit::Claim::Use::id_jag, "https://idp.example", jti, Instant{});
    commit.if_replayed = commit.record;
    commit.if_replayed->reason = "replayed";
    return commit;
  }
  // Until the database has all of the spool.
  bool arrives(NodeLog& log) {
    for (int i = 0; i < 2000 && log.undelivered() > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return log.undelivered() == 0;
  }
  // Until the node has noticed that the database is away.
  void cut(NodeLog& log) {
    database_.is_cut = true;
    EXPECT_FALSE(run(log.commit(of("noticing", Durability::power))));
  }
};

TEST_F(NodeLogTest, CallsAreAnsweredFromTheSpoolWhileTheDatabaseIsAway) {
  const auto log = open();
  ASSERT_TRUE(log);
  cut(**log);
  for (int i = 0; i < 10; ++i) {
    const auto committed = run((*log)->commit(of("away", Durability::process)));
    ASSERT_TRUE(committed);
    EXPECT_EQ(audit::node_of(committed->position), kNumber);
    EXPECT_EQ(audit::position_of(committed->position), static_cast<std::uint64_t>(i + 3));   // behind the one that noticed, and its mark
  }
  EXPECT_EQ(database_.count("away"), 0U);
  database_.is_cut = false;
  ASSERT_TRUE(arrives(**log));
  EXPECT_EQ(database_.count("\"reason\":\"away\""), 10U);
}

TEST_F(NodeLogTest, WhatMustSurviveIsAnsweredWhenTheDatabaseHasItAndNotOnHope) {
  const auto log = open();
  ASSERT_TRUE(log);
  const auto good = run((*log)->commit(of("good", Durability::power)));
  ASSERT_TRUE(good);
  EXPECT_EQ(database_.count("\"reason\":\"good\""), 1U) << "when it is answered, not some time after";
  cut(**log);
  const std::size_t written = spool_->records.size();
  EXPECT_FALSE(run((*log)->commit(of("bad", Durability::power))));
  EXPECT_FALSE(run((*log)->commit(claiming("x"))));
  EXPECT_EQ(spool_->records.size(), written) << "nobody was answered, nothing is recorded";
  database_.is_cut = false;
  ASSERT_TRUE(arrives(**log));
  EXPECT_TRUE(run((*log)->commit(of("again", Durability::power))));
}

// The database went away between the record and the answer: the trail must not show a token as given that nobody has.
TEST_F(NodeLogTest, ARecordWhoseAnswerFailedIsMarked) {
  const auto log = open();
  ASSERT_TRUE(log);
  ASSERT_TRUE(run((*log)->commit(of("first", Durability::power))));
  database_.answers_lost = 1;
  EXPECT_FALSE(run((*log)->commit(of("second", Durability::power))));
  ASSERT_TRUE(arrives(**log));
  EXPECT_EQ(database_.count("\"reason\":\"second\""), 1U);
  EXPECT_EQ(database_.count("\"event\":\"aborted\",\"reason\":\"not_answered\",\"of\":2"), 1U);
}

TEST_F(NodeLogTest, AClaimIsGivenOnceAndEarnsTheRecord) {
  const auto log = open();
  ASSERT_TRUE(log);
  const auto first = run((*log)->commit(claiming("jti")));
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->replayed);
  const auto second = run((*log)->commit(claiming("jti")));
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->replayed);
  EXPECT_EQ(database_.count("\"reason\":\"given\""), 1U);
  EXPECT_EQ(database_.count("\"reason\":\"replayed\""), 1U);
}

TEST_F(NodeLogTest, AClaimWhoseOutcomeIsNotKnownGivesNothing) {
  const auto log = open();
  ASSERT_TRUE(log);
  database_.answers_lost = 1;
  EXPECT_FALSE(run((*log)->commit(claiming("jti"))));
  EXPECT_TRUE(spool_->records.empty());
  ASSERT_TRUE(arrives(**log));
  for (int i = 0; i < 2000 && notices_.size() < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const auto again = run((*log)->commit(claiming("jti")));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->replayed) << "it may have been given: it stays spent";
}

TEST_F(NodeLogTest, EveryRecordArrivesInOrderAndOnceWhateverBecameOfAnswers) {
  const auto log = open();
  ASSERT_TRUE(log);
  for (int i = 0; i < 40; ++i) {
    if (i % 10 == 5) database_.answers_lost = 1;
    EXPECT_TRUE(run((*log)->commit(of("each", Durability::process))));
    if (i % 10 == 9) {
      ASSERT_TRUE(arrives(**log));
    }
  }
  ASSERT_TRUE(arrives(**log));
  const auto positions = database_.positions();
  ASSERT_EQ(positions.size(), 40U);
  for (std::size_t i = 0; i < positions.size(); ++i) EXPECT_EQ(positions[i], i + 1);
  EXPECT_EQ(spool_->told_delivered, 40U);
}

TEST_F(NodeLogTest, OnlyWhatAPowerLossCannotTakeBackIsDelivered) {
  auto spool = std::make_unique<MemorySpool>();
  spool->syncs = false;
  const auto log = open(std::move(spool));
  ASSERT_TRUE(log);
  ASSERT_TRUE(run((*log)->commit(of("written", Durability::process))));
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_TRUE(database_.positions().empty());
  spool_->sync();
  ASSERT_TRUE(arrives(**log));
  EXPECT_EQ(database_.positions().size(), 1U);
}

TEST_F(NodeLogTest, TooMuchThatWaitsIsRefusedAndASpoolThatIsFullToo) {
  const auto log = open();
  ASSERT_TRUE(log);
  cut(**log);   // two records
  for (std::uint64_t i = 2; i < limits_.undelivered_max; ++i) ASSERT_TRUE(run((*log)->commit(of("waits", Durability::process))));
  EXPECT_FALSE(run((*log)->commit(of("one too many", Durability::process))));
  database_.is_cut = false;
  ASSERT_TRUE(arrives(**log));
  EXPECT_TRUE(run((*log)->commit(of("waits", Durability::process))));
  spool_->is_full = true;
  EXPECT_FALSE(run((*log)->commit(of("full", Durability::process))));
}

TEST_F(NodeLogTest, WhatWasLeftBehindArrivesAfterTheNextStart) {
  auto kept = std::make_unique<MemorySpool>();
  {
    const auto log = open();
    ASSERT_TRUE(log);
    cut(**log);
    ASSERT_TRUE(run((*log)->commit(of("left", Durability::process))));
    kept->records = spool_->records;
    kept->on_disk_to = spool_->on_disk_to;
  }
  EXPECT_EQ(database_.count("left"), 0U);
  database_.is_cut = false;
  const auto log = open(std::move(kept));
  ASSERT_TRUE(log);
  ASSERT_TRUE(arrives(**log));
  EXPECT_EQ(database_.count("\"reason\":\"left\""), 1U);
}

TEST_F(NodeLogTest, StoppingDeliversWhatIsLeft) {
  {
    const auto log = open();
    ASSERT_TRUE(log);
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(run((*log)->commit(of("last", Durability::process))));
  }
  EXPECT_EQ(database_.count("last"), 20U);
}

TEST_F(NodeLogTest, ALostSpoolIsANamedGap) {
  database_.delivered = 12;
  auto spool = std::make_unique<MemorySpool>();
  spool->first = 1013;
  const auto log = open(std::move(spool));
  ASSERT_TRUE(log);
  ASSERT_TRUE(arrives(**log));
  EXPECT_EQ(database_.count("\"reason\":\"records_missing\""), 1U);
  EXPECT_EQ(database_.count("\"first_missing\":\"13\",\"last_missing\":\"1012\""), 1U);
  ASSERT_FALSE(notices_.empty());
  EXPECT_NE(notices_.front().find("13 to 1012"), std::string::npos) << notices_.front();
}

TEST_F(NodeLogTest, ASpoolThatIsOlderThanTheDatabaseIsRefused) {
  database_.delivered = 2;
  auto spool = std::make_unique<MemorySpool>();
  spool->records = {{1, "{}"}};
  spool->on_disk_to = 1;
  const auto log = open(std::move(spool));
  ASSERT_FALSE(log);
  EXPECT_NE(log.error().find("older copy"), std::string::npos) << log.error();
}

TEST_F(NodeLogTest, ARecordIsFoundWhereverItIs) {
  const auto log = open();
  ASSERT_TRUE(log);
  const auto arrived = run((*log)->commit(of("arrived", Durability::power)));
  ASSERT_TRUE(arrived);
  cut(**log);
  const auto waits = run((*log)->commit(of("waits", Durability::process)));
  ASSERT_TRUE(waits);
  const auto one = run((*log)->at(arrived->position));
  ASSERT_TRUE(one && *one);
  EXPECT_EQ((*one)->position, 1001U) << "where the shared log has it";
  const auto other = run((*log)->at(waits->position));
  ASSERT_TRUE(other && *other);
  EXPECT_NE((*other)->json_line.find("\"reason\":\"waits\""), std::string::npos);
  EXPECT_NE((*other)->json_line.find("\"code\":\"" + audit::denial_code(waits->position) + "\""), std::string::npos);
}

}  // namespace
}  // namespace writ::nodes
