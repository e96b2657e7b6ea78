// What a company's directory changes goes the way of all changes, with two differences: it is recorded as provisioning, and no policy test holds it up.

#include <gmock/gmock.h>

#include "admin/admin_fixture.h"

namespace writ::admin {
namespace {

using registry::ObjectKind;
using testing::Contains;
using testing::HasSubstr;
using testing::Pair;

constexpr const char* kTests = "tests:\n  - {name: alice reads, user: alice, agent: cursor, server: files, expect: allow}\n";

class Provisioning : public AdminWorld {
 protected:
  Result<Changed, ChangeFailure> provision(const std::string& text, std::vector<std::pair<ObjectKind, std::string>> removals = {}, std::string note = "") {
    Change change;
    change.reason = "SCIM PATCH by token scim-corp";
    change.provision = [declared = documents(text).declared, removals = std::move(removals), note = std::move(note)](const registry::Snapshot&, const registry::Catalogue&) {
      return Result<Change::Prepared, registry::Problems>(Change::Prepared{declared, removals, note});
    };
    Actor actor{"connector:corp", "", Actor::Role::admin, false, "192.0.2.7"};
    return run<Result<Changed, ChangeFailure>>(administration->change(std::move(actor), std::move(change)));
  }
  void fill_with_test() {
    Change change = documents(kSample);
    change.policy = policy::BundleFiles{{"grants.yaml", kGrants}, {"policy-tests.yaml", kTests}};
    const auto done = apply(std::move(change));
    ASSERT_TRUE(done) << describe(done.error());
  }
};

TEST_F(Provisioning, IsRecordedAsWhatItIs) {
  fill();
  const auto before = log.records().size();
  const auto changed = provision("users: [{id: usr_carol, name: carol}]\n", {}, "was here already");
  ASSERT_TRUE(changed) << describe(changed.error());
  ASSERT_EQ(log.records().size(), before + 1);
  const audit::Record record = log.records().back();
  EXPECT_EQ(record.event, audit::Event::provisioning);
  EXPECT_EQ(record.reason, "create");
  EXPECT_EQ(record.user_name, "carol");
  EXPECT_EQ(record.peer, "192.0.2.7");
  EXPECT_EQ(more_of(record, "actor"), "connector:corp");
  EXPECT_EQ(more_of(record, "comment"), "SCIM PATCH by token scim-corp: was here already");
  EXPECT_TRUE(*store.has_change(more_of(record, "change")));
}

// docs/decisions/0034: somebody leaves, and a test that counts on the person must not keep the person in.
TEST_F(Provisioning, IsNotHeldUpByATest) {
  fill_with_test();
  const std::string without = "users: [{id: usr_alice, name: alice}]\n";
  const auto by_hand = apply(documents(without));
  ASSERT_FALSE(by_hand);
  EXPECT_THAT(describe(by_hand.error()), HasSubstr("test `alice reads`"));
  const auto changed = provision(without);
  ASSERT_TRUE(changed) << describe(changed.error());
  EXPECT_TRUE(registry.get()->user("usr_alice")->groups.empty());
  ASSERT_EQ(changed->plan.problems.size(), 1u);
  EXPECT_TRUE(changed->plan.problems.front().is_warning);
  EXPECT_THAT(log.records().back().more, Contains(Pair(std::string("failing_policy_tests"), std::string("1"))));
}

TEST_F(Provisioning, StaysWithinWhatPolicyNames) {
  fill();
  const auto changed = provision("users: [{id: usr_alice, name: alice}]\n", {{ObjectKind::group, "eng"}});
  ASSERT_FALSE(changed) << "a grant names the group";
  EXPECT_THAT(describe(changed.error()), HasSubstr("eng"));
  EXPECT_FALSE(registry.get()->user("usr_alice")->groups.empty()) << "all of it or nothing";
}

TEST_F(Provisioning, ChangesAndRemovesInOneStep) {
  fill();
  const auto changed = provision("users: [{id: usr_alice, name: alice, groups: [eng]}]\n", {{ObjectKind::group, "sales"}, {ObjectKind::user, "usr_bob"}, {ObjectKind::user, "usr_nobody"}});
  ASSERT_TRUE(changed) << describe(changed.error());
  EXPECT_EQ(registry.get()->group("sales"), nullptr);
  EXPECT_EQ(registry.get()->user("usr_bob"), nullptr);
  EXPECT_TRUE(administration->catalogue()->retired_user_ids.contains("usr_bob"));
  EXPECT_EQ(changed->plan.changes.size(), 2u) << "alice stays as she was, and nobody cannot go";
}

TEST_F(Provisioning, IsWorkedOutFromWhatIsThereAtItsTurn) {
  fill();
  Change change;
  std::uint64_t seen = 0;
  change.provision = [&seen](const registry::Snapshot& snapshot, const registry::Catalogue& catalogue) -> Result<Change::Prepared, registry::Problems> {
    seen = snapshot.sequence();
    EXPECT_EQ(catalogue.sequence, snapshot.sequence());
    return unexpected(registry::Problems{{registry::Position{"/"}, "not now"}});
  };
  const auto refused = apply(std::move(change));
  ASSERT_FALSE(refused);
  EXPECT_THAT(describe(refused.error()), HasSubstr("not now"));
  EXPECT_EQ(seen, 1u);
}

TEST_F(Provisioning, IsAbortedWhereTheStoreDoesNotTakeIt) {
  fill();
  store.fail_from_now_on(true);
  ASSERT_FALSE(provision("users: [{id: usr_carol, name: carol}]\n"));
  EXPECT_EQ(registry.get()->user("usr_carol"), nullptr);
  EXPECT_EQ(log.records().back().event, audit::Event::aborted);
}

// People and groups are put into the objects that are there without all others being read again: the same objects as after reading all.
TEST_F(Provisioning, LeavesTheObjectsThatARestartFinds) {
  fill();
  ASSERT_TRUE(provision("groups: [{id: a-team}]\nusers: [{id: usr_zoe, name: zoe, groups: [a-team]}, {id: usr_aaron, name: aaron}]\n", {{ObjectKind::user, "usr_bob"}}));
  const auto now = registry.get();
  const auto read = registry::snapshot_of(*store.load());
  ASSERT_TRUE(read);
  const registry::Objects& found = read->objects();
  ASSERT_EQ(found.users.size(), now->objects().users.size());
  for (std::size_t i = 0; i < found.users.size(); ++i) EXPECT_EQ(registry::write(found.users[i]), registry::write(now->objects().users[i]));
  ASSERT_EQ(found.groups.size(), now->objects().groups.size());
  for (std::size_t i = 0; i < found.groups.size(); ++i) EXPECT_EQ(registry::write(found.groups[i]), registry::write(now->objects().groups[i]));
}

}  // namespace
}  // namespace writ::admin
