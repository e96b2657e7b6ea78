// Leg 2: step-up and decision points at the resource authorization server, whose policy looks at the sign-in that the ID-JAG tells of.
#include <gtest/gtest.h>

#include "policy/cedar_policy.h"
#include "policy/decision_points_fixture.h"
#include "token_service/resource_as/world_fixture.h"

namespace writ::token_service::resource_as::test {
namespace {

constexpr const char* kPermit = "permit(principal in Writ::Group::\"eng\", action, resource);\n";

void set_policy(World& world, const std::string& text) {
  const auto compiled = policy::CedarPolicy::compile({{}, {{"policies/t.cedar", kPermit + text}}, "v1"});
  ASSERT_TRUE(compiled) << compiled.error().front().message;
  world.policy.set(*compiled);
}

void set_levels(World& world) {
  world.change_objects([](registry::Objects& objects) {
    registry::AuthenticationLevel fresh, strong;
    fresh.id = "fresh", fresh.strength = 1, fresh.max_age_seconds = 30;
    strong.id = "strong", strong.strength = 2, strong.acr = "urn:t:hw", strong.expected_amr = {"hwk"};
    objects.authentication_levels = {fresh, strong};
  });
}

struct Row {
  const char* name;
  const char* policy;
  const char* error;       // empty: a token
  const char* reason;
  const char* acr_values = "";
  std::int64_t max_age = 0;
};
class StepUpAtLeg2 : public testing::TestWithParam<Row> {};

// The ID-JAG tells of a sign-in by pwd and otp, a minute ago.
TEST_P(StepUpAtLeg2, IsAskedForOnlyWhereItHelps) {
  World world;
  set_levels(world);
  set_policy(world, GetParam().policy);
  const Answer answer = world.redeem(world.good_id_jag());
  EXPECT_EQ(answer.text("error"), GetParam().error) << answer.response.body;
  EXPECT_EQ(world.last_record().reason, GetParam().reason);
  EXPECT_EQ(answer.text("acr_values"), GetParam().acr_values);
  const auto* age = answer.body.find_int("max_age");
  EXPECT_EQ(age ? *age : 0, GetParam().max_age);
  if (std::string(GetParam().error) != "invalid_scope" && *GetParam().error) {
    EXPECT_TRUE(answer.text("denial_code").starts_with("W-")) << answer.response.body;
    EXPECT_EQ(answer.response.status, 400);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Policies, StepUpAtLeg2,
    testing::Values(Row{"nothing_is_asked", "", "", "issued"},
                    Row{"a_fresh_sign_in", "forbid(principal, action, resource) unless { context.auth.age <= duration(\"30s\") };", "insufficient_user_authentication",
                        "insufficient_user_authentication", "", 30},
                    Row{"a_hardware_key", "forbid(principal, action == Writ::Action::\"grant_scope\", resource) unless { context.auth.amr.contains(\"hwk\") };",
                        "insufficient_user_authentication", "insufficient_user_authentication", "urn:t:hw"},
                    Row{"another_forbid_stands", "forbid(principal, action, resource) unless { context.auth.amr.contains(\"hwk\") }; forbid(principal, action, resource in Writ::Server::\"notes\");",
                        "access_denied", "forbidden"},
                    Row{"no_level_has_it", "forbid(principal, action, resource) unless { context.auth.amr.contains(\"retina\") };", "access_denied", "forbidden"},
                    Row{"no_scope_even_so", "forbid(principal, action == Writ::Action::\"grant_scope\", resource);", "invalid_scope", "no_grantable_scope"}),
    [](const auto& row) { return row.param.name; });

TEST(StepUpAtLeg2, burns_no_id_jag) {
  World world;
  set_levels(world);
  set_policy(world, "forbid(principal, action, resource) unless { context.auth.amr.contains(\"hwk\") };");
  const std::string id_jag = world.good_id_jag();
  EXPECT_EQ(world.redeem(id_jag).text("error"), "insufficient_user_authentication");
  set_policy(world, "");
  EXPECT_EQ(world.redeem(id_jag).response.status, 200);
}

TEST(DecisionPointsAtLeg2, ServersWithoutOneToAskAreRefused) {
  World world;   // its server was built without anybody to ask
  world.change_objects([](registry::Objects& objects) { objects.decision_points = {policy::decision_point_of_all_servers()}; });
  const std::string id_jag = world.good_id_jag();
  const Answer answer = world.redeem(id_jag);
  EXPECT_EQ(answer.text("error"), "access_denied");
  EXPECT_EQ(world.last_record().reason, "external_unavailable");
  world.change_objects([](registry::Objects& objects) { objects.decision_points.front().active = false; });
  EXPECT_EQ(world.redeem(id_jag).response.status, 200) << "a refusal used nothing up";
}

TEST(DecisionPointsAtLeg2, NarrowAndRefuse) {
  World world;
  policy::WrittenDecisionPoint decision_point;
  world.change_objects([](registry::Objects& objects) { objects.decision_points = {policy::decision_point_of_all_servers()}; });
  ResourceAuthorizationServer server(world.settings, Parts{.log = world.log, .registry = world.registry, .policy = world.policy, .revocations = *world.revocations,
                                                           .signing_keys = world.signing_keys, .issuer_keys = world.issuer_keys, .device_keys = &world.device_keys,
                                                           .clock = world.clock, .decision_points = &decision_point});
  http::Router router;
  add_routes(router, server);
  const auto redeem = [&] {
    const auto request = World::grant_request(world.good_id_jag());
    Answer answer{run(router.handle(request)), {}};
    answer.body = *json::parse(answer.response.body);
    return answer;
  };
  EXPECT_EQ(redeem().text("scope"), "notes:read notes:write");
  EXPECT_EQ(decision_point.rounds, 1);
  EXPECT_EQ(policy::member_of(world.last_record(), "decision_point_answer"), "allow");

  decision_point.rule = [](const policy::Question& q) { return !q.scope || q.scope->name == "notes:read"; };
  const Answer narrowed = redeem();
  EXPECT_EQ(narrowed.text("scope"), "notes:read");
  EXPECT_EQ(*world.claims_of_access_token(narrowed).find_string("scope"), "notes:read");
  EXPECT_EQ(policy::member_of(world.last_record(), "dropped_by_decision_points"), "notes:write");

  decision_point.rule = [](const policy::Question& q) { return q.scope.has_value(); };
  EXPECT_EQ(redeem().text("error"), "access_denied");
  EXPECT_EQ(world.last_record().reason, "external_denied");
  decision_point.answers_too_few = true;
  EXPECT_EQ(redeem().text("error"), "access_denied");
  EXPECT_EQ(world.last_record().reason, "external_unavailable");
}

}  // namespace
}  // namespace writ::token_service::resource_as::test
