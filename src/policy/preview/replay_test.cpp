#include "policy/preview/replay.h"

#include <gtest/gtest.h>

#include "audit/record.h"
#include "policy/argument_type.h"
#include "policy/preview/preview_fixture.h"

namespace writ::policy::preview {
namespace {

WorldBuilder deployment() {
  WorldBuilder world;
  world.group("eng").user("alice", {"eng"}, "platform").user("bob", {"eng"}).agent("cursor").server("github", {scope_of("repo", {}), scope_of("read", {})});
  auto facts = std::make_shared<ToolFacts>();
  facts->name = "delete_repo";
  facts->argument_type = read_argument_type(*json::parse(R"({"type":"object","properties":{"repo":{"type":"string"},"force":{"type":"boolean"}}})"));
  world.tools.add("github", std::move(facts));
  return world;
}

audit::Record a_call(audit::Effect effect = audit::Effect::allow) {
  audit::Record record;
  record.event = audit::Event::call;
  record.effect = effect;
  record.reason = effect == audit::Effect::allow ? "allowed" : "no_permit";
  record.time = from_unix_seconds(1'795'000'000);
  record.user = "usr_alice";
  record.user_name = "alice";
  record.agent = "cursor";
  record.server = "github";
  record.tool = "delete_repo";
  record.issuer = "https://idp.example";
  record.action = "call";
  record.object_sequence = 1;
  return record;
}

audit::Record a_token(const std::string& scope, const std::string& dropped = "") {
  audit::Record record = a_call();
  record.event = audit::Event::id_jag;
  record.tool.clear();
  record.scope = scope;
  record.action = "grant_scope";
  if (!dropped.empty()) record.more.emplace_back("dropped_scopes", dropped);
  return record;
}

class ReplayRun {
 public:
  explicit ReplayRun(const std::string& candidate, const WorldBuilder& world = deployment()) : state_(world, candidate), replay_(*state_.policy) {
    objects_ = std::make_shared<registry::Snapshot>(world.objects, 1);
    tools_ = std::make_shared<ToolCatalogue>(world.tools);
  }
  ReplayReport run(const std::vector<audit::Record>& records) {
    std::vector<audit::StoredRecord> stored;
    std::uint64_t position = 100;
    for (const auto& record : records) stored.push_back({position, audit::to_json_line(record, position, "n1")}), ++position;
    return run_lines(stored);
  }
  ReplayReport run_lines(const std::vector<audit::StoredRecord>& stored) {
    for (std::size_t next = 0; next < stored.size();) {
      const auto wanted = replay_.read(stored, next);
      if (!wanted) break;
      asked.push_back(*wanted);
      replay_.give(*wanted, *wanted == 1 ? objects_ : *wanted == 2 ? later : nullptr, tools_);
    }
    return replay_.report();
  }

  std::vector<std::uint64_t> asked;
  std::shared_ptr<const registry::Snapshot> later;

 private:
  StateFixture state_;
  Replay replay_;
  std::shared_ptr<const registry::Snapshot> objects_;
  std::shared_ptr<const ToolCatalogue> tools_;
};

const std::string kPermit = "permit(principal in Writ::Group::\"eng\", action, resource);";
std::string forbid(const std::string& when) { return kPermit + "@id(\"no-delete\") forbid(principal, action == Writ::Action::\"github/delete_repo\", resource) when { " + when + " };"; }

struct Case {
  const char* name;
  std::string candidate;
  audit::Record record;
  Replayed outcome;
  std::string reason;
};
std::ostream& operator<<(std::ostream& out, const Case& one) { return out << one.name; }

audit::Record with(audit::Record record, void (*change)(audit::Record&)) { return change(record), record; }

class OneRecord : public testing::TestWithParam<Case> {};
TEST_P(OneRecord, ComesOutAs) {
  const ReplayReport report = ReplayRun(GetParam().candidate).run({GetParam().record});
  EXPECT_EQ(report.decisions, 1u);
  const auto count = [&](Replayed outcome) { return outcome == Replayed::same ? report.same : outcome == Replayed::newly_denied ? report.newly_denied : outcome == Replayed::newly_allowed ? report.newly_allowed : report.cannot_tell; };
  for (const Replayed outcome : {Replayed::same, Replayed::newly_denied, Replayed::newly_allowed, Replayed::cannot_tell})
    EXPECT_EQ(count(outcome), outcome == GetParam().outcome ? 1u : 0u) << to_string(outcome) << (report.rows.empty() ? "" : ", " + report.rows[0].reason);
  ASSERT_EQ(report.rows.size(), GetParam().outcome == Replayed::same ? 0u : 1u);
  if (report.rows.empty()) return;
  EXPECT_EQ(report.rows[0].outcome, GetParam().outcome);
  EXPECT_EQ(report.rows[0].reason, GetParam().reason);
  EXPECT_EQ(report.rows[0].user_name, "alice");
  EXPECT_EQ(report.rows[0].subject, "delete_repo");
  EXPECT_EQ(report.rows[0].last, "2026-11-18T11:06:40.000Z");
  EXPECT_EQ(report.rows[0].code, audit::denial_code(100));
}

audit::Record arguments(const char* text) {
  audit::Record record = a_call();
  record.arguments = text;
  return record;
}

INSTANTIATE_TEST_SUITE_P(
    Replay, OneRecord,
    testing::Values(
        Case{"allowed_and_still", kPermit, a_call(), Replayed::same, ""},
        Case{"allowed_and_nothing_permits", "", a_call(), Replayed::newly_denied, "no_permit"},
        Case{"allowed_and_forbidden", forbid("true"), a_call(), Replayed::newly_denied, "forbidden"},
        Case{"denied_and_still", "", a_call(audit::Effect::deny), Replayed::same, ""},
        Case{"denied_and_permitted", kPermit, a_call(audit::Effect::deny), Replayed::newly_allowed, "allowed"},
        Case{"a_forbid_that_fails_denies", forbid("context.nothing == 1"), a_call(), Replayed::newly_denied, "policy_error"},
        Case{"allowed_by_policy_but_short_of_a_scope", kPermit, with(a_call(audit::Effect::deny), [](audit::Record& record) { record.reason = "insufficient_scope"; }), Replayed::same, ""},
        Case{"the_argument_decides", forbid("context.args has repo && context.args.repo == \"prod\""), arguments(R"({"repo":{"value":"prod"}})"), Replayed::newly_denied, "forbidden"},
        Case{"another_argument", forbid("context.args has repo && context.args.repo == \"prod\""), arguments(R"({"repo":{"value":"dev"}})"), Replayed::same, ""},
        Case{"an_argument_that_was_absent", forbid("context.args has repo && context.args.repo == \"prod\""), arguments(R"({"repo":{"absent":true}})"), Replayed::same, ""},
        Case{"an_argument_that_was_not_recorded", forbid("context.args has force && context.args.force"), arguments(R"({"repo":{"value":"prod"}})"), Replayed::cannot_tell, "arguments_not_recorded"},
        Case{"no_argument_was_recorded", forbid("context.args has force && context.args.force"), a_call(), Replayed::cannot_tell, "arguments_not_recorded"},
        Case{"an_argument_by_digest", forbid("context.args has repo && context.args.repo == \"prod\""), arguments(R"({"repo":{"digest":"xyz"}})"), Replayed::cannot_tell, "arguments_not_recorded"},
        // One known argument is enough for a no.
        Case{"what_was_recorded_decides_alone", forbid("(context.args has repo && context.args.repo == \"prod\") || (context.args has force && context.args.force)"),
             arguments(R"({"repo":{"value":"prod"}})"), Replayed::newly_denied, "forbidden"},
        Case{"arguments_that_could_not_be_expressed", forbid("context.args has repo && context.args.repo == \"prod\""),
             with(a_call(audit::Effect::deny), [](audit::Record& record) { record.reason = "arguments_not_decidable"; }), Replayed::same, ""},
        Case{"the_sign_in_decides", forbid("context.auth.acr != \"strong\""), a_call(), Replayed::newly_denied, "forbidden"},
        Case{"a_strong_sign_in", forbid("context.auth.acr != \"strong\""), with(a_call(), [](audit::Record& record) { record.acr = "strong"; }), Replayed::same, ""},
        Case{"an_old_sign_in", forbid("context.auth.age > duration(\"1h\")"), with(a_call(), [](audit::Record& record) { record.authentication_age_s = 3601; }), Replayed::newly_denied, "forbidden"},
        Case{"the_hour_decides", forbid("context.now < datetime(\"2026-11-19\")"), a_call(), Replayed::newly_denied, "forbidden"},
        Case{"the_address_decides", forbid("context has ip && context.ip.isInRange(ip(\"10.0.0.0/8\"))"), with(a_call(), [](audit::Record& record) { record.peer = "10.1.2.3"; }), Replayed::newly_denied, "forbidden"},
        Case{"another_issuer", forbid("context.issuer != \"https://idp.example\""), a_call(), Replayed::same, ""},
        Case{"an_issuer_that_was_not_recorded", forbid("context.issuer != \"https://idp.example\""), with(a_call(), [](audit::Record& record) { record.issuer.clear(); }), Replayed::cannot_tell, "issuer_not_recorded"},
        Case{"it_would_be_held", kPermit + "@require_approval(\"eng\") forbid(principal, action == Writ::Action::\"github/delete_repo\", resource);", a_call(), Replayed::newly_denied, "approval_pending"},
        Case{"it_was_approved", kPermit + "@require_approval(\"eng\") forbid(principal, action == Writ::Action::\"github/delete_repo\", resource);",
             with(a_call(), [](audit::Record& record) { record.more.emplace_back("approval", "W-1"); }), Replayed::same, ""},
        Case{"objects_that_are_gone", kPermit, with(a_call(), [](audit::Record& record) { record.object_sequence = 77; }), Replayed::cannot_tell, "objects_not_known"},
        Case{"a_server_that_was_not_there", kPermit, with(a_call(), [](audit::Record& record) { record.server = "gitlab"; }), Replayed::cannot_tell, "objects_not_known"},
        Case{"how_the_agent_authenticated", kPermit + "forbid(principal, action, resource) when { context.agent.authentication == \"client_secret\" };",
             with(a_call(), [](audit::Record& record) { record.more.emplace_back("agent_authentication", "client_secret"); }), Replayed::newly_denied, "forbidden"}),
    [](const auto& test) { return test.param.name; });

TEST(ReplayOfTokens, AsksForTheConnectionAndEachScopeThatWasPutToPolicy) {
  ReplayRun run(kPermit + "forbid(principal, action == Writ::Action::\"grant_scope\", resource == Writ::Scope::\"github/repo\");");
  const ReplayReport report = run.run({a_token("repo read"), a_token("read", "repo")});
  EXPECT_EQ(report.decisions, 6u);
  EXPECT_EQ(report.same, 5u);
  ASSERT_EQ(report.rows.size(), 1u);
  EXPECT_EQ(report.rows[0].action, Action::grant_scope);
  EXPECT_EQ(report.rows[0].subject, "repo");
}

TEST(ReplayOfTokens, ScopesAboveTheCeilingWereNotPutToPolicy) {
  audit::Record record = a_token("read repo");
  record.more.emplace_back("above_ceiling", "repo");
  EXPECT_EQ(ReplayRun("").run({record}).newly_denied, 2u);
}

TEST(ReplayOfTokens, ARefusedConnectionIsOneQuestion) {
  audit::Record record = a_token("read repo");
  record.action = "connect";
  record.effect = audit::Effect::deny;
  EXPECT_EQ(ReplayRun(kPermit).run({record}).newly_allowed, 1u);
}

TEST(ReplayOfRecords, TakesTheObjectsOfThen) {
  ReplayRun run(kPermit);
  WorldBuilder changed = deployment();
  changed.user_named("alice").groups = {};
  run.later = std::make_shared<registry::Snapshot>(changed.objects, 2);
  audit::Record later = a_call();
  later.object_sequence = 2;
  const ReplayReport report = run.run({later, a_call(), later});
  EXPECT_EQ(report.same, 1u);
  EXPECT_EQ(report.newly_denied, 2u);
  EXPECT_EQ(run.asked, (std::vector<std::uint64_t>{2, 1}));
}

TEST(ReplayOfRecords, CountsEachAndKeepsTheLast) {
  audit::Record earlier = a_call(), bob = a_call();
  earlier.time = earlier.time - Seconds(60);
  bob.user = "usr_bob", bob.user_name = "bob";
  audit::Record token = a_call();
  token.event = audit::Event::outcome;
  audit::Record early_refusal = a_call(audit::Effect::deny);
  early_refusal.action.clear();
  const ReplayReport report = ReplayRun(forbid("true")).run({earlier, a_call(), bob, token, early_refusal});
  EXPECT_EQ(report.records, 5u);
  EXPECT_EQ(report.decisions, 3u);
  EXPECT_EQ(report.not_decided_by_policy, 1u);
  EXPECT_EQ(report.oldest, "2026-11-18T11:05:40.000Z");
  EXPECT_EQ(report.newest, "2026-11-18T11:06:40.000Z");
  ASSERT_EQ(report.rows.size(), 2u);
  EXPECT_EQ(report.rows[0].count, 2u);
  EXPECT_EQ(report.rows[0].code, audit::denial_code(101));
  EXPECT_EQ(report.rows[0].policies, std::vector<std::string>{"no-delete"});
  EXPECT_EQ(report.rows[1].user_name, "bob");
}

TEST(ReplayOfRecords, AreNotTrustedWhereTheyAreCutOrBroken) {
  audit::Record cut = a_call();
  cut.tool = std::string(400, 'x');
  EXPECT_EQ(ReplayRun("").run({cut}).unreadable, 1u);
  EXPECT_EQ(ReplayRun("").run_lines({{1, "{\"event\":\"call\""}}).unreadable, 1u);
}

}  // namespace
}  // namespace writ::policy::preview
