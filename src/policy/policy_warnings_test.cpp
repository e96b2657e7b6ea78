#include "policy/policy_warnings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/yaml/yaml.h"

namespace writ::policy {
namespace {

using testing::HasSubstr;

registry::Snapshot objects() {
  registry::Objects objects;
  objects.groups = {{"eng", "", {}}, {"eng-web", "", {"eng"}}, {"sales", "", {}}};
  objects.users.push_back({.id = "usr_alice", .name = "alice"});
  objects.agents.emplace_back().id = "cursor";
  objects.agents.emplace_back().id = "desk";
  registry::Server github{.id = "github"};
  github.scopes.push_back({.name = "read"});
  github.groups = {"prod"};
  objects.servers = {github, {.id = "crm"}};
  return registry::Snapshot(std::move(objects), 1);
}

ToolCatalogue known_tools() {
  ToolCatalogue tools;
  for (const char* text : {R"({"name":"delete_repo","inputSchema":{"type":"object","properties":{"repo":{"type":"string"}},"required":["repo"]}})",
                           R"({"name":"get_issue","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}})"}) {
    tools.add("github", std::make_shared<ToolFacts>(read_tool_facts(*json::parse(text))));
  }
  return tools;
}

std::string judged(const std::string& grants, const std::string& cedar) {
  const auto bundle = read_bundle({{"grants.yaml", grants}, {"p.cedar", cedar}}, [](std::string_view text, std::string name) { return yaml::parse(text, std::move(name)); });
  if (!bundle) return registry::to_string(bundle.error());
  std::string lines;
  registry::Problems problems = check_bundle(*bundle, objects(), known_tools());
  if (!registry::has_errors(problems)) {
    const auto warnings = find_warnings(*bundle, objects(), known_tools());
    problems.insert(problems.end(), warnings.begin(), warnings.end());
  }
  for (const auto& problem : problems) lines += (problem.id.empty() ? "" : "[" + problem.id + "] ") + registry::to_string(problem) + "\n";
  return lines;
}

struct Row {
  const char* name;
  const char* cedar;
  const char* expected;   // empty: nothing is said
};
class PolicyWarnings : public testing::TestWithParam<Row> {};
TEST_P(PolicyWarnings, SayWhatIsProven) {
  const std::string said = judged("", GetParam().cedar);
  if (*GetParam().expected == 0) {
    EXPECT_EQ(said, "");
  } else {
    EXPECT_THAT(said, HasSubstr(GetParam().expected));
  }
}
INSTANTIATE_TEST_SUITE_P(
    Names, PolicyWarnings,
    testing::Values(
        Row{"known_names", R"(permit(principal in Writ::Group::"eng", action == Writ::Action::"connect", resource == Writ::Server::"github") when { context.agent == Writ::Agent::"cursor" };)", ""},
        Row{"group", R"(permit(principal in Writ::Group::"egn", action == Writ::Action::"connect", resource);)",
            "[unknown-name] p.cedar:1:21: warning: policy `p.cedar:1`: there is no group `egn`; did you mean `eng`?"},
        Row{"agent_in_a_condition", "permit(principal, action == Writ::Action::\"connect\", resource)\nwhen { context.agent == Writ::Agent::\"curser\" };",
            "[unknown-name] p.cedar:2:25: warning: policy `p.cedar:1`: there is no agent `curser`; did you mean `cursor`?"},
        Row{"server", R"(forbid(principal, action, resource in Writ::Server::"gihub");)", "there is no server `gihub`; did you mean `github`?"},
        Row{"server_group", R"(forbid(principal, action, resource in Writ::ServerGroup::"prd");)", "there is no server group `prd`; did you mean `prod`?"},
        Row{"tool_action", R"(forbid(principal, action == Writ::Action::"github/delet_repo", resource);)", "there is no tool `github/delet_repo`; did you mean `github/delete_repo`?"},
        Row{"tool_of_an_unknown_server", R"(forbid(principal, action, resource == Writ::Tool::"gihub/x");)", "there is no server `gihub`"},
        Row{"tool_of_a_server_nobody_looked_at", R"(forbid(principal, action in Writ::Action::"call", resource == Writ::Tool::"crm/x");)", ""},
        Row{"scope", R"(permit(principal, action == Writ::Action::"grant_scope", resource == Writ::Scope::"github/raed");)", "there is no scope `github/raed`; did you mean `github/read`?"},
        Row{"user_by_name", R"(forbid(principal == Writ::User::"alice", action, resource);)", "policies know people by their id, not by the name `alice`; write `usr_alice`"},
        Row{"silenced", R"(@allow("unknown-name") forbid(principal in Writ::Group::"egn", action, resource);)", ""},
        Row{"silenced_among_others", R"(@allow("grant-covered, unknown-name") forbid(principal in Writ::Group::"egn", action, resource);)", ""},
        Row{"silencing_what_is_no_warning", R"(@allow("unknown-nam") forbid(principal, action, resource);)", "[unknown-warning] p.cedar:1:1: warning: policy `p.cedar:1`: @allow names `unknown-nam`, which is no warning; did you mean `unknown-name`?"},
        Row{"in_a_shadow_policy", R"(@shadow forbid(principal in Writ::Group::"egn", action, resource);)", "there is no group `egn`"}),
    [](const auto& row) { return row.param.name; });
INSTANTIATE_TEST_SUITE_P(
    Groups, PolicyWarnings,
    testing::Values(
        Row{"action_equals_group", R"(permit(principal, action == Writ::Action::"use", resource);)", "p.cedar:1:1: error: policy `p.cedar:1`: "},
        Row{"hint_of_group", R"(forbid(principal, action == Writ::Action::"call", resource);)", "write `action in`"},
        Row{"action_equals_group_in_a_condition", R"(permit(principal, action, resource in Writ::Server::"crm") unless { action == Writ::Action::"call" };)",
            "p.cedar:1:69: error: policy `p.cedar:1`: no request is about a group of actions, so this is never equal; write `action in`"},
        Row{"impossible_permit", R"(permit(principal, action == Writ::Action::"connect", resource) when { false };)", "[permit-never-applies] p.cedar:1:"},
        Row{"silenced_impossible_permit", R"(@allow("permit-never-applies") permit(principal, action == Writ::Action::"connect", resource) when { false };)", ""},
        Row{"impossible_forbid", R"(forbid(principal, action == Writ::Action::"connect", resource) when { false };)", ": error: policy `p.cedar:1`"}),
    [](const auto& row) { return row.param.name; });
#define FORBID_CRM R"(@id("no-crm") forbid(principal, action, resource in Writ::Server::"crm"); )"
INSTANTIATE_TEST_SUITE_P(
    Shadowed, PolicyWarnings,
    testing::Values(
        Row{"by_scope", FORBID_CRM R"(permit(principal in Writ::Group::"eng", action == Writ::Action::"connect", resource == Writ::Server::"crm");)",
            "this permit never allows anything: it is always forbidden by `no-crm` (p.cedar:1:1)"},
        Row{"by_a_group_above", R"(forbid(principal in Writ::Group::"eng", action == Writ::Action::"connect", resource); permit(principal in Writ::Group::"eng-web", action == Writ::Action::"connect", resource);)", "[permit-shadowed]"},
        Row{"not_by_a_group_below", R"(forbid(principal in Writ::Group::"eng-web", action == Writ::Action::"connect", resource); permit(principal in Writ::Group::"eng", action == Writ::Action::"connect", resource);)", ""},
        Row{"by_a_server_group", R"(forbid(principal, action, resource in Writ::ServerGroup::"prod"); permit(principal, action == Writ::Action::"grant_scope", resource == Writ::Scope::"github/read");)", "[permit-shadowed]"},
        Row{"not_at_another_server", FORBID_CRM R"(permit(principal, action == Writ::Action::"connect", resource);)", ""},
        Row{"by_the_same_condition", R"(forbid(principal, action, resource) when { context.auth.acr == "" }; permit(principal, action == Writ::Action::"connect", resource) when { principal has email && context.auth.acr == "" };)", "[permit-shadowed]"},
        Row{"not_with_a_condition_of_its_own", R"(forbid(principal, action, resource) when { context.auth.acr == "" }; permit(principal, action == Writ::Action::"connect", resource) when { principal has email };)", ""},
        Row{"not_with_an_unless", R"(forbid(principal, action, resource) unless { principal has email }; permit(principal, action == Writ::Action::"connect", resource);)", ""},
        Row{"not_when_an_approval_lifts_it", R"(@require_approval("eng") forbid(principal, action in Writ::Action::"call", resource); permit(principal, action in Writ::Action::"call", resource in Writ::Server::"crm");)", ""},
        Row{"not_when_it_is_only_tried_out", "@shadow " FORBID_CRM R"(permit(principal, action == Writ::Action::"connect", resource == Writ::Server::"crm");)", ""},
        // The tool is known to be destructive, so the condition holds whoever calls it.
        Row{"by_what_is_known_of_the_tool", R"(@id("no-destruction") forbid(principal, action in Writ::Action::"call", resource) when { resource.destructive && !resource.readOnly }; permit(principal, action == Writ::Action::"github/delete_repo", resource);)",
            "what it permits is forbidden for everybody by `no-destruction`"},
        Row{"not_by_what_is_known_of_another", R"(forbid(principal, action in Writ::Action::"call", resource) when { resource.destructive && !resource.readOnly }; permit(principal, action == Writ::Action::"github/get_issue", resource);)", ""},
        Row{"silenced_shadow", FORBID_CRM R"(@allow("permit-shadowed") permit(principal, action == Writ::Action::"connect", resource == Writ::Server::"crm");)", ""}),
    [](const auto& row) { return row.param.name; });
INSTANTIATE_TEST_SUITE_P(
    Destructive, PolicyWarnings,
    testing::Values(
        Row{"unconditional", R"(permit(principal in Writ::Group::"eng", action in Writ::Action::"call", resource in Writ::Server::"github");)",
            "[unconditional-destructive] p.cedar:1:1: warning: policy `p.cedar:1`: permits `github/delete_repo` without any condition, and it is destructive"},
        Row{"by_name", R"(permit(principal, action == Writ::Action::"github/delete_repo", resource);)", "[unconditional-destructive]"},
        Row{"with_a_condition", R"(permit(principal, action in Writ::Action::"call", resource) when { context.auth.acr == "mfa" };)", ""},
        Row{"guarded_by_a_forbid", R"(permit(principal, action in Writ::Action::"call", resource); forbid(principal, action in Writ::Action::"call", resource) when { resource.destructive && context.auth.acr != "mfa" };)", ""},
        Row{"read_only", R"(permit(principal, action == Writ::Action::"github/get_issue", resource);)", ""},
        Row{"silenced_destruction", R"(@allow("unconditional-destructive") permit(principal, action in Writ::Action::"call", resource);)", ""}),
    [](const auto& row) { return row.param.name; });

std::string row(const std::string& group, const std::string& agents, const std::string& servers, const std::string& scopes, const std::string& tools) {
  return "  - {group: " + group + ", agents: " + agents + ", servers: " + servers + ", scopes: " + scopes + ", tools: " + tools + "}\n";
}
std::string rows(const std::string& first, const std::string& second) { return judged("grants:\n" + first + second, ""); }

TEST(GrantWarnings, SayWhichRowsAreCovered) {
  const std::string wide = row("eng", "all", "[crm]", "all", "all");
  const char* covered = "[grant-covered] grants.yaml:3:5: warning: this row permits nothing that `grants.yaml:2` does not";
  EXPECT_THAT(rows(wide, row("eng", "[cursor]", "[crm]", "[]", "[get_*]")), HasSubstr(covered));
  EXPECT_THAT(rows(wide, row("eng-web", "all", "[crm]", "all", "all")), HasSubstr(covered)) << "its people are in `eng` too";
  EXPECT_THAT(rows(wide, wide), HasSubstr(covered)) << "of two equal rows the later one";
  EXPECT_THAT(rows(row("eng", "[cursor]", "[crm]", "[]", "[get_*]"), row("eng", "[cursor]", "[crm]", "[]", "[get_x, get_y]")), HasSubstr(covered));
  for (const std::string& not_covered : {row("sales", "all", "[crm]", "all", "all"), row("eng", "all", "[crm, github]", "all", "[get_issue]")}) EXPECT_EQ(rows(wide, not_covered), "") << not_covered;
  EXPECT_EQ(rows(row("eng", "[cursor]", "[crm]", "all", "[get_*]"), row("eng", "[cursor]", "[crm]", "all", "[g*]")), "");
  EXPECT_EQ(rows(row("eng", "[cursor]", "[crm]", "all", "[get_x]"), row("eng", "[desk]", "[crm]", "all", "[get_x]")), "");
}

TEST(GrantWarnings, AskThatDestructiveToolsAreNamed) {
  for (const char* tools : {"all", "['*']", "[delete_*]"}) {
    EXPECT_THAT(rows(row("eng", "all", "[github]", "all", tools), ""),
                HasSubstr("[unconditional-destructive] grants.yaml:2:5: warning: permits `github/delete_repo` without any condition, and it is destructive; name it in `tools` if that is meant"))
        << tools;
  }
  EXPECT_EQ(rows(row("eng", "all", "[github]", "all", "[delete_repo]"), ""), "");
  EXPECT_EQ(rows(row("eng", "all", "[github]", "all", "[get_*]"), ""), "");
}

TEST(GrantWarnings, SayWhenAForbidStandsBeforeARow) {
  EXPECT_THAT(judged("grants:\n" + row("eng", "all", "[crm]", "all", "all"), FORBID_CRM), HasSubstr("[permit-shadowed] grants.yaml:2:5: warning: what this row permits here is always forbidden by `no-crm`"));
}

}  // namespace
}  // namespace writ::policy
