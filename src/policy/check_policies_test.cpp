#include "policy/check_policies.h"

#include <gtest/gtest.h>

namespace writ::policy {
namespace {

struct Row {
  const char* name;
  const char* text;
  std::size_t errors, warnings;
};
class PolicyChecks : public testing::TestWithParam<Row> {};

TEST_P(PolicyChecks, FindWhatCannotBeMeant) {
  const auto compiled = CedarPolicy::compile({{}, {{"p.cedar", GetParam().text}}, "v"});
  ASSERT_TRUE(compiled) << compiled.error().front().message;
  KnownTool tool{"github", "delete_repo", read_argument_type(*json::parse(R"({"type":"object","properties":{"repo":{"type":"string"}},"required":["repo"]})"))};
  const auto check = check_policies(**compiled, {"github"}, {tool});
  EXPECT_EQ(check.errors.size(), GetParam().errors) << (check.errors.empty() ? "" : check.errors.front().message);
  EXPECT_EQ(check.warnings.size(), GetParam().warnings) << (check.warnings.empty() ? "" : check.warnings.front().message);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, PolicyChecks,
    testing::Values(Row{"good_permit", R"(permit(principal in Writ::Group::"eng", action in Writ::Action::"use", resource in Writ::Server::"github");)", 0, 0},
                    Row{"good_forbid_on_calls", R"(forbid(principal, action in Writ::Action::"call", resource) when { resource.destructive };)", 0, 0},
                    Row{"unknown_type", R"(forbid(principal in Writ::Grup::"eng", action, resource);)", 1, 0},
                    Row{"unknown_attribute", R"(permit(principal, action == Writ::Action::"connect", resource) when { principal.mail == "x" };)", 1, 0},
                    Row{"unguarded_optional_attribute", R"(permit(principal, action == Writ::Action::"connect", resource) when { principal.email == "x" };)", 1, 0},
                    Row{"group_action_with_equals", R"(permit(principal, action == Writ::Action::"use", resource);)", 1, 0},
                    Row{"impossible_forbid_is_an_error", R"(forbid(principal, action == Writ::Action::"connect", resource) when { false };)", 1, 0},
                    Row{"impossible_permit_is_a_warning", R"(permit(principal, action == Writ::Action::"connect", resource) when { false };)", 0, 1},
                    Row{"known_arguments", R"(permit(principal, action == Writ::Action::"github/delete_repo", resource) when { context.args.repo == "a" };)", 0, 0},
                    Row{"wrong_type_of_an_argument", R"(permit(principal, action == Writ::Action::"github/delete_repo", resource) when { context.args.repo == 1 };)", 1, 0},
                    Row{"unknown_tool_cannot_be_judged", R"(permit(principal, action == Writ::Action::"github/other", resource) when { context.args.repo == 1 };)", 0, 1},
                    Row{"arguments_of_any_tool_cannot_be_judged", R"(forbid(principal, action in Writ::Action::"call", resource) when { context.args has force };)", 0, 1}),
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
