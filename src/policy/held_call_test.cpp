#include <gtest/gtest.h>

#include "policy/cedar_policy.h"

namespace writ::policy {
namespace {

std::shared_ptr<const CedarPolicy> compile(const std::string& text) {
  auto compiled = CedarPolicy::compile({{}, {{"policies/test.cedar", text}}, "v1"});
  EXPECT_TRUE(compiled) << (compiled ? "" : compiled.error().front().message);
  return compiled ? *compiled : nullptr;
}

Question question_of(Action action) {
  Question question;
  question.action = action;
  question.principal.id = "usr_alice";
  question.agent.id = "cursor";
  question.server.id = "github";
  if (action == Action::call) question.tool.emplace().name = "delete_repo";
  if (action == Action::grant_scope) question.scope = ScopeFacts{"write", false};
  question.now = from_unix_seconds(1'795'000'000);
  return question;
}

constexpr const char* kPermit = "permit(principal, action, resource);\n";
constexpr const char* kOps = "@id(\"ops-look\") @require_approval(\"ops\") @message(\"ops look at this\") forbid(principal, action in Writ::Action::\"call\", resource);\n";
constexpr const char* kSecurity = "@id(\"security-look\") @require_approval(\"security\") forbid(principal, action in Writ::Action::\"call\", resource);\n";
constexpr const char* kFinal = "@id(\"never\") @message(\"never\") forbid(principal, action in Writ::Action::\"call\", resource);\n";

struct Row {
  const char* name;
  std::string policies;
  Kind kind;
  std::vector<std::string> determining;
  std::vector<ApprovalNeeded> approvals;
  const char* message = "";
};
class HeldCall : public testing::TestWithParam<Row> {};

// Rules §4.6: other forbids first, then whether anything permits, and only then is it held.
TEST_P(HeldCall, FollowsTheOrder) {
  const Decision decision = compile(GetParam().policies)->decide(question_of(Action::call));
  EXPECT_FALSE(decision.allowed);
  EXPECT_EQ(decision.kind, GetParam().kind) << to_string(decision.kind);
  EXPECT_EQ(decision.policies, GetParam().determining);
  EXPECT_EQ(decision.approvals, GetParam().approvals);
  EXPECT_EQ(decision.message, GetParam().message);
}
INSTANTIATE_TEST_SUITE_P(
    Rules, HeldCall,
    testing::Values(Row{"one_forbid_that_an_approval_lifts", std::string(kPermit) + kOps, Kind::approval_pending, {"ops-look"}, {{"ops-look", "ops"}}, "ops look at this"},
                    Row{"two_forbids_with_two_groups", std::string(kSecurity) + kPermit + kOps, Kind::approval_pending, {"security-look", "ops-look"}, {{"ops-look", "ops"}, {"security-look", "security"}}, "ops look at this"},
                    Row{"a_forbid_without_approval_beside_it", std::string(kPermit) + kOps + kFinal, Kind::forbidden, {"never"}, {}, "never"},
                    Row{"nothing_permits", kOps, Kind::no_permit, {}, {}},
                    Row{"only_a_failing_permit", std::string(kOps) + "permit(principal, action, resource) when { principal.email == \"x\" };", Kind::no_permit, {}, {}},
                    Row{"a_failing_forbid_that_an_approval_would_lift", std::string(kPermit) + "@id(\"broken\") @require_approval(\"ops\") forbid(principal, action, resource) when { principal.email == \"x\" };",
                        Kind::policy_error, {"broken"}, {}},
                    Row{"a_failing_forbid_beside_it", std::string(kPermit) + kOps + "@id(\"broken\") forbid(principal, action, resource) when { principal.email == \"x\" };", Kind::policy_error, {"broken"}, {}}),
    [](const auto& row) { return row.param.name; });

// Only calls have a digest to bind an approval to; elsewhere the forbid forbids.
TEST(HeldCalls, OnlyCallsAreHeld) {
  const auto policy = compile(std::string(kPermit) + "@require_approval(\"ops\") forbid(principal, action, resource);");
  for (const Action action : {Action::connect, Action::grant_scope, Action::read_resource, Action::get_prompt}) {
    EXPECT_EQ(policy->decide(question_of(action)).kind, Kind::forbidden) << to_string(action);
    EXPECT_FALSE(policy->could_allow(question_of(action))) << to_string(action);
  }
  EXPECT_EQ(policy->decide(question_of(Action::call)).kind, Kind::approval_pending);
}

// Rules §4.5: listed, because an approval may come.
TEST(HeldCalls, AreListed) {
  EXPECT_TRUE(compile(std::string(kPermit) + kOps)->could_allow(question_of(Action::call)));
  EXPECT_FALSE(compile(std::string(kPermit) + kOps + kFinal)->could_allow(question_of(Action::call)));
  EXPECT_FALSE(compile(kOps)->could_allow(question_of(Action::call)));
  EXPECT_FALSE(compile(std::string(kPermit) + "@require_approval(\"ops\") forbid(principal, action, resource) when { principal.email == \"x\" };")->could_allow(question_of(Action::call)));
}

struct Misuse {
  const char* name;
  const char* policies;
  const char* says;
};
class MisuseOfRequireApproval : public testing::TestWithParam<Misuse> {};
TEST_P(MisuseOfRequireApproval, RefusesTheBundle) {
  const auto compiled = CedarPolicy::compile({{}, {{"policies/test.cedar", GetParam().policies}}, "v1"});
  ASSERT_FALSE(compiled);
  EXPECT_EQ(compiled.error().front().line, 2U);
  EXPECT_NE(compiled.error().front().message.find(GetParam().says), std::string::npos) << compiled.error().front().message;
}
INSTANTIATE_TEST_SUITE_P(Rules, MisuseOfRequireApproval,
                         testing::Values(Misuse{"on_a_permit", "\n@require_approval(\"ops\") permit(principal, action, resource);", "stands on a `forbid`"},
                                         Misuse{"without_a_group", "\n@require_approval forbid(principal, action, resource);", "needs the group"},
                                         Misuse{"on_a_shadow_permit", "\n@shadow @require_approval(\"ops\") permit(principal, action, resource);", "stands on a `forbid`"}),
                         [](const auto& row) { return row.param.name; });

// What is told: every determining policy's message once, in the order of the policies, without what nobody sees, within bounds.
TEST(WhatIsTold, SeveralPoliciesInTheirOrder) {
  const Decision decision = compile(R"(@message("first") @alternative("a") forbid(principal, action, resource);
@message("second") @alternative("b") forbid(principal, action, resource);
@message("first") @alternative("a") forbid(principal, action, resource);)")->decide(question_of(Action::call));
  EXPECT_EQ(decision.message, "first second");
  EXPECT_EQ(decision.alternatives, (std::vector<std::string>{"a", "b"}));
}

TEST(WhatIsTold, HasNothingHidden) {
  const Decision decision = compile("@message(\"ask\\u{202e} ops\\u{e0041}\\n now\") forbid(principal, action, resource);")->decide(question_of(Action::call));
  EXPECT_EQ(decision.message, "ask ops now");
}

TEST(WhatIsTold, IsBounded) {
  std::string policies;
  for (int i = 0; i < 20; ++i) {
    const std::string number = std::to_string(100 + i);
    policies += "@message(\"" + std::string(300, 'x') + number + "\") @alternative(\"" + std::string(300, 'y') + number + "\") forbid(principal, action, resource);\n";
  }
  const Decision decision = compile(policies)->decide(question_of(Action::call));
  EXPECT_EQ(decision.message.size(), 3u * 303 + 2);
  ASSERT_EQ(decision.alternatives.size(), 1u);   // alike up to the cut
  EXPECT_EQ(decision.alternatives[0].size(), 200u);
  EXPECT_TRUE(decision.alternatives[0].ends_with("…"));
  EXPECT_EQ(compile("@message(\"" + std::string(3000, 'z') + "\") forbid(principal, action, resource);")->decide(question_of(Action::call)).message.size(), 1000u);
}

}  // namespace
}  // namespace writ::policy
