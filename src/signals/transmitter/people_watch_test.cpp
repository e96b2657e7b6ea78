#include "signals/transmitter/people_watch.h"

#include <gtest/gtest.h>

#include "adapters/memory/object_store.h"
#include "signals/signals_fixture.h"

namespace writ::signals {
namespace {

using namespace test;

std::string words(const std::vector<Event>& events) {
  std::string all;
  for (const Event& event : events) all += (all.empty() ? "" : " ") + event.type.substr(event.type.rfind('/') + 1);
  return all;
}

registry::User alice() {
  registry::User user = person("usr_alice");
  user.password_hash = "$argon2id$old";
  return user;
}

TEST(WhatAChangeTakesAway, IsTold) {
  const Instant now = from_unix_seconds(kNow);
  const struct {
    const char* what;
    void (*change)(registry::User&);
    const char* expected;
  } rows[] = {
      {"nothing", [](registry::User&) {}, ""},
      {"a name to show", [](registry::User& user) { user.display_name = "Alice"; }, ""},
      {"disabled", [](registry::User& user) { user.active = false; }, "session-revoked account-disabled"},
      {"disabled with another password", [](registry::User& user) { user.active = false, user.password_hash = "$argon2id$new"; }, "session-revoked account-disabled"},
      {"another password", [](registry::User& user) { user.password_hash = "$argon2id$new"; }, "credential-change"},
      {"no password any more", [](registry::User& user) { user.password_hash.clear(); }, "credential-change"},
      {"sessions of before", [](registry::User& user) { user.not_before = from_unix_seconds(kNow - 5); }, "session-revoked"},
  };
  for (const auto& row : rows) {
    const registry::User before = alice();
    registry::User after = before;
    row.change(after);
    EXPECT_EQ(words(events_of(&before, &after, now)), row.expected) << row.what;
  }
  const registry::User user = alice();
  EXPECT_EQ(words(events_of(&user, nullptr, now)), "session-revoked account-purged");
  EXPECT_EQ(words(events_of(nullptr, &user, now)), "");
  registry::User disabled = user;
  disabled.active = false;
  EXPECT_EQ(words(events_of(&disabled, &user, now)), "account-enabled");
  EXPECT_EQ(words(events_of(&disabled, &disabled, now)), "");
  registry::User earlier = user, later = user;
  earlier.not_before = from_unix_seconds(kNow - 9), later.not_before = from_unix_seconds(kNow - 5);
  EXPECT_EQ(words(events_of(&later, &earlier, now)), "") << "an earlier moment takes nothing more away";
  const auto events = events_of(&earlier, &later, now);
  ASSERT_EQ(words(events), "session-revoked");
  EXPECT_EQ(**timestamp_of(events[0]), kNow - 5);
  EXPECT_EQ(*events[0].members.find("reason_admin")->find_string("en"), "all sessions were revoked") << "EN-25: never empty";
}

struct Told final : PeopleEvents {
  std::vector<std::string> told;
  bool failing = false;
  Task<Result<void, Unavailable>> tell(registry::User user, std::vector<Event> events) override {
    if (failing) co_return unexpected(Unavailable{"outbox"});
    told.push_back(user.id + ": " + words(events));
    co_return Result<void, Unavailable>{};
  }
};

struct Watching : testing::Test {
  StandingClock clock;
  memory::MemoryDocuments documents;
  memory::MemoryObjectStore store;
  Told told;
  std::unique_ptr<PeopleWatch> watch;
  std::uint64_t sequence = 0;
  QueueExecutor executor;

  void start() {
    PeopleWatch::Parts parts{documents, store, told, clock};
    parts.is_renamed = [](const auto& before, const auto& after) { return before.email != after.email; };
    watch = std::move(*PeopleWatch::open(std::move(parts)));
  }
  std::shared_ptr<const registry::Snapshot> snapshot(std::vector<registry::User> users) {
    registry::Objects all;
    for (auto& user : users) all.users.push_back(std::move(user));
    return std::make_shared<registry::Snapshot>(std::move(all), sequence);
  }
  // Stores people as they are now.
  std::shared_ptr<const registry::Snapshot> commit(std::vector<registry::User> users) {
    registry::ChangeSet change;
    change.id = "chg_" + std::to_string(sequence), change.base_sequence = sequence, change.time = clock.time;
    for (const auto& user : users) change.writes.push_back({registry::ObjectKind::user, user.id, registry::write(user)});
    sequence = *run(executor, store.commit(std::move(change)));
    return snapshot(std::move(users));
  }
  void catch_up(std::shared_ptr<const registry::Snapshot> present) { run(executor, watch->catch_up(std::move(present))); }
};

registry::User disabled(registry::User user) {
  user.active = false;
  return user;
}

TEST_F(Watching, TellsAChangeOnce) {
  auto before = commit({person("usr_alice"), person("usr_bob")});
  start();
  catch_up(before);
  EXPECT_FALSE(watch->is_behind());
  auto after = commit({disabled(person("usr_alice")), person("usr_bob")});
  run(executor, watch->changed(before, after, {"usr_alice"}));
  EXPECT_EQ(told.told, std::vector<std::string>{"usr_alice: session-revoked account-disabled"});
  start();
  catch_up(after);
  EXPECT_EQ(told.told.size(), 1u) << "nor again after a restart";
}

// Of several nodes each tells of its own changes; what another has told is not told again, and its word is no reason to fall behind.
TEST_F(Watching, GoesOnFromWhatAnotherNodeHasTold) {
  auto before = commit({person("usr_alice"), person("usr_bob")});
  start();
  catch_up(before);
  auto there = commit({disabled(person("usr_alice")), person("usr_bob")});
  constexpr std::int64_t kTheirs = std::int64_t{5} << 20;
  ASSERT_TRUE(watch->take_over({"signal_cursor", "people", kTheirs, {}, "{\"sequence\":" + std::to_string(sequence) + "}"}));
  EXPECT_FALSE(watch->take_over({"signal_cursor", "people", kTheirs + 1, {}, "{}"})) << "what cannot be read";
  auto after = commit({disabled(person("usr_alice")), disabled(person("usr_bob"))});
  run(executor, watch->changed(there, after, {"usr_bob"}));
  EXPECT_FALSE(watch->is_behind());
  EXPECT_EQ(told.told, std::vector<std::string>{"usr_bob: session-revoked account-disabled"});
  const auto stored = documents.load("signal_cursor");
  ASSERT_TRUE(stored && stored->size() == 1);
  EXPECT_GT(stored->front().version, kTheirs) << "on top of the other's word";
}

TEST_F(Watching, FindsAfterACrashWhatWasStoredAndNotTold) {
  auto before = commit({person("usr_alice"), person("usr_bob")});
  start();
  catch_up(before);
  auto after = commit({disabled(person("usr_alice")), person("usr_bob")});   // and the process dies
  start();
  EXPECT_TRUE(watch->is_behind());
  catch_up(after);
  EXPECT_EQ(told.told, std::vector<std::string>{"usr_alice: session-revoked account-disabled"});
  EXPECT_FALSE(watch->is_behind());
}

TEST_F(Watching, TellsLaterWhatCouldNotBeKept) {
  auto before = commit({person("usr_alice"), person("usr_bob")});
  start();
  catch_up(before);
  told.failing = true;
  auto then = commit({disabled(person("usr_alice")), person("usr_bob")});
  run(executor, watch->changed(before, then, {"usr_alice"}));
  EXPECT_TRUE(watch->is_behind());
  catch_up(then);
  EXPECT_TRUE(watch->is_behind());
  told.failing = false;
  auto after = commit({disabled(person("usr_alice")), disabled(person("usr_bob"))});
  run(executor, watch->changed(then, after, {"usr_bob"}));
  EXPECT_TRUE(watch->is_behind()) << "the first one is not passed over";
  catch_up(after);
  EXPECT_FALSE(watch->is_behind());
  EXPECT_EQ(std::count(told.told.begin(), told.told.end(), "usr_alice: session-revoked account-disabled"), 1);
  EXPECT_GE(std::count(told.told.begin(), told.told.end(), "usr_bob: session-revoked account-disabled"), 1) << "at least once";
}

TEST_F(Watching, WhatWasBeforeItsFirstStartIsNotTold) {
  auto before = commit({person("usr_alice")});
  auto present = commit({disabled(person("usr_alice"))});
  start();
  catch_up(present);
  EXPECT_TRUE(told.told.empty());
}

TEST_F(Watching, TellsOfAPersonByTheNameOfBefore) {
  auto before = commit({person("usr_alice", "a@old.example")});
  start();
  catch_up(before);
  auto after = commit({person("usr_alice", "a@new.example")});
  run(executor, watch->changed(before, after, {"usr_alice"}));
  EXPECT_EQ(told.told, std::vector<std::string>{"usr_alice: session-revoked"});
}

}  // namespace
}  // namespace writ::signals
