// At the gateway: 401 insufficient_user_authentication for what only the sign-in stands against (RFC 9470 §3; MCPA-38), and decision points
// elsewhere after policy.
#include "gateway/gateway_fixture.h"
#include "policy/cedar_policy.h"
#include "policy/decision_points_fixture.h"

namespace writ::gateway {
namespace {

class StepUp : public GatewayTest {
 protected:
  StepUp() {
    set_objects([](registry::Objects& all) {
      registry::AuthenticationLevel fresh, mfa;
      fresh.id = "fresh", fresh.strength = 1, fresh.max_age_seconds = 300;
      mfa.id = "mfa", mfa.strength = 2, mfa.acr = "urn:t:mfa", mfa.expected_amr = {"pwd", "otp", "mfa"}, mfa.max_age_seconds = 900;
      all.authentication_levels = {fresh, mfa};
    });
  }
  void set_policy(const std::string& text) {
    const auto compiled = policy::CedarPolicy::compile({{}, {{"policies/t.cedar", "permit(principal in Writ::Group::\"eng\", action, resource);\n" + text}}, "v1"});
    ASSERT_TRUE(compiled) << compiled.error().front().message;
    policy.set(*compiled);
  }
  // Signed in by password, an hour ago.
  std::string weak() const {
    return token([](json::Value& all) { all.set("acr", "urn:t:pwd"), all.set("amr", json::Array{"pwd"}), all.set("auth_time", kNow - 3600); });
  }
  std::string strong() const {
    return token([](json::Value& all) { all.set("acr", "urn:t:mfa"), all.set("amr", json::Array{"pwd", "otp", "mfa"}), all.set("auth_time", kNow - 10); });
  }
};

constexpr const char* kMfa = "forbid(principal, action, resource) unless { context.auth.amr.contains(\"mfa\") };";

struct Row {
  const char* name;
  const char* policy;
  const char* tool;
  int status;                 // of the answer to the weak token
  const char* reason;
  const char* challenge;      // a part of it; empty: there is none
};
class StepUpOfCalls : public StepUp, public testing::WithParamInterface<Row> {};

TEST_P(StepUpOfCalls, IsAskedForOnlyWhereItHelps) {
  set_policy(GetParam().policy);
  const http::Response denied = send(request("POST", call_text(GetParam().tool), weak()));
  EXPECT_EQ(denied.status, GetParam().status) << denied.body;
  EXPECT_EQ(records(audit::Event::call).back().reason, GetParam().reason);
  const auto* challenge = denied.headers.find_single("WWW-Authenticate");
  ASSERT_EQ(challenge != nullptr, *GetParam().challenge != 0);
  if (challenge) {
    EXPECT_NE(challenge->find(GetParam().challenge), std::string::npos) << *challenge;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Policies, StepUpOfCalls,
    testing::Values(
        Row{"a_second_factor", kMfa, "search_notes", 401, "insufficient_user_authentication",
            "Bearer error=\"insufficient_user_authentication\", error_description=\"a stronger or more recent sign-in is needed\", acr_values=\"urn:t:mfa\", max_age=\"900\", "
            "resource_metadata=\"https://writ.example/.well-known/oauth-protected-resource/mcp/notes\""},
        Row{"a_fresh_sign_in", "forbid(principal, action in Writ::Action::\"call\", resource) unless { context.auth.age <= duration(\"5m\") };", "search_notes", 401,
            "insufficient_user_authentication", "max_age=\"300\""},
        Row{"another_forbid_stands", "forbid(principal, action in Writ::Action::\"call\", resource) unless { context.auth.amr.contains(\"mfa\") };\nforbid(principal, action in Writ::Action::\"call\", resource) when { resource.destructive };",
            "search_notes", 200, "forbidden", ""},
        Row{"no_level_has_it", "forbid(principal, action, resource) unless { context.auth.amr.contains(\"retina\") };", "search_notes", 200, "forbidden", ""},
        // add_note needs notes:write, which the token lacks and only a second factor gives: the challenge names both.
        Row{"a_scope_that_needs_it", "forbid(principal, action == Writ::Action::\"grant_scope\", resource) unless { context.auth.amr.contains(\"mfa\") };", "add_note", 401,
            "insufficient_user_authentication", "acr_values=\"urn:t:mfa\", max_age=\"900\", scope=\"notes:write\""},
        Row{"a_scope_that_nobody_gets", "forbid(principal, action == Writ::Action::\"grant_scope\", resource);", "add_note", 200, "insufficient_scope", ""}),
    [](const auto& row) { return row.param.name; });

TEST_F(StepUp, TheBetterTokenPassesAndTheDenialTellsAgentsWhatToDo) {
  set_policy(kMfa);
  const http::Response denied = send(request("POST", call_text("search_notes"), weak()));
  ASSERT_EQ(denied.status, 401);
  EXPECT_TRUE(upstream.requests.empty());
  const json::Value body = parsed(denied.body);
  const json::Value& data = *body.find("error")->find("data");
  EXPECT_EQ(*data.find_string("kind"), "insufficient_user_authentication");
  EXPECT_EQ(*data.find_string("acr_values"), "urn:t:mfa");
  EXPECT_EQ(*data.find_int("max_age"), 900);
  EXPECT_TRUE(data.find_string("code")->starts_with("W-"));
  EXPECT_NE(body.find("error")->find_string("message")->find("writ login --acr-values urn:t:mfa --max-age 900"), std::string::npos);
  EXPECT_EQ(policy::member_of(records(audit::Event::call).back(), "level"), "mfa");
  EXPECT_EQ(send(request("POST", call_text("search_notes"), strong())).status, 200);
}

TEST_F(StepUp, EveryMethodAsksInTheSameWay) {
  set_policy(kMfa);
  for (const char* body : {R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}})", R"({"jsonrpc":"2.0","id":2,"method":"tools/list"})",
                           R"({"jsonrpc":"2.0","id":3,"method":"resources/read","params":{"uri":"file:///a"}})", R"({"jsonrpc":"2.0","method":"notifications/initialized"})"}) {
    EXPECT_EQ(send(request("POST", body, weak())).status, 401) << body;
  }
  http::Request stream = request("GET", "", weak());
  EXPECT_EQ(send(stream).status, 401);
}

TEST_F(StepUp, WithoutAuthTimeATokenIsOlderThanAnyLevel) {
  set_policy("forbid(principal, action, resource) unless { context.auth.age <= duration(\"5m\") };");
  EXPECT_EQ(send(request("POST", call_text("search_notes"), token())).status, 401);
}

class DecisionPointsAtTheGateway : public GatewayTest {
 protected:
  DecisionPointsAtTheGateway() {
    set_objects([](registry::Objects& all) { all.decision_points = {policy::decision_point_of_all_servers()}; });
    rebuild(&decision_point);
  }
  void rebuild(policy::DecisionPoints* points) {
    Dependencies dependencies{settings, clock, objects, policy, *revocations, log, keys, *with_credential};
    dependencies.tools = &tools;
    dependencies.reviews = &reviews;
    dependencies.decision_points = points;
    gateway = std::make_unique<Gateway>(std::move(dependencies));
  }
  policy::WrittenDecisionPoint decision_point;
};

TEST_F(DecisionPointsAtTheGateway, BothMustSayYes) {
  EXPECT_EQ(post(call_text("search_notes")).status, 200);
  ASSERT_EQ(decision_point.asked.size(), 1u);
  EXPECT_EQ(decision_point.asked[0].tool->name, "search_notes");
  EXPECT_EQ(policy::member_of(records(audit::Event::call).back(), "decision_point_answer"), "allow");
  EXPECT_EQ(upstream.requests.size(), 1u);

  decision_point.rule = [](const policy::Question&) { return false; };
  const http::Response denied = post(call_text("search_notes"));
  EXPECT_NE(denied.body.find("\"isError\":true"), std::string::npos);
  EXPECT_EQ(records(audit::Event::call).back().reason, "external_denied");
  EXPECT_EQ(policy::member_of(records(audit::Event::call).back(), "decision_point"), "pdp");
  EXPECT_EQ(upstream.requests.size(), 1u);
}

TEST_F(DecisionPointsAtTheGateway, AreNotAskedWhatPolicyDenies) {
  post(call_text("delete_note"));
  EXPECT_EQ(records(audit::Event::call).back().reason, "no_permit");
  EXPECT_EQ(decision_point.rounds, 0);
}

TEST_F(DecisionPointsAtTheGateway, ThatCannotBeAskedDeny) {
  decision_point.answers_too_few = true;
  post(call_text("search_notes"));
  EXPECT_EQ(records(audit::Event::call).back().reason, "external_unavailable");
  rebuild(nullptr);
  post(call_text("search_notes"));
  EXPECT_EQ(records(audit::Event::call).back().reason, "external_unavailable");
  EXPECT_TRUE(upstream.requests.empty());
}

TEST_F(DecisionPointsAtTheGateway, ASubscriptionIsAskedAboutEachOfItsResources) {
  set_grants({{"grants.yaml:1", "eng", {true, {}}, "notes", {true, {}}, {true, {}}}});
  upstream.respond = [this](const http::UpstreamRequest&) { return upstream.events({}, http::StreamEnd::complete); };
  json::Value params{{"notifications", json::Value{{"resourceSubscriptions", json::Array{"file:///a", "file:///b"}}}}};
  decision_point.rule = [](const policy::Question& q) { return q.uri_or_prompt != "file:///b"; };
  send(modern("subscriptions/listen", std::move(params)));
  EXPECT_EQ(decision_point.asked.size(), 3u);
  EXPECT_EQ(records(audit::Event::call).back().reason, "external_denied");
}

}  // namespace
}  // namespace writ::gateway
