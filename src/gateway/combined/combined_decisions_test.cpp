// What stands between a decision and its call works through the combined address as at the member's own: approvals, step-up, limits, decision points elsewhere.

#include <gmock/gmock.h>

#include "approvals/decide.h"
#include "gateway/combined/combined_fixture.h"
#include "policy/cedar_policy.h"
#include "policy/decision_points_fixture.h"

namespace writ::gateway::combined {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CombinedDecisions : public CombinedTest {
 public:
  void set_policy(const std::string& text) {
    auto compiled = policy::CedarPolicy::compile({{}, {{"policies/t.cedar", "permit(principal in Writ::Group::\"eng\", action, resource);\n" + text}}, "v" + std::to_string(++versions)});
    ASSERT_TRUE(compiled) << compiled.error().front().message;
    policy.set(*compiled);
  }
  http::Response call(const std::string& tool, const std::function<void(json::Value&)>& claims = [](json::Value&) {}) {
    return say_modern("tools/call", json::Value{{"name", tool}, {"arguments", json::Object{}}}, claims);
  }
  json::Value decision_of(const http::Response& response) {
    const json::Value body = parsed(response.body);
    const json::Value* result = body.find("result");
    const json::Value* meta = result ? result->find("_meta") : nullptr;
    const json::Value* decision = meta ? meta->find("writ/decision") : nullptr;
    return decision ? *decision : json::Value();
  }
  static void weak(json::Value& claims) { claims.set("acr", "urn:t:pwd"), claims.set("amr", json::Array{"pwd"}), claims.set("auth_time", kNow - 3600); }
  static void strong(json::Value& claims) { claims.set("acr", "urn:t:mfa"), claims.set("amr", json::Array{"pwd", "otp", "mfa"}), claims.set("auth_time", kNow - 10); }
};

TEST_F(CombinedDecisions, ACallThatIsHeldGoesOnceAfterApprovalWhicheverWayItComes) {
  objects_change = [](registry::Objects& all) {
    registry::User olga;
    olga.id = "usr_olga", olga.name = "olga", olga.groups = {"ops"};
    all.users.push_back(olga);
    registry::Group ops;
    ops.id = "ops";
    all.groups.push_back(ops);
  };
  set_world({"notes", "wiki"});
  set_policy("@id(\"look\") @require_approval(\"ops\") forbid(principal, action in Writ::Action::\"call\", resource in Writ::Server::\"notes\");\n");
  const json::Value held = decision_of(call("notes__search_notes"));
  ASSERT_TRUE(held.find_string("approval")) << json::write(held);
  EXPECT_EQ(*held.find_string("kind"), "approval_pending");
  // The same call at the member's own address is the same call.
  http::Request at_member = modern("tools/call", json::Value{{"name", "search_notes"}, {"arguments", json::Object{}}});
  EXPECT_EQ(*decision_of(send(at_member)).find_string("approval"), *held.find_string("approval"));
  EXPECT_TRUE(decision_of(call("wiki__search_notes")).is_null()) << "only notes is looked at";
  approvals::Decision decision;
  decision.id = *held.find_string("approval"), decision.word = approvals::Requests::Word::approve, decision.user = "usr_olga";
  const auto done = run<Result<approvals::Request, std::variant<approvals::Refused, Unavailable>>>(approvals::decide(*approvals, log, objects.get(), std::move(decision), clock.now()));
  ASSERT_TRUE(done);
  EXPECT_THAT(call("notes__search_notes").body, HasSubstr("notes did search_notes"));
  EXPECT_EQ(*decision_of(call("notes__search_notes")).find_string("kind"), "approval_pending") << "once";
  EXPECT_EQ(*decision_of(send(at_member)).find_string("kind"), "approval_pending");
}

TEST_F(CombinedDecisions, ABetterSignInIsAskedForAtTheCombinedAddress) {
  objects_change = [](registry::Objects& all) {
    registry::AuthenticationLevel mfa;
    mfa.id = "mfa", mfa.strength = 2, mfa.acr = "urn:t:mfa", mfa.expected_amr = {"pwd", "otp", "mfa"}, mfa.max_age_seconds = 900;
    all.authentication_levels = {mfa};
  };
  set_world({"notes", "wiki"});
  set_policy("forbid(principal, action == Writ::Action::\"connect\", resource == Writ::Server::\"wiki\") unless { context.auth.amr.contains(\"mfa\") };\n"
             "forbid(principal, action == Writ::Action::\"grant_scope\", resource in Writ::Server::\"notes\") unless { context.auth.amr.contains(\"mfa\") };\n");
  const json::Value listed = result_of(say_modern("tools/list", json::Object{}, weak));
  EXPECT_THAT(names(listed), ElementsAre("writ_servers", "writ_whoami", "notes__search_notes", "notes__add_note", "notes__delete_note"));
  EXPECT_THAT(json::write(listed), HasSubstr(R"("writ/left_out":[{"server":"wiki","state":"sign_in_needed"}])"));
  EXPECT_TRUE(fakes["wiki"].requests.empty());
  const http::Response asked = call("wiki__read_note", weak);
  EXPECT_EQ(asked.status, 401);
  EXPECT_THAT(*asked.headers.find("WWW-Authenticate"), HasSubstr("acr_values=\"urn:t:mfa\", max_age=\"900\", resource_metadata=\"https://writ.example/.well-known/oauth-protected-resource/mcp\""));
  EXPECT_THAT(call("wiki__read_note", strong).body, HasSubstr("wiki did read_note"));
  // A scope that only a second factor gives at the member: the challenge names both.
  const http::Response scope = call("notes__add_note", weak);
  EXPECT_EQ(scope.status, 401);
  EXPECT_THAT(*scope.headers.find("WWW-Authenticate"), HasSubstr("acr_values=\"urn:t:mfa\", max_age=\"900\", scope=\"notes:notes:write\""));
  const json::Value states = result_of(call("writ_servers", weak));
  EXPECT_THAT(json::write(states), HasSubstr(R"("id":"wiki","name":"wiki","url":"https://writ.example/mcp/wiki","state":"sign_in_needed","what_to_do":)"));
}

TEST_F(CombinedDecisions, LimitsOfAMemberCountBothWays) {
  objects_change = [](registry::Objects& all) {
    registry::Limit limit;
    limit.id = "l", limit.servers = {"notes"}, limit.tools = {"search_notes"}, limit.requests_per_minute = 60, limit.burst = 2;
    all.limits = {limit};
  };
  set_world({"notes", "wiki"});
  EXPECT_TRUE(decision_of(call("notes__search_notes")).is_null());
  http::Request at_member = modern("tools/call", json::Value{{"name", "search_notes"}, {"arguments", json::Object{}}});
  EXPECT_TRUE(decision_of(send(at_member)).is_null());
  EXPECT_EQ(*decision_of(call("notes__search_notes")).find_string("kind"), "rate_limited");
  EXPECT_TRUE(decision_of(call("wiki__search_notes")).is_null());
}

TEST_F(CombinedDecisions, WhoElseIsAskedIsAskedAboutTheWholeWay) {
  policy::WrittenDecisionPoint point;
  objects_change = [](registry::Objects& all) { all.decision_points = {policy::decision_point_of_all_servers()}; };
  set_world({"notes", "wiki"});
  Dependencies dependencies{settings, clock, objects, policy, *revocations, log, keys, *with_credential};
  dependencies.tools = &tools;
  dependencies.reviews = &reviews;
  dependencies.decision_points = &point;
  gateway = std::make_unique<Gateway>(std::move(dependencies));
  EXPECT_THAT(call("notes__search_notes").body, HasSubstr("notes did search_notes"));
  std::vector<std::string> asked;
  for (const policy::Question& question : point.asked) asked.push_back(std::string(policy::to_string(question.action)) + " " + question.server.id);
  EXPECT_THAT(asked, ElementsAre("connect all", "connect notes", "call notes"));
  point.rule = [](const policy::Question& question) { return question.server.id != "all"; };
  EXPECT_THAT(call("notes__search_notes").body, HasSubstr("writ/decision"));
  EXPECT_EQ(records(audit::Event::call).back().reason, "external_denied");
}

}  // namespace
}  // namespace writ::gateway::combined
