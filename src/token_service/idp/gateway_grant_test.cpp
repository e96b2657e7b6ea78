#include "token_service/idp/gateway_grant.h"

#include <gmock/gmock.h>

#include "token_service/idp/idp_fixture.h"

namespace writ::token_service::idp {
namespace {

using testing::ElementsAre;

class GatewayGrant : public testing::Test {
 public:
  GatewayGrant() {
    session = world.begin_session("usr_alice");
    world.change([](registry::Objects& objects) {
      objects.agents.push_back(agent("gateway", registry::ClientAuthentication::client_secret, {{kOtherRas, "writ-at-quill"}}));
      registry::Server sales = server("sales", "https://mcp.acme.example/mcp/sales", kOwnRas, {scope("crm:read", true), scope("crm:write"), scope("crm:admin")});
      sales.upstream.emplace().url = kCrm;
      sales.upstream->oauth.emplace();
      sales.upstream->oauth->grant = registry::UpstreamOAuth::Grant::id_jag;
      sales.upstream->oauth->issuer = kOtherRas, sales.upstream->oauth->client_id = "writ-at-quill";
      sales.upstream->oauth->scopes = {"crm:read", "crm:write"};
      objects.servers.push_back(sales);
    });
    request = {"gateway", "sales", "usr_alice", "cursor", kOwnRas, session.id, "at-1", "jag-0"};
  }
  Result<GatewayIdJag, GatewayRefusal> ask() { return run(issue_for_gateway(world.idp, request)); }
  std::string reason() {
    auto issued = ask();
    return issued ? "issued" : issued.error().reason;
  }
  registry::Server& sales(registry::Objects& objects) { return objects.servers.back(); }

  World world;
  Session session;
  GatewayRequest request;
};

TEST_F(GatewayGrant, NamesTheGatewaysClientAndThePersonAsTheAudienceKnowsThem) {
  const auto issued = ask();
  ASSERT_TRUE(issued);
  EXPECT_EQ(issued->client_id, "writ-at-quill");
  EXPECT_EQ(issued->scope, "crm:read crm:write");
  const json::Value claims = claims_in(issued->assertion);
  EXPECT_EQ(*claims.find_string("iss"), kIssuer);
  EXPECT_EQ(*claims.find_string("aud"), kOtherRas);
  EXPECT_EQ(*claims.find_string("client_id"), "writ-at-quill");
  EXPECT_EQ(*claims.find_string("resource"), kCrm);
  EXPECT_EQ(*claims.find_string("sub"), "alice@acme.example") << "this audience knows people by their address";
  EXPECT_FALSE(claims.find("sid")) << "another deployment has no use for a session's name";
  EXPECT_LE(*claims.find_int("exp") - *claims.find_int("iat"), 300);
  const auto jwt = jose::UnverifiedJwt::parse(issued->assertion);
  EXPECT_TRUE(jwt->has_type(oauth::kTypIdJag));
}

TEST_F(GatewayGrant, AsksPolicyWithTheAgentThatCalls) {
  std::vector<std::string> asked;
  world.allow([&](const policy::Question& question) {
    asked.push_back(question.agent.id + " " + std::string(to_string(question.action)) + " " + question.server.id + (question.scope ? " " + question.scope->name : ""));
    return true;
  });
  ASSERT_TRUE(ask());
  EXPECT_THAT(asked, ElementsAre("cursor connect sales", "cursor grant_scope sales crm:read", "cursor grant_scope sales crm:write"));
}

TEST_F(GatewayGrant, RecordsBothAgents) {
  ASSERT_TRUE(ask());
  const audit::Record record = world.log.records().back();
  EXPECT_EQ(record.event, audit::Event::id_jag);
  EXPECT_EQ(record.effect, audit::Effect::allow);
  EXPECT_EQ(record.agent, "cursor");
  EXPECT_EQ(record.client_id, "writ-at-quill");
  EXPECT_EQ(record.user, "usr_alice");
  EXPECT_EQ(record.session, session.id);
  EXPECT_EQ(record.access_token_jti, "at-1");
  EXPECT_FALSE(record.id_jag_jti.empty());
  EXPECT_THAT(record.more, testing::Contains(std::pair<std::string, std::string>("gateway_agent", "gateway")));
  EXPECT_THAT(record.more, testing::Contains(std::pair<std::string, std::string>("audience", kOtherRas)));
}

TEST_F(GatewayGrant, DropsScopesThatPolicyDoesNotGrantToTheCaller) {
  world.allow([](const policy::Question& question) { return !question.scope || question.scope->name == "crm:read"; });
  const auto issued = ask();
  ASSERT_TRUE(issued);
  EXPECT_EQ(issued->scope, "crm:read");
}

TEST_F(GatewayGrant, AsksForTheDefaultScopesWhereNoneAreNamed) {
  world.change([&](registry::Objects& objects) { sales(objects).upstream->oauth->scopes.clear(); });
  const auto issued = ask();
  ASSERT_TRUE(issued);
  EXPECT_EQ(issued->scope, "crm:read");
}

TEST_F(GatewayGrant, IsNotGivenBeforeItIsRecorded) {
  world.log.fail_from_now_on(true);
  EXPECT_EQ(reason(), "log_unavailable");
}

struct Row {
  const char* name;
  std::function<void(GatewayGrant&)> change;
  const char* reason;
};
class GatewayRefusals : public GatewayGrant, public testing::WithParamInterface<Row> {};
TEST_P(GatewayRefusals, AreRecordedWithTheirReason) {
  GetParam().change(*this);
  const auto issued = ask();
  ASSERT_FALSE(issued);
  EXPECT_EQ(issued.error().reason, GetParam().reason);
  EXPECT_FALSE(issued.error().denial_code.empty());
  const audit::Record record = world.log.records().back();
  EXPECT_EQ(record.effect, audit::Effect::deny);
  EXPECT_EQ(record.reason, GetParam().reason);
}
const auto change = [](void (*edit)(registry::Objects&)) { return [edit](GatewayGrant& test) { test.world.change(edit); }; };
INSTANTIATE_TEST_SUITE_P(
    Rules38, GatewayRefusals,
    testing::Values(
        Row{"session_ended", [](GatewayGrant& test) { ASSERT_TRUE(run(test.world.revocations->end_session(test.session.id, kNow + Seconds{3600}))); }, "session_ended"},
        Row{"session_unknown", [](GatewayGrant& test) { test.request.session = "ses_none"; }, "session_unknown"},
        Row{"no_session", [](GatewayGrant& test) { test.request.session.clear(); }, "subject_token_issuer"},
        Row{"token_of_another_issuer", [](GatewayGrant& test) { test.request.token_issuer = kOtherRas; }, "subject_token_issuer"},
        Row{"session_of_another_person", [](GatewayGrant& test) { test.request.user = "usr_bob"; }, "subject_token_other_user"},
        Row{"access_token_revoked", [](GatewayGrant& test) { ASSERT_TRUE(run(test.world.revocations->revoke_token("at-1", kNow + Seconds{3600}))); }, "subject_token_revoked"},
        Row{"grant_revoked", [](GatewayGrant& test) { ASSERT_TRUE(run(test.world.revocations->revoke_token("jag-0", kNow + Seconds{3600}))); }, "subject_token_revoked"},
        Row{"person_disabled", change([](registry::Objects& o) { o.users[0].active = false; }), "user_disabled"},
        Row{"calling_agent_disabled", change([](registry::Objects& o) { o.agents[0].active = false; }), "agent_disabled"},
        Row{"gateway_agent_disabled", change([](registry::Objects& o) { o.agents.back().active = false; }), "agent_disabled"},
        Row{"gateway_agent_unknown", [](GatewayGrant& test) { test.request.gateway_agent = "nobody"; }, "agent_disabled"},
        Row{"gateway_not_registered_there", change([](registry::Objects& o) { o.agents.back().resource_as.clear(); }), "client_not_registered_at_audience"},
        Row{"audience_unknown", change([](registry::Objects& o) { o.servers.back().upstream->oauth->issuer = "https://as.nowhere.example"; }), "audience_unknown"},
        Row{"audience_disabled", change([](registry::Objects& o) { o.resource_authorization_servers[1].active = false; }), "audience_disabled"},
        Row{"audience_is_this_idp", change([](registry::Objects& o) { o.servers.back().upstream->oauth->issuer = kIssuer; }), "audience_is_this_idp"},
        Row{"server_disabled", change([](registry::Objects& o) { o.servers.back().active = false; }), "server_disabled"},
        Row{"server_of_another_grant", change([](registry::Objects& o) { o.servers.back().upstream->oauth->grant = registry::UpstreamOAuth::Grant::client_credentials; }), "resource_unknown"},
        Row{"server_unknown", [](GatewayGrant& test) { test.request.server = "none"; }, "resource_unknown"},
        Row{"policy_says_no", [](GatewayGrant& test) { test.world.allow([](const policy::Question&) { return false; }); }, "no_permit"},
        Row{"policy_grants_no_scope", [](GatewayGrant& test) { test.world.allow([](const policy::Question& q) { return !q.scope; }); }, "no_scope_granted"},
        Row{"person_has_no_such_identifier", [](GatewayGrant& test) { test.world.change([](registry::Objects& o) { o.users[0].email.clear(); }); }, "subject_not_available"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace writ::token_service::idp
