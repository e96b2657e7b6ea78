#include "policy/policy_tests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/yaml/yaml.h"
#include "policy/bundle.h"

namespace writ::policy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Outcome = TestResult::Outcome;

constexpr const char* kGrants = R"(grants:
  - {group: eng, agents: [cursor], servers: [github], scopes: all, tools: all}
  - {group: sales, agents: all, servers: [crm], scopes: all, tools: [find_*]}
)";
constexpr const char* kProd = R"(@id("no-delete")
forbid(principal, action == Writ::Action::"github/delete_repo", resource)
when { context.args.repo == "prod" };
@id("needs-mfa")
forbid(principal, action in Writ::Action::"call", resource in Writ::Server::"crm")
unless { context.auth.acr == "mfa" };
@id("night")
forbid(principal, action in Writ::Action::"call", resource)
when { context.now < datetime("2000-01-01") };
)";

registry::Snapshot objects() {
  registry::Objects objects;
  objects.groups = {{"eng", "", {}}, {"eng-web", "", {"eng"}}, {"sales", "", {}}};
  registry::User alice{.id = "usr_alice", .name = "alice"}, gone{.id = "usr_gone", .name = "gone"};
  alice.groups = {"eng-web"};
  gone.groups = {"sales"};
  gone.active = false;
  objects.users = {alice, gone};
  objects.agents.emplace_back().id = "cursor";
  objects.agents.emplace_back().id = "desk";
  registry::Server github{.id = "github"};
  github.scopes.push_back({.name = "read"});
  objects.servers = {github, {.id = "crm"}};
  return registry::Snapshot(std::move(objects), 1);
}

Result<Bundle, registry::Problems> bundle_with(const std::string& tests) {
  return read_bundle({{"grants.yaml", kGrants}, {"policies/prod.cedar", kProd}, {"policy-tests.yaml", tests}},
                     [](std::string_view text, std::string name) { return yaml::parse(text, std::move(name)); });
}

ToolCatalogue no_tools() { return {}; }
ToolCatalogue known_tools() {
  ToolCatalogue tools;
  const auto definition = json::parse(R"({"name":"delete_repo","inputSchema":{"type":"object","properties":{"repo":{"type":"string"}},"required":["repo"]}})");
  tools.add("github", std::make_shared<ToolFacts>(read_tool_facts(*definition)));
  return tools;
}

struct Ran {
  Bundle bundle;
  TestRun run;
};
Ran ran(const std::string& tests, const ToolCatalogue& tools = known_tools()) {
  auto bundle = bundle_with(tests);
  EXPECT_TRUE(bundle) << registry::to_string(bundle.error());
  Ran result;
  if (!bundle) return result;
  result.bundle = std::move(bundle).value();
  const auto snapshot = objects();
  result.run = run_policy_tests(result.bundle.tests, *result.bundle.policy, World{snapshot, tools, "https://idp.example"});
  return result;
}

std::string case_of(const std::string& members) { return "tests:\n  - {name: t, " + members + "}\n"; }

struct Row {
  const char* name;
  const char* members;
  const char* message;   // empty: it passes
};
class PolicyTestCases : public testing::TestWithParam<Row> {};
TEST_P(PolicyTestCases, AreJudged) {
  const Ran result = ran(case_of(GetParam().members));
  ASSERT_EQ(result.run.results.size(), 1u);
  EXPECT_EQ(result.run.results[0].message, GetParam().message);
  EXPECT_EQ(result.run.results[0].outcome == Outcome::passed, std::string(GetParam().message).empty());
}
INSTANTIATE_TEST_SUITE_P(
    Rules, PolicyTestCases,
    testing::Values(
        Row{"inherited_group", "user: alice, agent: cursor, server: github, expect: allow, by: [grants.yaml:2]", ""},
        Row{"by_id", "user: usr_alice, agent: cursor, server: github, expect: allow", ""},
        Row{"by_file", "user: alice, agent: cursor, server: github, expect: allow, by: grants.yaml", ""},
        Row{"by_another_file", "user: alice, agent: cursor, server: github, expect: allow, by: policies/prod.cedar",
            "expected that `policies/prod.cedar` decides, but it is allowed by `grants.yaml:2`"},
        Row{"another_policy", "user: alice, agent: cursor, tool: github/delete_repo, arguments: {repo: prod}, expect: deny, by: [needs-mfa]",
            "expected that `needs-mfa` decides, but it is denied by `no-delete` (policies/prod.cedar:1:1)"},
        Row{"expected_allow", "user: alice, agent: cursor, tool: github/delete_repo, arguments: {repo: prod}, expect: allow",
            "expected allow, but it is denied by `no-delete` (policies/prod.cedar:1:1)"},
        Row{"expected_deny", "user: alice, agent: cursor, tool: github/delete_repo, arguments: {repo: web}, expect: deny",
            "expected deny, but it is allowed by `grants.yaml:2`"},
        Row{"nothing_permits", "user: alice, agent: desk, server: github, expect: allow", "expected allow, but it is denied: no policy permits it"},
        Row{"reason", "user: alice, agent: desk, server: github, expect: deny, reason: no_permit", ""},
        Row{"another_reason", "user: alice, agent: desk, server: github, expect: deny, reason: forbidden", "expected the reason `forbidden`, but it is denied: no policy permits it"},
        Row{"scope", "user: alice, agent: cursor, scope: github/read, expect: allow", ""},
        Row{"prompt", "user: alice, agent: cursor, prompt: github/review, expect: allow", ""},
        Row{"resource", "user: alice, agent: cursor, server: github, resource: 'repo://web/readme', action: subscribe, expect: allow", ""},
        Row{"somebody", "user: {groups: [eng-web], department: Web}, agent: cursor, server: github, expect: allow", ""},
        Row{"somebody_else", "user: {groups: [sales]}, agent: cursor, server: github, expect: allow", "expected allow, but it is denied: no policy permits it"},
        Row{"sign_in_counts", "user: {groups: [sales]}, agent: desk, tool: crm/find_x, acr: mfa, amr: [hwk], age: 5m, ip: 10.0.0.1, expect: allow", ""},
        Row{"sign_in_is_not_known", "user: {groups: [sales]}, agent: desk, tool: crm/find_x, expect: deny, by: [needs-mfa], reason: forbidden", ""},
        Row{"time_is_fixed", "user: alice, agent: cursor, tool: github/x, expect: allow", ""},
        Row{"time_can_be_said", "user: alice, agent: cursor, tool: github/x, now: '1999-12-31T00:00:00Z', expect: deny, by: night", ""},
        // Whether somebody may still sign in is not policy's to say, and disabling a person must never be held up by a test.
        Row{"disabled_person", "user: gone, agent: desk, server: crm, expect: allow", ""},
        // A misspelt name must not pass for a denial.
        Row{"unknown_group", "user: {groups: [egn]}, agent: cursor, server: github, expect: deny", "there is no group `egn`; did you mean `eng`?"},
        Row{"unknown_agent", "user: alice, agent: curser, server: github, expect: deny", "there is no agent `curser`; did you mean `cursor`?"},
        Row{"unknown_server", "user: alice, agent: cursor, server: gihub, expect: deny", "there is no server `gihub`; did you mean `github`?"},
        Row{"unknown_scope", "user: alice, agent: cursor, scope: github/raed, expect: deny", "there is no scope `raed`; did you mean `read`?"}),
    [](const auto& row) { return row.param.name; });

struct Mistake {
  const char* name;
  const char* text;
  const char* expected;
};
class PolicyTestMistakes : public testing::TestWithParam<Mistake> {};
TEST_P(PolicyTestMistakes, NameTheirPlace) {
  const auto bundle = bundle_with(GetParam().text);
  ASSERT_FALSE(bundle);
  EXPECT_THAT(registry::to_string(bundle.error()), HasSubstr(GetParam().expected));
}
#define T "tests: [{name: t, user: a, agent: b, server: c, expect: deny"
INSTANTIATE_TEST_SUITE_P(
    Rules, PolicyTestMistakes,
    testing::Values(
        Mistake{"unknown_key", "test: []\n", "policy-tests.yaml:1:1: error: unknown key `test` in a file of policy tests; did you mean `tests`?"},
        Mistake{"unknown_member", T ", tol: x}]\n", "1:63: error: unknown key `tol` in a test; did you mean `tool`?"},
        Mistake{"no_name", "tests: [{user: a, agent: b, server: c, expect: deny}]\n", "1:9: error: a test needs `name`"},
        Mistake{"no_user", "tests: [{name: t, agent: b, server: c, expect: deny}]\n", "1:9: error: a test needs `user` or `users`"},
        Mistake{"no_agent", "tests: [{name: t, user: a, server: c, expect: deny}]\n", "1:9: error: a test needs `agent` or `agents`"},
        Mistake{"no_server", "tests: [{name: t, user: a, agent: b, expect: deny}]\n", "1:9: error: a test needs `server` or `servers`"},
        Mistake{"no_expectation", "tests: [{name: t, user: a, agent: b, server: c}]\n", "1:9: error: a test needs `expect`: allow or deny"},
        Mistake{"wrong_expectation", "tests: [{name: t, user: a, agent: b, server: c, expect: alow}]\n", "1:57: error: `expect` must be `allow` or `deny`, not `alow`; did you mean `allow`?"},
        Mistake{"both_numbers", T ", users: [d]}]\n", "error: write either `user` or `users`, not both"},
        Mistake{"two_subjects", T ", tool: x, scope: y}]\n", "error: a test is about one of `tool`, `scope`, `resource` and `prompt`"},
        Mistake{"tool_without_server", "tests: [{name: t, user: a, agent: b, tool: x, expect: deny}]\n", "error: a test of a tool needs `server`, or the name as server/tool"},
        Mistake{"resource_without_server", "tests: [{name: t, user: a, agent: b, resource: 'x://y', expect: deny}]\n", "error: a test of a resource needs `server`"},
        Mistake{"arguments_of_no_tool", T ", arguments: {a: 1}}]\n", "error: only a test of a tool has `arguments`"},
        Mistake{"action_of_a_tool", T ", tool: x, action: read}]\n", "error: unknown key `action` in a test"},
        Mistake{"unknown_policy", T ", by: [no-delte]}]\n", "1:68: error: there is no policy `no-delte` in the bundle; did you mean `no-delete`?"},
        Mistake{"unknown_reason", T ", reason: forbiden}]\n", "did you mean `forbidden`?"},
        Mistake{"reason_of_the_other_answer", T ", reason: allowed}]\n", "error: `allowed` is no reason to deny"},
        Mistake{"wrong_time", T ", now: tomorrow}]\n", "error: `now` must be a time in UTC"},
        Mistake{"wrong_age", T ", age: old}]\n", "error: `age` must be a duration"},
        Mistake{"wrong_person", "tests: [{name: t, user: [a], agent: b, server: c, expect: deny}]\n", "error: `user` must be a name, or what is known of somebody: {groups: [eng]}, not a list"},
        Mistake{"unknown_fact", "tests: [{name: t, user: {group: [a]}, agent: b, server: c, expect: deny}]\n", "error: unknown key `group` in a person; did you mean `groups`?"},
        Mistake{"definition_without_server", "definitions: {x: {}}\n", "1:15: error: a definition is named server/tool, for example `github/x`"}),
    [](const auto& row) { return row.param.name; });

TEST(PolicyTestTables, AskEveryCombination) {
  const Ran result = ran(R"(
defaults: {agent: cursor, acr: mfa}
tests:
  - name: engineers use everything
    users: [alice, {groups: [eng]}]
    server: github
    tools: [a, b, c]
    expect: allow
  - name: and connect
    user: alice
    agents: [cursor, desk]
    servers: [github, crm]
    expect: deny
)");
  ASSERT_EQ(result.run.results.size(), 10u);
  EXPECT_EQ(result.run.count(Outcome::failed), 1u);
  const TestResult& failed = result.run.results[6];
  EXPECT_EQ(failed.question, "alice through cursor: connecting to github");
  EXPECT_EQ(registry::to_string(problems_of(result.run, true)),
            "policy-tests.yaml:9:5: error: test `and connect`: alice through cursor: connecting to github: expected deny, but it is allowed by `grants.yaml:2`\n");
  EXPECT_EQ(problems_of(result.run, true).front().id, "failed-test");
}

TEST(PolicyTestTables, AreLimited) {
  std::string many = "tests: [{name: t, users: [";
  for (int i = 0; i < 101; ++i) many += "u" + std::to_string(i) + ", ";
  many += "], agents: [";
  for (int i = 0; i < 100; ++i) many += "a" + std::to_string(i) + ", ";
  const auto bundle = bundle_with(many + "], server: github, expect: deny}]\n");
  ASSERT_FALSE(bundle);
  EXPECT_THAT(registry::to_string(bundle.error()), HasSubstr("this test asks more than 10000 questions"));
}

TEST(PolicyTestPeople, WhoAreGoneHoldNobodyUp) {
  const Ran result = ran(case_of("user: alise, agent: cursor, server: github, expect: deny"));
  ASSERT_EQ(result.run.count(Outcome::nobody), 1u) << "somebody who does not exist is not denied by policy";
  const auto with_policy = problems_of(result.run, true), with_objects = problems_of(result.run, false);
  EXPECT_TRUE(registry::has_errors(with_policy));
  EXPECT_THAT(registry::to_string(with_policy), HasSubstr("there is no user `alise`; did you mean `alice`?"));
  EXPECT_FALSE(registry::has_errors(with_objects)) << "a person can be removed although a test names them";
  EXPECT_EQ(with_objects.front().id, "test-of-nobody");
}

// A tool that nobody has reviewed has no known arguments, so a policy that reads them denies.
TEST(PolicyTestDefinitions, StandInForTheReviewedOnes) {
  const std::string members = "user: alice, agent: cursor, tool: github/delete_repo, arguments: {repo: web}, expect: allow";
  EXPECT_EQ(ran(case_of(members), no_tools()).run.results[0].reason, "arguments_not_decidable");
  const std::string own = "definition: {inputSchema: {type: object, properties: {repo: {type: string}}}}";
  EXPECT_EQ(ran(case_of(members + ", " + own), no_tools()).run.results[0].outcome, Outcome::passed);
  const std::string shared = "definitions: {github/delete_repo: {inputSchema: {type: object, properties: {repo: {type: string}}}}}\n";
  EXPECT_EQ(ran(shared + case_of(members), no_tools()).run.results[0].outcome, Outcome::passed);
  EXPECT_THAT(ran(shared + case_of("user: alice, agent: cursor, tool: github/delete_repo, arguments: {repo: prod}, expect: deny, by: no-delete"), no_tools()).run.results[0].message, IsEmpty());
  // Once it is reviewed, what a test says of it no longer counts.
  const std::string wrong = "definition: {inputSchema: {type: object, properties: {repo: {type: integer}}}}";
  EXPECT_EQ(ran(case_of(members + ", " + wrong), no_tools()).run.results[0].reason, "arguments_not_decidable");
  EXPECT_EQ(ran(case_of(members + ", " + wrong), known_tools()).run.results[0].outcome, Outcome::passed);
}

TEST(PolicyTestCoverage, NamesWhatDecidedNothing) {
  const Ran none = ran("tests: []\n");
  EXPECT_EQ(none.run.policies, 5u) << "a row counts once, whatever it compiles to";
  EXPECT_EQ(none.run.unexercised.size(), 5u);
  // The forbid decides; the row was satisfied, and decided nothing.
  const Ran one = ran(case_of("user: alice, agent: cursor, tool: github/delete_repo, arguments: {repo: prod}, expect: deny"));
  std::vector<std::string> ids, satisfied;
  for (const Unexercised& each : one.run.unexercised) (each.satisfied ? satisfied : ids).push_back(each.id);
  EXPECT_THAT(ids, ElementsAre("grants.yaml:3", "needs-mfa", "night"));
  EXPECT_THAT(satisfied, ElementsAre("grants.yaml:2"));
  EXPECT_EQ(one.run.unexercised[0].place.line, 2u);
  EXPECT_EQ(one.run.unexercised[2].place.file, "policies/prod.cedar");
  EXPECT_EQ(one.run.unexercised[2].place.line, 4u);
}

TEST(PolicyTestFile, MayBeEmptyOrAbsent) {
  EXPECT_THAT(ran("").run.results, IsEmpty());
  EXPECT_THAT(ran("tests:\n").run.results, IsEmpty());
}

}  // namespace
}  // namespace writ::policy
