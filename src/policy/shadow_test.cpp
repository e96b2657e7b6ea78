#include "policy/shadow.h"

#include <gtest/gtest.h>

#include <ctime>
#include <thread>

#include "policy/cedar_policy.h"

namespace writ::policy {
namespace {

std::shared_ptr<const CedarPolicy> compile(const std::string& text, const std::string& version = "v1", std::shared_ptr<const CedarPolicy> candidate = nullptr) {
  auto compiled = CedarPolicy::compile({{}, {{"policies/test.cedar", text}}, version, std::move(candidate)});
  EXPECT_TRUE(compiled) << (compiled ? "" : compiled.error().front().message);
  return compiled ? *compiled : nullptr;
}

Question a_call() {
  Question question;
  question.action = Action::call;
  question.principal.id = "usr_alice";
  question.agent.id = "cursor";
  question.server.id = "github";
  question.tool.emplace().name = "delete_repo";
  question.now = from_unix_seconds(1'795'000'000);
  return question;
}

constexpr const char* kPermit = "permit(principal, action, resource);\n";

struct Row {
  const char* name;
  std::string policies;
  Kind decided;
  std::optional<Kind> shadow;
  std::vector<std::string> shadow_policies;
};
class ShadowPolicies : public testing::TestWithParam<Row> {};
TEST_P(ShadowPolicies, DisagreeWithoutDeciding) {
  const Decision decision = compile(GetParam().policies)->decide(a_call());
  EXPECT_EQ(decision.kind, GetParam().decided);
  EXPECT_EQ(decision.allowed, GetParam().decided == Kind::allowed);
  ASSERT_EQ(decision.shadows.size(), GetParam().shadow ? 1u : 0u);
  if (!GetParam().shadow) return;
  EXPECT_EQ(decision.shadows[0].kind, *GetParam().shadow);
  EXPECT_EQ(decision.shadows[0].policies, GetParam().shadow_policies);
  EXPECT_EQ(decision.shadows[0].of, ShadowOutcome::Of::policies);
}
INSTANTIATE_TEST_SUITE_P(
    Rules, ShadowPolicies,
    testing::Values(Row{"forbid_that_would_block", std::string(kPermit) + "@id(\"s\") @shadow forbid(principal, action, resource);", Kind::allowed, Kind::forbidden, {"s"}},
                    Row{"permit_that_would_allow", "@id(\"s\") @shadow permit(principal, action, resource);", Kind::no_permit, Kind::allowed, {"s"}},
                    Row{"permit_beside_a_permit", std::string(kPermit) + "@id(\"s\") @shadow permit(principal, action, resource);", Kind::allowed, std::nullopt, {}},
                    Row{"permit_beside_a_forbid", "forbid(principal, action, resource); @id(\"s\") @shadow permit(principal, action, resource);", Kind::forbidden, std::nullopt, {}},
                    Row{"forbid_of_something_else", std::string(kPermit) + "@id(\"s\") @shadow forbid(principal, action, resource in Writ::Server::\"jira\");", Kind::allowed, std::nullopt, {}},
                    Row{"would_hold", std::string(kPermit) + "@id(\"s\") @shadow @require_approval(\"ops\") forbid(principal, action in Writ::Action::\"call\", resource);", Kind::allowed, Kind::approval_pending, {"s"}},
                    Row{"fails_closed_when_promoted_so_it_would_block", std::string(kPermit) + "@id(\"s\") @shadow forbid(principal, action, resource) when { principal.email == \"x\" };", Kind::allowed, Kind::policy_error, {"s"}},
                    Row{"by_place_without_an_id", std::string(kPermit) + "@shadow forbid(principal, action, resource);", Kind::allowed, Kind::forbidden, {"policies/test.cedar:2"}}),
    [](const auto& row) { return row.param.name; });

TEST(ShadowMode, AShadowPermitIsNotListed) { EXPECT_FALSE(compile("@shadow permit(principal, action, resource);")->could_allow(a_call())); }

TEST(ShadowMode, ACandidateIsAskedBesideAndNamed) {
  const auto candidate = compile("@id(\"new\") forbid(principal, action, resource);", "v2");
  const Decision decision = compile(kPermit, "v1", candidate)->decide(a_call());
  EXPECT_TRUE(decision.allowed);
  EXPECT_EQ(decision.version, "v1");
  ASSERT_EQ(decision.shadows.size(), 1u);
  EXPECT_EQ(decision.shadows[0].of, ShadowOutcome::Of::candidate);
  EXPECT_EQ(decision.shadows[0].version, "v2");
  EXPECT_EQ(decision.shadows[0].policies, std::vector<std::string>{"new"});
}

TEST(ShadowMode, RecordsBothKindsByMembersOfTheirOwn) {
  const auto candidate = compile("", "v2");
  const Decision decision = compile(std::string(kPermit) + "@id(\"s\") @shadow forbid(principal, action, resource);", "v1", candidate)->decide(a_call());
  std::vector<std::pair<std::string, std::string>> more;
  record_shadows(decision, more);
  record_shadows(about_scope(decision, "write"), more);   // of each kind the first
  EXPECT_EQ(more, (std::vector<std::pair<std::string, std::string>>{{"shadow_effect", "deny"}, {"shadow_policy", "s"}, {"candidate_effect", "deny"}, {"candidate_policy", "no_permit"}, {"candidate_version", "v2"}}));
}

TEST(ShadowMode, ADisagreementAboutAScopeNamesIt) {
  std::vector<std::pair<std::string, std::string>> more;
  record_shadows(about_scope(compile(kPermit, "v1", compile("", "v2"))->decide(a_call()), "write"), more);
  EXPECT_EQ(more[2], (std::pair<std::string, std::string>("candidate_scope", "write")));
}

TEST(ShadowMode, AgreementAddsNothing) {
  std::vector<std::pair<std::string, std::string>> more;
  record_shadows(compile(kPermit, "v1", compile(kPermit, "v2"))->decide(a_call()), more);
  EXPECT_TRUE(more.empty());
}

// One that fails or takes long never reaches the decision, and does not take long again soon.
TEST(ShadowMode, WhatFailsIsCountedAndIgnored) {
  const auto before = shadows_not_asked();
  EXPECT_FALSE(try_out([]() -> Decision { throw std::bad_alloc(); }, Kind::allowed));
  EXPECT_EQ(shadows_not_asked(), before + 1);
  EXPECT_TRUE(try_out([] { return Decision(); }, Kind::allowed));
}

TEST(ShadowMode, WhatIsSlowRests) {
  int asked = 0;
  const auto slow = [&] {
    ++asked;
    const std::clock_t begin = std::clock();   // computing, not waiting: only that counts
    while (std::clock() - begin < CLOCKS_PER_SEC * 5 / 1000) {
    }
    return Decision();
  };
  EXPECT_TRUE(try_out(slow, Kind::allowed));
  const auto before = shadows_not_asked();
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(try_out(slow, Kind::allowed));
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(shadows_not_asked(), before + 10);
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  EXPECT_TRUE(try_out(slow, Kind::allowed));
  std::this_thread::sleep_for(std::chrono::milliseconds(700));   // for tests after this one in the same process
}

}  // namespace
}  // namespace writ::policy
