// Leg 1: a better sign-in is asked for exactly where it alone stands in the way (rules §4.7; IDJAG-70 to 72), and decision points elsewhere are
// asked about what policy allows.
#include "policy/decision_points_fixture.h"
#include "token_service/idp/idp_fixture.h"
#include "token_service/idp/token_exchange_grant.h"

namespace writ::token_service::idp {
namespace {

using policy::Action;
using policy::Question;

bool has_mfa(const Question& question) {
  const auto& amr = question.authentication.amr;
  return std::find(amr.begin(), amr.end(), "mfa") != amr.end();
}

struct Leg1 {
  World world;
  Session session = world.begin_session();
  policy::WrittenDecisionPoint decision_point;
  std::string scope = "notes:read notes:write";

  Leg1() {
    world.change([](registry::Objects& objects) {
      registry::AuthenticationLevel fresh, mfa;
      fresh.id = "fresh", fresh.strength = 1, fresh.max_age_seconds = 300;
      mfa.id = "mfa", mfa.strength = 2, mfa.acr = "urn:t:mfa", mfa.expected_amr = {"pwd", "otp", "mfa"}, mfa.max_age_seconds = 900;
      objects.authentication_levels = {mfa, fresh};
    });
    world.advance(600);
  }
  void ask_elsewhere() {
    world.change([](registry::Objects& objects) { objects.decision_points = {policy::decision_point_of_all_servers()}; });
    world.idp.decision_points = &decision_point;
  }
  Outcome decide() {
    Pairs pairs{{"requested_token_type", std::string(oauth::kTokenTypeIdJag)}, {"audience", kOwnRas}, {"resource", kNotes}, {"scope", scope},
                {"subject_token_type", "urn:ietf:params:oauth:token-type:id_token"}, {"subject_token", world.id_token(session, "cursor-idp")}};
    TokenExchangeGrant grant(world.idp);
    return idp::decide(grant, token_request(world, std::move(pairs)), world.client("cursor"));
  }
};

std::string asked_for(const Outcome& outcome) {
  const auto* refused = std::get_if<Refused>(&outcome);
  if (!refused) return "granted";
  const json::Value members(refused->error.members);
  const auto* acr = members.find_string("acr_values");
  const auto* age = members.find_int("max_age");
  return error_of(outcome) + (acr ? " " + *acr : "") + (age ? " " + std::to_string(*age) : "");
}

struct Row {
  const char* name;
  std::function<bool(const Question&)> policy;
  const char* answer;
  const char* reason;
};
class StepUpAtLeg1 : public testing::TestWithParam<Row> {};

TEST_P(StepUpAtLeg1, IsAskedForOnlyWhereItHelps) {
  Leg1 leg;
  leg.world.allow(GetParam().policy);
  const Outcome outcome = leg.decide();
  EXPECT_EQ(asked_for(outcome), GetParam().answer);
  EXPECT_EQ(reason_of(outcome), GetParam().reason);
  if (const auto* refused = std::get_if<Refused>(&outcome)) {
    EXPECT_TRUE(refused->with_code);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Policies, StepUpAtLeg1,
    testing::Values(
        Row{"a_fresh_sign_in", [](const Question& q) { return q.authentication.age <= Seconds{300}; }, "insufficient_user_authentication 300", "insufficient_user_authentication"},
        Row{"a_second_factor", has_mfa, "insufficient_user_authentication urn:t:mfa 900", "insufficient_user_authentication"},
        Row{"a_second_factor_for_every_scope", [](const Question& q) { return q.action == Action::connect || has_mfa(q); }, "insufficient_user_authentication urn:t:mfa 900",
            "insufficient_user_authentication"},
        // Something may be granted as things are: that is what is given, and the gateway asks for more when more is needed.
        Row{"a_second_factor_for_one_scope", [](const Question& q) { return !q.scope || q.scope->name == "notes:read" || has_mfa(q); }, "granted", "granted"},
        Row{"no_level_is_fresh_enough", [](const Question& q) { return q.authentication.age <= Seconds{60}; }, "access_denied", "no_permit"},
        Row{"no_level_has_it", [](const Question& q) { return q.authentication.acr == "urn:t:retina"; }, "access_denied", "no_permit"},
        Row{"the_agent_may_not_anyway", [](const Question& q) { return has_mfa(q) && q.agent.id == "other"; }, "access_denied", "no_permit"},
        Row{"no_scope_would_be_left", [](const Question& q) { return q.action == Action::connect && has_mfa(q); }, "access_denied", "no_permit"},
        Row{"no_scope_even_so", [](const Question& q) { return q.action == Action::connect; }, "invalid_scope", "no_scope_granted"}),
    [](const auto& row) { return row.param.name; });

TEST(StepUpAtLeg1, without_levels_a_denial_is_a_denial) {
  Leg1 leg;
  leg.world.change([](registry::Objects& objects) { objects.authentication_levels.clear(); });
  leg.world.allow(has_mfa);
  EXPECT_EQ(asked_for(leg.decide()), "access_denied");
}

TEST(StepUpAtLeg1, what_the_session_was_signed_in_with_flows_into_the_id_jag) {
  Leg1 leg;
  leg.session.id = "ses_strong", leg.session.cookie_digest = "x", leg.session.acr = "urn:t:mfa", leg.session.amr = {"pwd", "otp", "mfa"};
  leg.session.auth_time = leg.world.clock.time - Seconds{5};
  ASSERT_TRUE(run(leg.world.sessions->add(leg.session)));
  leg.world.allow(has_mfa);
  const Outcome outcome = leg.decide();
  ASSERT_EQ(reason_of(outcome), "granted");
  const auto claims = claims_in(text_member(std::get<Granted>(outcome).body, "access_token"));
  EXPECT_EQ(*claims.find_string("acr"), "urn:t:mfa");
  EXPECT_EQ(json::write(*claims.find("amr")), R"(["pwd","otp","mfa"])");
  EXPECT_EQ(*claims.find_int("auth_time"), to_unix_seconds(leg.world.clock.time) - 5);
}

TEST(DecisionPointsAtLeg1, are_asked_once_about_the_connection_and_each_scope_that_policy_grants) {
  Leg1 leg;
  leg.ask_elsewhere();
  leg.world.allow([](const Question& q) { return !q.scope || q.scope->name == "notes:read"; });
  const Outcome outcome = leg.decide();
  ASSERT_EQ(reason_of(outcome), "granted");
  EXPECT_EQ(leg.decision_point.rounds, 1);
  ASSERT_EQ(leg.decision_point.asked.size(), 2u);
  EXPECT_EQ(leg.decision_point.asked[0].action, Action::connect);
  EXPECT_EQ(leg.decision_point.asked[1].scope->name, "notes:read");
  const auto& record = std::get<Granted>(outcome).record;
  EXPECT_EQ(policy::member_of(record, "decision_point"), "pdp");
  EXPECT_EQ(policy::member_of(record, "decision_point_answer"), "allow");
  EXPECT_EQ(policy::member_of(record, "decision_point_us"), "1200");
}

TEST(DecisionPointsAtLeg1, narrow_the_scopes_and_refuse_the_connection) {
  Leg1 leg;
  leg.ask_elsewhere();
  leg.decision_point.rule = [](const Question& q) { return !q.scope || q.scope->name == "notes:write"; };
  const Outcome narrowed = leg.decide();
  ASSERT_EQ(reason_of(narrowed), "granted");
  EXPECT_EQ(text_member(std::get<Granted>(narrowed).body, "scope"), "notes:write");
  EXPECT_EQ(std::get<Granted>(narrowed).record.scope, "notes:write");
  leg.decision_point.rule = [](const Question& q) { return q.action == Action::connect; };
  EXPECT_EQ(reason_of(leg.decide()), "external_denied");
  leg.decision_point.rule = [](const Question&) { return false; };
  const Outcome refused = leg.decide();
  EXPECT_EQ(reason_of(refused), "external_denied");
  EXPECT_EQ(error_of(refused), "access_denied");
  EXPECT_EQ(policy::member_of(std::get<Refused>(refused).record, "decision_point_answer"), "external_denied");
}

TEST(DecisionPointsAtLeg1, fail_closed_and_are_not_asked_about_what_policy_denies) {
  Leg1 leg;
  leg.ask_elsewhere();
  leg.decision_point.answers_too_few = true;
  EXPECT_EQ(reason_of(leg.decide()), "external_unavailable");
  leg.world.idp.decision_points = nullptr;
  EXPECT_EQ(reason_of(leg.decide()), "external_unavailable");
  leg.world.idp.decision_points = &leg.decision_point;
  const int rounds = leg.decision_point.rounds;
  leg.world.allow([](const Question&) { return false; });
  EXPECT_EQ(reason_of(leg.decide()), "no_permit");
  EXPECT_EQ(leg.decision_point.rounds, rounds);
}

}  // namespace
}  // namespace writ::token_service::idp
