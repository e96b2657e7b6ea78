#include "policy/step_up.h"

#include <gtest/gtest.h>

#include "policy/cedar_policy.h"

namespace writ::policy {
namespace {

std::vector<registry::AuthenticationLevel> levels() {
  registry::AuthenticationLevel fresh, mfa, strong;
  fresh.id = "fresh", fresh.strength = 1, fresh.max_age_seconds = 300;
  mfa.id = "mfa", mfa.strength = 2, mfa.acr = "urn:t:mfa", mfa.expected_amr = {"pwd", "otp", "mfa"};
  strong.id = "strong", strong.strength = 3, strong.acr = "urn:t:ask", strong.expected_acr = "urn:t:strong", strong.expected_amr = {"hwk", "mfa"};
  strong.max_age_seconds = 600;
  return {fresh, mfa, strong};
}

Question question(Action action) {
  Question asked;
  asked.action = action;
  asked.principal.id = "usr_alice";
  asked.principal.issuer = "https://idp.example";
  asked.agent = {"cursor", {}, "", "client_secret"};
  asked.server.id = "github";
  asked.issuer = "https://idp.example";
  asked.authentication = {"urn:t:pwd", {"pwd"}, Seconds{7200}};
  asked.now = from_unix_seconds(1'795'000'000);
  if (action == Action::grant_scope) asked.scope = ScopeFacts{"repo", false};
  if (action == Action::call) asked.tool.emplace().name = "delete_repo";
  return asked;
}

struct Row {
  const char* name;
  const char* policy;
  const char* level;       // the one that is asked for; empty: none would help
  const char* acr_values = "";
  std::int64_t max_age = 0;
};
class WeakestLevel : public testing::TestWithParam<Row> {};

TEST_P(WeakestLevel, IsAskedForExactlyWhenItAloneStandsInTheWay) {
  const auto compiled = CedarPolicy::compile({{}, {{"policies/t.cedar", std::string("permit(principal, action, resource) when { resource != Writ::Server::\"none\" };\n") + GetParam().policy}}, "v1"});
  ASSERT_TRUE(compiled) << compiled.error().front().message;
  const std::vector<Chain> ways{{question(Action::connect), question(Action::grant_scope), question(Action::call)}};
  ASSERT_FALSE((*compiled)->decide(ways.front()[2]).allowed && (*compiled)->decide(ways.front()[0]).allowed && (*compiled)->decide(ways.front()[1]).allowed)
      << "the row denies as things are";
  const auto found = step_up(ways, **compiled, levels());
  EXPECT_EQ(found ? found->level : "", GetParam().level);
  if (!found) return;
  EXPECT_EQ(found->acr_values, GetParam().acr_values);
  EXPECT_EQ(found->max_age_seconds.value_or(0), GetParam().max_age);
}

INSTANTIATE_TEST_SUITE_P(
    Policies, WeakestLevel,
    testing::Values(
        Row{"a_fresh_sign_in_is_enough", "forbid(principal, action, resource) unless { context.auth.age <= duration(\"5m\") };", "fresh", "", 300},
        Row{"fresher_than_any_level_promises", "forbid(principal, action, resource) unless { context.auth.age <= duration(\"4m\") };", ""},
        Row{"a_second_factor", "forbid(principal, action in Writ::Action::\"call\", resource) unless { context.auth.amr.contains(\"mfa\") };", "mfa", "urn:t:mfa"},
        Row{"its_acr_by_name", "forbid(principal, action in Writ::Action::\"call\", resource) unless { context.auth.acr == \"urn:t:mfa\" };", "mfa", "urn:t:mfa"},
        Row{"what_comes_back_counts_not_what_is_asked", "forbid(principal, action, resource) unless { context.auth.acr == \"urn:t:strong\" };", "strong", "urn:t:ask", 600},
        Row{"what_is_asked_comes_back_from_no_level", "forbid(principal, action, resource) unless { context.auth.acr == \"urn:t:ask\" };", ""},
        // The level without max_age does not promise freshness: the old sign-in may have had it.
        Row{"factor_and_freshness", "forbid(principal, action, resource) unless { context.auth.amr.contains(\"mfa\") && context.auth.age <= duration(\"1h\") };", "strong", "urn:t:ask", 600},
        Row{"no_level_has_it", "forbid(principal, action, resource) unless { context.auth.amr.contains(\"retina\") };", ""},
        Row{"another_forbid_stands", "forbid(principal, action, resource) unless { context.auth.amr.contains(\"mfa\") }; forbid(principal, action in Writ::Action::\"call\", resource) when { resource.destructive };", ""},
        Row{"nothing_permits", "forbid(principal, action, resource);", ""},
        Row{"earlier_in_the_chain", "forbid(principal, action == Writ::Action::\"connect\", resource) unless { context.auth.amr.contains(\"mfa\") };", "mfa", "urn:t:mfa"},
        // With a second factor the call would pass, and the way to it would be closed.
        Row{"the_level_closes_the_way_there", "forbid(principal, action in Writ::Action::\"call\", resource) unless { context.auth.amr.contains(\"mfa\") }; forbid(principal, action == Writ::Action::\"grant_scope\", resource) when { context.auth.amr.contains(\"mfa\") };", ""}),
    [](const auto& row) { return row.param.name; });

TEST(StepUp, AnyOfSeveralWaysIsEnough) {
  const auto compiled = CedarPolicy::compile({{}, {{"policies/t.cedar",
      "permit(principal, action, resource);\nforbid(principal, action == Writ::Action::\"grant_scope\", resource == Writ::Scope::\"github/admin\");\n"
      "forbid(principal, action == Writ::Action::\"grant_scope\", resource) unless { context.auth.amr.contains(\"mfa\") };"}}, "v1"});
  ASSERT_TRUE(compiled);
  Question closed = question(Action::grant_scope), open = question(Action::grant_scope);
  closed.scope->name = "admin";
  const std::vector<Chain> one{{closed}}, both{{closed}, {open}};
  EXPECT_FALSE(step_up(one, **compiled, levels()));
  ASSERT_TRUE(step_up(both, **compiled, levels()));
  EXPECT_EQ(step_up(both, **compiled, levels())->level, "mfa");
}

TEST(StepUp, NothingIsOfferedWithoutLevelsOrWithoutQuestions) {
  const auto compiled = CedarPolicy::compile({{}, {{"policies/t.cedar", "permit(principal, action, resource);"}}, "v1"});
  ASSERT_TRUE(compiled);
  const std::vector<Chain> ways{{question(Action::connect)}}, empty{Chain{}};
  EXPECT_FALSE(step_up(ways, **compiled, {}));
  EXPECT_FALSE(step_up(empty, **compiled, levels()));
  EXPECT_FALSE(step_up({}, **compiled, levels()));
}

TEST(StepUp, UnknownAuthenticationStaysUnknownWhereTheLevelSaysNothing) {
  const Authentication unknown;
  const auto all = levels();
  EXPECT_EQ(at_level(unknown, all[0]).age, Seconds{300});
  EXPECT_EQ(at_level(unknown, all[0]).acr, "");
  EXPECT_EQ(at_level(unknown, all[1]).age, Seconds{std::chrono::days{36500}});
  EXPECT_EQ(at_level(unknown, all[2]).acr, "urn:t:strong");
}

}  // namespace
}  // namespace writ::policy
