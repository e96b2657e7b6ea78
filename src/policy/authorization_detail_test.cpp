// Details as Cedar policies see them: an action of their own, which nothing permits that does not name it.
#include "policy/authorization_detail.h"

#include <gtest/gtest.h>

#include "policy/cedar_policy.h"
#include "policy/vocabulary.h"

namespace writ::policy {
namespace {

std::shared_ptr<const CedarPolicy> compile(const std::string& text, std::vector<AccessGrant> grants = {}) {
  auto compiled = CedarPolicy::compile({std::move(grants), {{"policies/test.cedar", text}}, "v1"});
  EXPECT_TRUE(compiled) << (compiled ? "" : compiled.error().front().message);
  return compiled ? *compiled : nullptr;
}

Question connect_question() {
  Question question;
  question.action = Action::connect;
  question.principal.id = "usr_alice";
  question.principal.groups = {"eng"};
  question.agent.id = "cursor";
  question.server.id = "bank";
  question.now = from_unix_seconds(1'795'000'000);
  return question;
}
bool allows(const CedarPolicy& policy, const char* detail) {
  const json::Value value = *json::parse(detail);
  const Question question = detail_question(connect_question(), value);
  const Decision decision = policy.decide(question);
  EXPECT_EQ(policy.could_allow(question), decision.allowed) << detail;
  return decision.allowed;
}

constexpr const char* kRead = R"({"type":"payment","actions":["read"]})";

TEST(AuthorizationDetail, IsDeniedUnlessAPolicyNamesIt) {
  EXPECT_FALSE(allows(*compile(""), kRead));
  EXPECT_FALSE(allows(*compile("", {{"grants.yaml:1", "eng", {.all = true}, "bank", {.all = true}, {.all = true}}}), kRead)) << "a row of the grants table is about connecting, scopes and use";
  EXPECT_FALSE(allows(*compile(R"(permit(principal, action in [Writ::Action::"connect", Writ::Action::"grant_scope", Writ::Action::"use"], resource);)"), kRead));
  EXPECT_TRUE(allows(*compile(R"(permit(principal, action == Writ::Action::"grant_detail", resource == Writ::Server::"bank");)"), kRead));
  EXPECT_FALSE(allows(*compile(R"(permit(principal, action == Writ::Action::"grant_detail", resource == Writ::Server::"notes");)"), kRead));
}

TEST(AuthorizationDetail, StandsInTheContextWithItsMembers) {
  const auto policy = compile(R"(permit(principal in Writ::Group::"eng", action == Writ::Action::"grant_detail", resource) when {
    context.detail.type == "payment" && context.detail has actions && ["read", "list"].containsAll(context.detail.actions) && !(context.detail has identifier && context.detail.identifier == "acct-9") };)");
  EXPECT_TRUE(allows(*policy, kRead));
  EXPECT_TRUE(allows(*policy, R"({"type":"payment","actions":["list","read"],"identifier":"acct-1","locations":["https://m.example"],"datatypes":["d"],"privileges":["p"]})"));
  EXPECT_FALSE(allows(*policy, R"({"type":"payment","actions":["read","pay"]})"));
  EXPECT_FALSE(allows(*policy, R"({"type":"payment"})"));
  EXPECT_FALSE(allows(*policy, R"({"type":"note","actions":["read"]})"));
  EXPECT_FALSE(allows(*policy, R"({"type":"payment","actions":["read"],"identifier":"acct-9"})"));
}

TEST(AuthorizationDetail, IsForbiddenByWhatForbids) {
  const auto policy = compile(R"(permit(principal, action == Writ::Action::"grant_detail", resource);
    @id("no-pay") forbid(principal, action == Writ::Action::"grant_detail", resource) when { context.detail has actions && context.detail.actions.contains("pay") };)");
  EXPECT_TRUE(allows(*policy, kRead));
  const json::Value pay = *json::parse(R"({"type":"payment","actions":["pay"]})");
  const Decision decision = policy->decide(detail_question(connect_question(), pay));
  EXPECT_EQ(decision.kind, Kind::forbidden);
  EXPECT_EQ(decision.policies, std::vector<std::string>{"no-pay"});
}

TEST(AuthorizationDetail, IsNoScopeAndNoConnection) {
  const json::Value detail = *json::parse(kRead);
  EXPECT_TRUE(is_about_detail(detail_question(connect_question(), detail)));
  EXPECT_FALSE(is_about_detail(connect_question()));
  Question scope = connect_question();
  scope.action = Action::grant_scope;
  EXPECT_FALSE(is_about_detail(scope)) << "a question about no scope is about nothing";
  scope.arguments = &detail;
  scope.scope = ScopeFacts{"read", false};
  EXPECT_FALSE(is_about_detail(scope));
}

TEST(AuthorizationDetail, IsOfTheVocabulary) {
  EXPECT_NE(schema_text({}).find("action grant_detail appliesTo { principal: User, resource: Server"), std::string::npos);
}

}  // namespace
}  // namespace writ::policy
