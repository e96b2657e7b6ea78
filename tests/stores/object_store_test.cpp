// One suite for every home of objects.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "adapters/memory/object_store.h"
#include "adapters/postgresql/object_store.h"
#include "adapters/sqlite/object_store.h"
#include "postgresql_fixture.h"

namespace writ::registry {
namespace {

using testing::ElementsAre;

class Home {
 public:
  virtual ~Home() = default;
  virtual ObjectStore& store() = 0;
  virtual void reopen() = 0;
};
class MemoryHome final : public Home {
 public:
  ObjectStore& store() override { return store_; }
  void reopen() override {}

 private:
  memory::MemoryObjectStore store_;
};
class SqliteHome final : public Home {
 public:
  SqliteHome() {
    folder_ = std::filesystem::temp_directory_path() / ("writ-objects-" + std::to_string(::getpid()) + "-" + std::to_string(count_++));
    std::filesystem::create_directories(folder_);
    reopen();
  }
  ~SqliteHome() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  ObjectStore& store() override { return *store_; }
  void reopen() override {
    store_.reset();
    auto opened = sqlite::SqliteObjectStore::open(folder_ / "objects.sqlite");
    ASSERT_TRUE(opened) << opened.error().detail;
    store_ = std::move(opened).value();
  }

 private:
  static inline int count_ = 0;
  std::filesystem::path folder_;
  std::unique_ptr<sqlite::SqliteObjectStore> store_;
};

class PostgresqlHome final : public Home {
 public:
  PostgresqlHome() { reopen(); }
  ObjectStore& store() override { return *store_; }
  void reopen() override {
    store_.reset();
    auto opened = postgresql::PostgresqlObjectStore::open(address_);
    ASSERT_TRUE(opened) << opened.error().detail;
    store_ = std::move(opened).value();
  }

 private:
  postgresql::Address address_ = PostgresqlServer::shared()->new_database();
  std::unique_ptr<postgresql::PostgresqlObjectStore> store_;
};

class ObjectStores : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string_view home = GetParam();
    if (home == "postgresql" && !PostgresqlServer::shared()) GTEST_SKIP() << "PostgreSQL is not installed here: script/bootstrap installs it";
    if (home == "memory") home_ = std::make_unique<MemoryHome>();
    else if (home == "sqlite") home_ = std::make_unique<SqliteHome>();
    else home_ = std::make_unique<PostgresqlHome>();
  }
  ObjectStore& store() { return home_->store(); }
  Result<std::uint64_t, CommitFailure> commit(std::string id, std::uint64_t base, std::vector<Write> writes) {
    ChangeSet change{std::move(id), base, Instant{Milliseconds{1'234'567}}, "ci", "because", std::move(writes), std::nullopt, ""};
    return run<Result<std::uint64_t, CommitFailure>>(store().commit(std::move(change)));
  }
  static json::Value group(const std::string& id) { return json::Value{{"id", id}}; }
  std::unique_ptr<Home> home_;
};
INSTANTIATE_TEST_SUITE_P(Every, ObjectStores, testing::Values("memory", "sqlite", "postgresql"), [](const auto& row) { return std::string(row.param); });

TEST_P(ObjectStores, StartEmpty) {
  const auto catalogue = store().load();
  ASSERT_TRUE(catalogue);
  EXPECT_EQ(catalogue->sequence, 0u);
  for (const ObjectKind kind : kObjectKinds) EXPECT_EQ(catalogue->count(kind), 0u);
  EXPECT_FALSE(catalogue->policy);
}

TEST_P(ObjectStores, KeepWhatTheyAcknowledged) {
  EXPECT_EQ(commit("c1", 0, {{ObjectKind::group, "eng", group("eng")}, {ObjectKind::user, "usr_a", json::Value{{"id", "usr_a"}, {"name", "a"}}}}).value(), 1u);
  EXPECT_EQ(commit("c2", 1, {{ObjectKind::group, "eng", json::Value{{"id", "eng"}, {"display_name", "Eng"}}}}).value(), 2u);
  home_->reopen();
  const auto catalogue = store().load();
  ASSERT_TRUE(catalogue);
  EXPECT_EQ(catalogue->sequence, 2u);
  EXPECT_EQ(catalogue->version(ObjectKind::group, "eng"), 2u);
  EXPECT_EQ(json::write(catalogue->find(ObjectKind::group, "eng")->document), R"({"id":"eng","display_name":"Eng"})");
  EXPECT_EQ(catalogue->version(ObjectKind::user, "usr_a"), 1u);
  EXPECT_TRUE(*store().has_change("c1"));
  EXPECT_TRUE(*store().has_change("c2"));
  EXPECT_FALSE(*store().has_change("c3"));
}

TEST_P(ObjectStores, RefuseAChangeThatWasPlannedAgainstSomethingElse) {
  ASSERT_TRUE(commit("c1", 0, {{ObjectKind::group, "eng", group("eng")}}));
  for (const std::uint64_t base : {0u, 2u}) {
    const auto late = commit("c2", base, {{ObjectKind::group, "eng", std::nullopt}});
    ASSERT_FALSE(late) << base;
    EXPECT_TRUE(std::holds_alternative<Conflict>(late.error()));
  }
  EXPECT_EQ(store().load()->count(ObjectKind::group), 1u);
  EXPECT_FALSE(*store().has_change("c2")) << "nothing of it was applied";
}

TEST_P(ObjectStores, KeepEveryVersion) {
  ASSERT_TRUE(commit("c1", 0, {{ObjectKind::group, "eng", group("eng")}}));
  ASSERT_TRUE(commit("c2", 1, {{ObjectKind::group, "eng", std::nullopt}}));
  ASSERT_TRUE(commit("c3", 2, {{ObjectKind::group, "eng", group("eng")}, {ObjectKind::agent, "eng", json::Value{{"id", "eng"}}}}));
  home_->reopen();
  const auto versions = run<Result<std::vector<ObjectVersion>, Unavailable>>(store().history(ObjectKind::group, "eng"));
  ASSERT_TRUE(versions);
  std::vector<std::string> told;
  for (const auto& version : *versions) told.push_back(version.change_id + (version.document ? " " + json::write(*version.document) : " removed"));
  EXPECT_THAT(told, ElementsAre(R"(c3 {"id":"eng"})", "c2 removed", R"(c1 {"id":"eng"})"));
  EXPECT_EQ(versions->front().author, "ci");
  EXPECT_EQ(versions->front().reason, "because");
  EXPECT_EQ(versions->front().time, Instant{Milliseconds{1'234'567}});
}

TEST_P(ObjectStores, RememberIdsOfRemovedUsers) {
  ASSERT_TRUE(commit("c1", 0, {{ObjectKind::user, "usr_a", json::Value{{"id", "usr_a"}, {"name", "a"}}}, {ObjectKind::group, "g", group("g")}}));
  ASSERT_TRUE(commit("c2", 1, {{ObjectKind::user, "usr_a", std::nullopt}, {ObjectKind::group, "g", std::nullopt}}));
  home_->reopen();
  EXPECT_THAT(store().load()->retired_user_ids, ElementsAre("usr_a"));
}

TEST_P(ObjectStores, KeepVersionsOfThePolicyWithAuthorAndReason) {
  for (int i = 1; i <= 3; ++i) {
    ChangeSet change{"c" + std::to_string(i), static_cast<std::uint64_t>(i - 1), Instant{Milliseconds{i}}, "author" + std::to_string(i), "reason", {}, BundleFiles{{"grants.yaml", "text" + std::to_string(i)}}, "hash" + std::to_string(i)};
    const auto done = run<Result<std::uint64_t, CommitFailure>>(store().commit(std::move(change)));
    ASSERT_TRUE(done);
  }
  home_->reopen();
  const auto active = store().load()->policy;
  ASSERT_TRUE(active);
  EXPECT_EQ(active->number, 3u);
  EXPECT_EQ(active->files.at("grants.yaml"), "text3");
  EXPECT_EQ(active->hash, "hash3");
  const auto versions = run<Result<std::vector<PolicyVersion>, Unavailable>>(store().policy_history(2, 0));
  ASSERT_TRUE(versions);
  ASSERT_EQ(versions->size(), 2u);
  EXPECT_EQ((*versions)[1].number, 2u);
  EXPECT_EQ((*versions)[1].author, "author2");
  const auto older = run<Result<std::vector<PolicyVersion>, Unavailable>>(store().policy_history(2, 2));
  ASSERT_TRUE(older);
  ASSERT_EQ(older->size(), 1u) << "those before version 2";
  EXPECT_EQ((*older)[0].files.at("grants.yaml"), "text1");
}

// Explaining and replaying look at objects as they were.
TEST_P(ObjectStores, ShowWhatStoodAtAnyTime) {
  ASSERT_TRUE(commit("c1", 0, {{ObjectKind::group, "eng", group("eng")}, {ObjectKind::user, "usr_a", json::Value{{"id", "usr_a"}, {"name", "a"}}}}));
  ChangeSet second{"c2", 1, Instant{}, "ci", "", {{ObjectKind::group, "eng", json::Value{{"id", "eng"}, {"display_name", "Eng"}}}}, BundleFiles{{"grants.yaml", "one"}}, "hash1"};
  ASSERT_TRUE((run<Result<std::uint64_t, CommitFailure>>(store().commit(std::move(second)))));
  ChangeSet third{"c3", 2, Instant{}, "ci", "", {{ObjectKind::user, "usr_a", std::nullopt}, {ObjectKind::group, "ops", group("ops")}}, BundleFiles{{"grants.yaml", "two"}}, "hash2"};
  ASSERT_TRUE((run<Result<std::uint64_t, CommitFailure>>(store().commit(std::move(third)))));
  ASSERT_TRUE(commit("c4", 3, {{ObjectKind::group, "eng", std::nullopt}}));
  home_->reopen();
  const auto then = [&](std::uint64_t sequence) {
    const auto catalogue = run<Result<Catalogue, Unavailable>>(store().catalogue_at(sequence));
    EXPECT_TRUE(catalogue);
    std::string told = std::to_string(catalogue->sequence) + ":";
    for (const ObjectKind kind : {ObjectKind::user, ObjectKind::group}) {
      catalogue->for_each(kind, [&](const std::string& key, const StoredObject& object) { told += " " + key + "@" + std::to_string(object.version); });
    }
    for (const std::string& id : catalogue->retired_user_ids) told += " -" + id;
    return told + (catalogue->policy ? " " + catalogue->policy->hash : "");
  };
  EXPECT_EQ(then(0), "0:");
  EXPECT_EQ(then(1), "1: usr_a@1 eng@1");
  EXPECT_EQ(then(2), "2: usr_a@1 eng@2 hash1");
  EXPECT_EQ(then(3), "3: eng@2 ops@3 -usr_a hash2");
  EXPECT_EQ(then(4), "4: ops@3 -usr_a hash2");
  EXPECT_EQ(then(5), "4: ops@3 -usr_a hash2") << "later than everything";
  EXPECT_EQ(then(UINT64_MAX), "4: ops@3 -usr_a hash2");
  const auto documents = run<Result<Catalogue, Unavailable>>(store().catalogue_at(2));
  EXPECT_EQ(json::write(documents->find(ObjectKind::group, "eng")->document), R"({"id":"eng","display_name":"Eng"})");
}

TEST_P(ObjectStores, FindAPolicyByItsContent) {
  std::uint64_t sequence = 0;
  for (const char* hash : {"hash1", "hash2", "hash1"}) {
    ChangeSet change{"c" + std::to_string(sequence), sequence, Instant{}, "ci", "", {}, BundleFiles{{"grants.yaml", hash}}, hash};
    ASSERT_TRUE((run<Result<std::uint64_t, CommitFailure>>(store().commit(std::move(change)))));
    ++sequence;
  }
  const auto found = run<Result<std::optional<PolicyVersion>, Unavailable>>(store().policy_of("hash1"));
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->number, 3u) << "the newest";
  EXPECT_EQ((*found)->files.at("grants.yaml"), "hash1");
  const auto none = run<Result<std::optional<PolicyVersion>, Unavailable>>(store().policy_of("hash"));
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
}

TEST_P(ObjectStores, TakeHostileTextAsText) {   // S9
  const std::vector<std::string> hostile = {"'; DROP TABLE objects; --", "\"", "a\\b", "%_?1:x@y", "ünïcödé \xF0\x9F\x98\x80", std::string("nul\0inside", 10), ""};
  std::uint64_t sequence = 0;
  for (const std::string& text : hostile) {
    ChangeSet change{"id" + text, sequence, Instant{}, text, text, {{ObjectKind::limit, "k" + text, json::Value{{"id", text}}}}, BundleFiles{{text, text}}, text};
    const auto done = run<Result<std::uint64_t, CommitFailure>>(store().commit(std::move(change)));
    ASSERT_TRUE(done) << text;
    sequence = *done;
    home_->reopen();
    const auto catalogue = store().load();
    ASSERT_TRUE(catalogue) << text;
    EXPECT_EQ(*catalogue->find(ObjectKind::limit, "k" + text)->document.find_string("id"), text);
    EXPECT_EQ(catalogue->policy->reason, text);
    EXPECT_EQ(catalogue->policy->files.at(text), text);
    EXPECT_EQ(catalogue->count(ObjectKind::limit), static_cast<std::size_t>(sequence)) << "all the others are still there";
    EXPECT_TRUE(*store().has_change("id" + text));
  }
}

TEST_P(ObjectStores, RefuseAChangeIdTwice) {
  ASSERT_TRUE(commit("c1", 0, {}));
  if (std::string_view(GetParam()) == "memory") return;   // the database has a constraint; memory trusts its caller
  const auto again = commit("c1", 1, {});
  ASSERT_FALSE(again);
  EXPECT_TRUE(std::holds_alternative<Unavailable>(again.error()));
  EXPECT_EQ(store().load()->sequence, 1u) << "rolled back whole";
}

}  // namespace
}  // namespace writ::registry
