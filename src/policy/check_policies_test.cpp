#include "policy/check_policies.h"

#include <gtest/gtest.h>

namespace writ::policy {
namespace {

struct Row {
  const char* name;
  const char* text;
  bool errors, warnings;
};
class PolicyChecks : public testing::TestWithParam<Row> {};

TEST_P(PolicyChecks, FindWhatCannotBeMeant) {
  const auto compiled = CedarPolicy::compile({{}, {{"p.cedar", GetParam().text}}, "v"});
  ASSERT_TRUE(compiled) << compiled.error().front().message;
  KnownTool tool{"github", "delete_repo", read_argument_type(*json::parse(R"({"type":"object","properties":{"repo":{"type":"string"}},"required":["repo"]})"))};
  const auto check = check_policies(**compiled, {"github"}, {tool});
  EXPECT_EQ(!check.errors.empty(), GetParam().errors) << (check.errors.empty() ? "" : check.errors.front().message);
  EXPECT_EQ(!check.warnings.empty(), GetParam().warnings) << (check.warnings.empty() ? "" : check.warnings.front().message);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, PolicyChecks,
    testing::Values(Row{"good_permit", R"(permit(principal in Writ::Group::"eng", action in Writ::Action::"use", resource in Writ::Server::"github");)", false, false},
                    Row{"good_forbid_on_calls", R"(forbid(principal, action in Writ::Action::"call", resource) when { resource.destructive };)", false, false},
                    Row{"unknown_type", R"(forbid(principal in Writ::Grup::"eng", action, resource);)", true, false},
                    Row{"unknown_attribute", R"(permit(principal, action == Writ::Action::"connect", resource) when { principal.mail == "x" };)", true, false},
                    Row{"unguarded_optional_attribute", R"(permit(principal, action == Writ::Action::"connect", resource) when { principal.email == "x" };)", true, false},
                    Row{"group_action_with_equals", R"(permit(principal, action == Writ::Action::"use", resource);)", true, false},
                    Row{"impossible_forbid_is_an_error", R"(forbid(principal, action == Writ::Action::"connect", resource) when { false };)", true, false},
                    Row{"impossible_permit_is_a_warning", R"(permit(principal, action == Writ::Action::"connect", resource) when { false };)", false, true},
                    Row{"known_arguments", R"(permit(principal, action == Writ::Action::"github/delete_repo", resource) when { context.args.repo == "a" };)", false, false},
                    Row{"wrong_type_of_an_argument", R"(permit(principal, action == Writ::Action::"github/delete_repo", resource) when { context.args.repo == 1 };)", true, false},
                    Row{"unknown_tool_cannot_be_judged", R"(permit(principal, action == Writ::Action::"github/other", resource) when { context.args.repo == 1 };)", false, true},
                    Row{"arguments_of_any_tool_cannot_be_judged", R"(forbid(principal, action in Writ::Action::"call", resource) when { context.args has force };)", false, true}),
    [](const auto& row) { return row.param.name; });

// What the grants table compiles to passes its own check.
TEST(PolicyChecksOfGrants, FindNothing) {
  for (const Names& scopes : {Names{true, {}}, Names{false, {"read"}}}) {
    for (const Names& tools : {Names{true, {}}, Names{false, {"get_*"}}, Names{}}) {
      const auto compiled = CedarPolicy::compile({{{"grants.yaml:1", "eng", {false, {"cursor", "desk"}}, "github", scopes, tools}}, {}, "v"});
      ASSERT_TRUE(compiled);
      const auto check = check_policies(**compiled, {"github"}, {});
      EXPECT_TRUE(check.errors.empty()) << check.errors.front().message;
      EXPECT_TRUE(check.warnings.empty()) << check.warnings.front().message;
    }
  }
}

}  // namespace
}  // namespace writ::policy
