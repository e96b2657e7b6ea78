#include "policy/grants_table_fixture.h"

#include <gtest/gtest.h>

namespace writ::policy {
namespace {

AccessGrant grant() { return {"grants.yaml:3", "eng", {false, {"cursor"}}, "github", {false, {"repo:read"}}, {false, {"get_*"}}}; }

Question question(Action action) {
  Question asked;
  asked.action = action;
  asked.principal.id = "usr_alice";
  asked.principal.groups = {"eng", "staff"};
  asked.agent.id = "cursor";
  asked.server.id = "github";
  if (action == Action::grant_scope) asked.scope = ScopeFacts{"repo:read", false};
  if (action == Action::call) {
    asked.tool.emplace();
    asked.tool->name = "get_issue";
  }
  return asked;
}

struct Row {
  const char* name;
  Action action;
  void (*change)(AccessGrant&, Question&);
  bool allowed;
};
class GrantsTableRules : public testing::TestWithParam<Row> {};

TEST_P(GrantsTableRules, Decide) {
  AccessGrant row = grant();
  Question asked = question(GetParam().action);
  GetParam().change(row, asked);
  const Decision decision = GrantsTable({row}, "v1").decide(asked);
  EXPECT_EQ(decision.allowed, GetParam().allowed);
  EXPECT_EQ(decision.kind, GetParam().allowed ? Kind::allowed : Kind::no_permit);
  EXPECT_EQ(decision.version, "v1");
  EXPECT_EQ(decision.policies, GetParam().allowed ? std::vector<std::string>{"grants.yaml:3"} : std::vector<std::string>{});
}

INSTANTIATE_TEST_SUITE_P(
    DefaultDeny, GrantsTableRules,
    testing::Values(Row{"member_may_connect", Action::connect, [](AccessGrant&, Question&) {}, true},
                    Row{"others_may_not", Action::connect, [](AccessGrant&, Question& q) { q.principal.groups = {"marketing"}; }, false},
                    Row{"nobody_without_groups", Action::connect, [](AccessGrant&, Question& q) { q.principal.groups = {}; }, false},
                    Row{"another_agent_may_not", Action::connect, [](AccessGrant&, Question& q) { q.agent.id = "claude"; }, false},
                    Row{"all_agents_is_written_out", Action::connect, [](AccessGrant& g, Question& q) { g.agents = {true, {}}; q.agent.id = "claude"; }, true},
                    Row{"an_empty_list_of_agents_is_nobody", Action::connect, [](AccessGrant& g, Question&) { g.agents = {}; }, false},
                    Row{"another_server_is_not_included", Action::connect, [](AccessGrant&, Question& q) { q.server.id = "jira"; }, false},
                    Row{"named_scope", Action::grant_scope, [](AccessGrant&, Question&) {}, true},
                    Row{"other_scope", Action::grant_scope, [](AccessGrant&, Question& q) { q.scope->name = "repo:write"; }, false},
                    Row{"empty_scopes_grant_none", Action::grant_scope, [](AccessGrant& g, Question&) { g.scopes = {}; }, false},
                    Row{"question_without_scope", Action::grant_scope, [](AccessGrant&, Question& q) { q.scope.reset(); }, false},
                    Row{"tool_by_glob", Action::call, [](AccessGrant&, Question&) {}, true},
                    Row{"other_tool", Action::call, [](AccessGrant&, Question& q) { q.tool->name = "delete_repo"; }, false},
                    Row{"tool_in_other_case", Action::call, [](AccessGrant&, Question& q) { q.tool->name = "GET_issue"; }, false},
                    Row{"empty_tools_permit_none", Action::call, [](AccessGrant& g, Question&) { g.tools = {}; }, false},
                    Row{"question_without_tool", Action::call, [](AccessGrant&, Question& q) { q.tool.reset(); }, false},
                    Row{"resources_need_all_tools", Action::read_resource, [](AccessGrant&, Question&) {}, false},
                    Row{"resources_with_all_tools", Action::read_resource, [](AccessGrant& g, Question&) { g.tools = {true, {}}; }, true}),
    [](const auto& row) { return row.param.name; });

TEST(GrantsTable, WithoutRowsDeniesEverything) {
  for (const Action action : {Action::connect, Action::grant_scope, Action::call, Action::read_resource}) {
    EXPECT_FALSE(GrantsTable({}, "v1").decide(question(action)).allowed);
  }
}

TEST(CurrentPolicy, DeniesBeforeAnyBundleIsActive) {
  const auto decision = Current().get()->decide(question(Action::connect));
  EXPECT_FALSE(decision.allowed);
  EXPECT_FALSE(Current().get()->could_allow(question(Action::call)));
}

struct Glob {
  const char *pattern, *name;
  bool matches;
};
TEST(Glob, MatchesTheWholeName) {
  for (const Glob& glob : {Glob{"a", "a", true}, Glob{"a", "ab", false}, Glob{"a*", "ab", true}, Glob{"*", "", true}, Glob{"", "", true}, Glob{"", "a", false},
                           Glob{"?", "", false}, Glob{"?", "a", true}, Glob{"*b", "aab", true}, Glob{"a*b*c", "axxbyyc", true}, Glob{"a*b*c", "axxbyy", false},
                           Glob{"**", "x", true}, Glob{"get_*", "get_", true}, Glob{"get_*", "get", false}}) {
    EXPECT_EQ(glob_matches(glob.pattern, glob.name), glob.matches) << glob.pattern << " " << glob.name;
  }
  // Many stars stay linear enough: this would not end with naive backtracking.
  EXPECT_FALSE(glob_matches("*a*a*a*a*a*a*a*a*a*a*b", std::string(2'000, 'a')));
}

}  // namespace
}  // namespace writ::policy
