#include "admin/administration.h"

#include <gmock/gmock.h>

#include <thread>

#include "admin/admin_fixture.h"

namespace writ::admin {
namespace {

using testing::HasSubstr;

class Administering : public AdminWorld {};

TEST_F(Administering, StartsEmptyAndDeniesEverything) {
  EXPECT_TRUE(administration->is_empty());
  EXPECT_FALSE(may_connect("eng"));
}

TEST_F(Administering, ObjectsAndPolicyTakeEffectTogether) {
  fill();
  EXPECT_FALSE(administration->is_empty());
  EXPECT_NE(registry.get()->user_by_name("alice"), nullptr);
  EXPECT_EQ(registry.get()->sequence(), 1u);
  EXPECT_TRUE(may_connect("eng"));
  EXPECT_FALSE(may_connect("sales"));
}

TEST_F(Administering, ARestartFindsWhatWasThere) {
  fill();
  registry.set(std::make_shared<registry::Snapshot>(registry::Objects{}, 0));
  policy.set(*policy::CedarPolicy::compile({}));
  open();
  EXPECT_NE(registry.get()->user_by_name("alice"), nullptr);
  EXPECT_TRUE(may_connect("eng"));
}

TEST_F(Administering, EachObjectIsOneRecordThatNamesTheChange) {
  fill();
  const std::size_t before = log.records().size();
  Change change = documents("users: [{id: usr_bob, name: bob, groups: [sales], title: Boss}]\ngroups: [{id: eng}, {id: sales}, {id: new}]\n");
  change.reason = "ticket 17";
  ASSERT_TRUE(apply(std::move(change)));
  const auto records = log.records();
  ASSERT_EQ(records.size(), before + 2);
  const auto& group = records[before];
  const auto& user = records[before + 1];
  EXPECT_EQ(group.reason, "create");
  EXPECT_EQ(more_of(group, "object"), "groups/new");
  EXPECT_EQ(user.reason, "update");
  EXPECT_EQ(user.user, "usr_bob");
  EXPECT_EQ(user.detail, "title, groups");
  EXPECT_EQ(more_of(user, "actor"), "start");
  EXPECT_EQ(more_of(user, "comment"), "ticket 17");
  EXPECT_EQ(more_of(user, "change"), more_of(group, "change"));
  EXPECT_TRUE(*store.has_change(more_of(user, "change")));
  EXPECT_EQ(user.object_sequence, 2u);
}

TEST_F(Administering, NothingToDoIsNoChangeAndNoRecord) {
  fill();
  const std::size_t before = log.records().size();
  Change change = documents(kSample);
  change.policy = policy::BundleFiles{{"grants.yaml", kGrants}};
  const auto done = apply(std::move(change));
  ASSERT_TRUE(done);
  EXPECT_FALSE(done->applied);
  EXPECT_EQ(done->sequence, 1u);
  EXPECT_EQ(log.records().size(), before);
}

TEST_F(Administering, APlanChangesNothing) {
  fill();
  const std::size_t before = log.records().size();
  Change change = documents("groups: [{id: eng}, {id: sales}, {id: new}]\n");
  change.dry_run = true;
  const auto planned = apply(std::move(change));
  ASSERT_TRUE(planned);
  EXPECT_EQ(planned->plan.changes.size(), 1u);
  EXPECT_FALSE(planned->applied);
  EXPECT_EQ(registry.get()->group("new"), nullptr);
  EXPECT_EQ(log.records().size(), before);
}

TEST_F(Administering, AWrongPolicyFailsTheWholeApply) {
  fill();
  Change change = documents("groups: [{id: eng}, {id: sales}, {id: new}]\n");
  change.policy = policy::BundleFiles{{"grants.yaml", "grants:\n  - {group: nwe, agents: all, servers: [files], scopes: all, tools: all}\n"}};
  const auto done = apply(std::move(change));
  ASSERT_FALSE(done);
  EXPECT_THAT(describe(done.error()), HasSubstr("grants.yaml:2:13: error: there is no group `nwe`; did you mean `new`?"));
  EXPECT_EQ(registry.get()->group("new"), nullptr);
  EXPECT_TRUE(may_connect("eng"));
}

constexpr const char* kTests = R"(defaults: {agent: cursor, server: files}
tests:
  - {name: engineers connect, user: alice, expect: allow}
  - {name: sales does not, user: {groups: [sales]}, expect: deny}
)";
constexpr const char* kForEverybody = "permit(principal, action == Writ::Action::\"connect\", resource);";

TEST_F(Administering, ATestThatFailsRefusesTheWholeChange) {
  fill();
  Change change = documents("groups: [{id: eng}, {id: sales}, {id: new}]\n");
  change.policy = policy::BundleFiles{{"grants.yaml", kGrants}, {"open.cedar", kForEverybody}, {"policy-tests.yaml", kTests}};
  for (const bool dry_run : {true, false}) {
    change.dry_run = dry_run;
    const auto done = apply(change);
    ASSERT_FALSE(done);
    EXPECT_THAT(describe(done.error()), HasSubstr("policy-tests.yaml:4:5: error: test `sales does not`: somebody of sales through cursor: connecting to files: "
                                                  "expected deny, but it is allowed by `open.cedar:1`"));
  }
  EXPECT_EQ(registry.get()->group("new"), nullptr);
  EXPECT_FALSE(may_connect("sales"));
}

TEST_F(Administering, AChangeOfObjectsMustPassTheActiveTests) {
  fill();
  Change with_tests;
  with_tests.policy = policy::BundleFiles{{"grants.yaml", kGrants}, {"policy-tests.yaml", kTests}};
  ASSERT_TRUE(apply(with_tests));
  Change moves = documents("users: [{id: usr_alice, name: alice, groups: [sales]}]\n");
  moves.spoken_of.clear();
  const auto done = apply(moves);
  ASSERT_FALSE(done);
  EXPECT_THAT(describe(done.error()), HasSubstr("policy-tests.yaml:3:5: error: test `engineers connect`: alice through cursor: connecting to files: expected allow, but it is denied"));
  // Somebody who leaves is never held up: disabled, then removed.
  Change disables = documents("users: [{id: usr_alice, name: alice, groups: [eng], active: false}]\n");
  disables.spoken_of.clear();
  EXPECT_TRUE(apply(disables));
  Change removes;
  removes.removal = std::pair(registry::ObjectKind::user, std::string("usr_alice"));
  EXPECT_TRUE(apply(removes));
  with_tests.policy->emplace("more.cedar", "");
  const auto later = apply(with_tests);
  ASSERT_FALSE(later) << "the next change of policy must do without her";
  EXPECT_THAT(describe(later.error()), HasSubstr("there is no user `alice`"));
}

TEST_F(Administering, AnObjectThatTheActivePolicyNamesStays) {
  fill();
  Change change;
  change.removal = std::pair(registry::ObjectKind::server, std::string("files"));
  const auto done = apply(std::move(change));
  ASSERT_FALSE(done);
  EXPECT_THAT(describe(done.error()), HasSubstr("grants.yaml:2:46: error: there is no server `files`"));
}

TEST_F(Administering, WithoutARecordNothingChanges) {
  fill();
  log.fail_from_now_on(true);
  const auto done = apply(documents("groups: [{id: eng}, {id: sales}, {id: new}]\n"));
  ASSERT_FALSE(done);
  EXPECT_TRUE(std::holds_alternative<Unavailable>(done.error()));
  EXPECT_EQ(registry.get()->group("new"), nullptr);
  EXPECT_EQ(store.load()->sequence, 1u);
}

TEST_F(Administering, ARecordWithoutItsChangeIsFollowedByAborted) {
  fill();
  store.fail_from_now_on(true);
  ASSERT_FALSE(apply(documents("groups: [{id: eng}, {id: sales}, {id: new}]\n")));
  EXPECT_EQ(registry.get()->group("new"), nullptr);
  const auto records = log.records();
  const auto& aborted = records.back();
  EXPECT_EQ(aborted.event, audit::Event::aborted);
  EXPECT_EQ(aborted.of_position, records.size() - 1);
  EXPECT_EQ(more_of(aborted, "change"), more_of(records[records.size() - 2], "change"));
}

TEST_F(Administering, TheStartFindsRecordsWhoseChangeWasLostInACrash) {
  fill();
  audit::Commit lost;
  lost.record.event = audit::Event::administration;
  lost.record.reason = "create";
  lost.record.more = {{"change", "chg_lost"}};
  const auto committed = run<Result<audit::Committed, Unavailable>>(log.commit(std::move(lost)));
  ASSERT_TRUE(committed);
  open();
  const auto noted = [&] { return run<Result<std::size_t, Unavailable>>(administration->note_aborted()).value_or(99); };
  EXPECT_EQ(noted(), 1u);
  EXPECT_EQ(log.records().back().event, audit::Event::aborted);
  EXPECT_EQ(log.records().back().of_position, committed->position);
  EXPECT_EQ(noted(), 0u) << "once is enough";
}

TEST_F(Administering, TheLastAdministratorIsGuarded) {
  fill();
  Change change = documents("api_tokens: [{id: ci, role: auditor}]\n");
  const auto refused = apply(change);
  ASSERT_FALSE(refused);
  ASSERT_TRUE(std::holds_alternative<LockOut>(refused.error()));
  EXPECT_EQ(registry.get()->objects().api_tokens.front().role, "admin");
  change.lock_me_out = true;
  EXPECT_TRUE(apply(change));
}

TEST_F(Administering, ParallelChangesAreMadeOneAfterTheOther) {
  fill();
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      Change change = documents("groups: [{id: g" + std::to_string(i) + "}]\n");
      change.spoken_of.clear();
      if (apply(std::move(change))) ++good;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 8) << "each was planned against what the one before left";
  EXPECT_EQ(registry.get()->sequence(), 9u);
  for (int i = 0; i < 8; ++i) EXPECT_NE(registry.get()->group("g" + std::to_string(i)), nullptr);
}

}  // namespace
}  // namespace writ::admin
