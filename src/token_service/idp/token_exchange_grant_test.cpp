#include "token_service/idp/token_exchange_grant.h"

#include <gmock/gmock.h>

#include "policy/authorization_detail.h"
#include "policy/recorded_questions.h"
#include "token_service/idp/idp_fixture.h"

namespace writ::token_service::idp {
namespace {

constexpr const char* kIdTokenType = "urn:ietf:params:oauth:token-type:id_token";
constexpr const char* kRefreshType = "urn:ietf:params:oauth:token-type:refresh_token";

// One leg-1 request in the making; each row of a table changes one thing.
struct Leg1 {
  World world;
  Session session = world.begin_session();
  std::string agent = "cursor", device, device_user;
  json::Value claims = world.id_claims(session, "cursor-idp");
  std::string type = std::string(oauth::kTypIdToken);
  std::string subject_token;            // instead of signing `claims`
  Pairs parameters{{"requested_token_type", std::string(oauth::kTokenTypeIdJag)},
                   {"audience", kOwnRas},
                   {"resource", kNotes},
                   {"scope", "notes:read notes:write"},
                   {"subject_token_type", kIdTokenType}};

  void set(const char* name, std::string value) {
    drop(name);
    parameters.emplace_back(name, std::move(value));
  }
  void drop(const char* name) {
    std::erase_if(parameters, [&](const auto& pair) { return pair.first == name; });
  }
  Outcome decide() {
    Pairs pairs = parameters;
    pairs.emplace_back("subject_token", subject_token.empty() ? world.sign(claims, type) : subject_token);
    TokenRequest request = token_request(world, std::move(pairs));
    TokenExchangeGrant grant(world.idp);
    return idp::decide(grant, request, world.client(agent.c_str(), device, device_user));
  }
};

json::Value issued(const Outcome& outcome) {
  const auto* granted = std::get_if<Granted>(&outcome);
  EXPECT_TRUE(granted) << reason_of(outcome);
  return granted ? claims_in(text_member(granted->body, "access_token")) : json::Value();
}

TEST(TokenExchange, an_id_jag_says_what_was_granted_and_nothing_else) {
  Leg1 leg;
  const Outcome outcome = leg.decide();
  ASSERT_EQ(reason_of(outcome), "granted");
  const auto& granted = std::get<Granted>(outcome);
  EXPECT_EQ(text_member(granted.body, "issued_token_type"), oauth::kTokenTypeIdJag);
  EXPECT_EQ(text_member(granted.body, "token_type"), "N_A");
  EXPECT_EQ(text_member(granted.body, "scope"), "notes:read notes:write");
  EXPECT_EQ(text_member(granted.body, "refresh_token"), "");
  EXPECT_EQ(*json::Value(granted.body).find_int("expires_in"), 300);

  const auto jwt = jose::UnverifiedJwt::parse(text_member(granted.body, "access_token"));
  ASSERT_TRUE(jwt);
  EXPECT_TRUE(jwt->has_type("oauth-id-jag+jwt"));
  EXPECT_EQ(*jwt->kid(), "k1");
  const auto& claims = jwt->claimed();
  EXPECT_EQ(*claims.find_string("iss"), kIssuer);
  EXPECT_EQ(*claims.find_string("sub"), "usr_alice");
  EXPECT_EQ(*claims.find_string("aud"), kOwnRas);
  EXPECT_EQ(*claims.find_string("client_id"), "cursor-at-acme");
  EXPECT_EQ(*claims.find_string("resource"), kNotes);
  EXPECT_EQ(*claims.find_string("scope"), "notes:read notes:write");
  EXPECT_EQ(*claims.find_int("iat"), to_unix_seconds(kNow));
  EXPECT_EQ(*claims.find_int("exp"), to_unix_seconds(kNow) + 300);
  EXPECT_EQ(*claims.find_int("auth_time"), to_unix_seconds(kNow));
  EXPECT_EQ(*claims.find_string("sid"), leg.session.id);
  EXPECT_EQ(*claims.find_string("jti"), granted.record.id_jag_jti);
  for (const char* absent : {"act", "cnf", "email", "aud_sub", "groups", "nonce", "writ_grant", "roles"}) EXPECT_FALSE(claims.find(absent)) << absent;
}

TEST(TokenExchange, every_id_jag_has_its_own_jti) {
  Leg1 leg;
  std::set<std::string> seen;
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(seen.insert(*issued(leg.decide()).find_string("jti")).second);
}

TEST(TokenExchange, the_record_names_who_where_what_and_the_jti_but_no_token) {
  Leg1 leg;
  const Outcome outcome = leg.decide();
  const audit::Record& record = std::get<Granted>(outcome).record;
  EXPECT_EQ(record.event, audit::Event::id_jag);
  EXPECT_EQ(record.effect, audit::Effect::allow);
  EXPECT_EQ(record.user, "usr_alice");
  EXPECT_EQ(record.agent, "cursor");
  EXPECT_EQ(record.server, "notes");
  EXPECT_EQ(record.session, leg.session.id);
  EXPECT_EQ(record.policy, "rule-1");
  EXPECT_EQ(record.policy_version, "v1");
  EXPECT_EQ(record.action, "grant_scope") << "what was asked last";
  EXPECT_EQ(record.acr, leg.session.acr);
  EXPECT_EQ(record.amr, "pwd");
  EXPECT_GE(record.authentication_age_s, 0);
  const std::string line = audit::to_json_line(record, 1, "n");
  EXPECT_EQ(line.find("eyJ"), std::string::npos) << line;
  const auto asked = policy::read_recorded_questions(json::parse(line).value());
  ASSERT_TRUE(asked) << line;
  ASSERT_EQ(asked->questions.size(), 3u) << line;
  EXPECT_EQ(asked->questions[0].inquiry.action, policy::Action::connect);
  EXPECT_EQ(asked->questions[1].inquiry.scope, "notes:read");
  EXPECT_EQ(asked->questions[2].inquiry.scope, "notes:write");
  for (const auto& question : asked->questions) EXPECT_TRUE(question.allowed);
}

// ---- refusals: one change each, and the reason

struct Row {
  const char* name;
  std::function<void(Leg1&)> change;
  const char* reason;
  const char* error;
};
class TokenExchangeRefusal : public testing::TestWithParam<Row> {};

TEST_P(TokenExchangeRefusal, names_its_reason) {
  Leg1 leg;
  GetParam().change(leg);
  const Outcome outcome = leg.decide();
  EXPECT_EQ(reason_of(outcome), GetParam().reason);
  EXPECT_EQ(error_of(outcome), GetParam().error);
}

const auto row_name = [](const auto& row) { return std::string(row.param.name); };

INSTANTIATE_TEST_SUITE_P(Shape, TokenExchangeRefusal, testing::Values(
    Row{"requested_token_type_absent", [](Leg1& l) { l.drop("requested_token_type"); }, "missing_parameter", "invalid_request"},
    Row{"requested_token_type_access_token", [](Leg1& l) { l.set("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"); },
        "requested_token_type_unsupported", "invalid_request"},
    Row{"requested_token_type_refresh_token_without_saml", [](Leg1& l) { l.set("requested_token_type", kRefreshType); },
        "requested_token_type_unsupported", "invalid_request"},
    Row{"requested_token_type_in_capitals", [](Leg1& l) { l.set("requested_token_type", "URN:IETF:PARAMS:OAUTH:TOKEN-TYPE:ID-JAG"); },
        "requested_token_type_unsupported", "invalid_request"},
    Row{"actor_token", [](Leg1& l) { l.set("actor_token", "x"); }, "actor_token_present", "invalid_request"},
    Row{"actor_token_type_alone", [](Leg1& l) { l.set("actor_token_type", kIdTokenType); }, "actor_token_present", "invalid_request"},
    Row{"audience_absent", [](Leg1& l) { l.drop("audience"); }, "missing_parameter", "invalid_request"},
    Row{"subject_token_type_absent", [](Leg1& l) { l.drop("subject_token_type"); }, "missing_parameter", "invalid_request"},
    Row{"subject_token_type_saml", [](Leg1& l) { l.set("subject_token_type", "urn:ietf:params:oauth:token-type:saml2"); },
        "subject_token_type_unsupported", "invalid_request"},
    Row{"subject_token_type_id_jag", [](Leg1& l) { l.set("subject_token_type", std::string(oauth::kTokenTypeIdJag)); },
        "subject_token_type_unsupported", "invalid_request"}),
    row_name);

std::string flip_a_signature_bit(std::string token) {
  char& last = token[token.rfind('.') + 5];
  last = last == 'A' ? 'B' : 'A';
  return token;
}

INSTANTIATE_TEST_SUITE_P(SubjectIdToken, TokenExchangeRefusal, testing::Values(
    Row{"of_another_client", [](Leg1& l) { l.claims.set("aud", "public-idp"); }, "subject_token_audience", "invalid_grant"},
    Row{"of_several_clients", [](Leg1& l) { l.claims.set("aud", json::Array{"cursor-idp", "public-idp"}); }, "subject_token_audience",
        "invalid_grant"},
    Row{"of_the_same_client_twice", [](Leg1& l) { l.claims.set("aud", json::Array{"cursor-idp", "cursor-idp"}); }, "subject_token_audience",
        "invalid_grant"},
    Row{"audience_absent", [](Leg1& l) { l.claims.erase("aud"); }, "subject_token_audience", "invalid_grant"},
    Row{"audience_is_a_number", [](Leg1& l) { l.claims.set("aud", 7); }, "subject_token_audience", "invalid_grant"},
    Row{"audience_with_a_slash", [](Leg1& l) { l.claims.set("aud", "cursor-idp/"); }, "subject_token_audience", "invalid_grant"},
    Row{"authorized_party_is_another", [](Leg1& l) { l.claims.set("azp", "public-idp"); }, "subject_token_audience", "invalid_grant"},
    Row{"authorized_party_is_no_text", [](Leg1& l) { l.claims.set("azp", json::Array{"cursor-idp"}); }, "subject_token_audience",
        "invalid_grant"},
    Row{"from_another_issuer", [](Leg1& l) { l.claims.set("iss", "https://id.acme.example/idp/"); }, "subject_token_issuer", "invalid_grant"},
    Row{"issuer_absent", [](Leg1& l) { l.claims.erase("iss"); }, "subject_token_issuer", "invalid_grant"},
    Row{"expired_this_second", [](Leg1& l) { l.world.advance(3600); }, "subject_token_times", "invalid_grant"},
    Row{"exp_absent", [](Leg1& l) { l.claims.erase("exp"); }, "subject_token_times", "invalid_grant"},
    Row{"exp_is_text", [](Leg1& l) { l.claims.set("exp", "1795003600"); }, "subject_token_times", "invalid_grant"},
    Row{"iat_absent", [](Leg1& l) { l.claims.erase("iat"); }, "subject_token_times", "invalid_grant"},
    Row{"issued_in_the_future", [](Leg1& l) { l.claims.set("iat", to_unix_seconds(kNow) + 61); }, "subject_token_times", "invalid_grant"},
    Row{"session_claim_absent", [](Leg1& l) { l.claims.erase("sid"); }, "subject_token_malformed", "invalid_grant"},
    Row{"session_claim_empty", [](Leg1& l) { l.claims.set("sid", ""); }, "subject_token_malformed", "invalid_grant"},
    Row{"subject_absent", [](Leg1& l) { l.claims.erase("sub"); }, "subject_token_malformed", "invalid_grant"},
    Row{"session_unknown", [](Leg1& l) { l.claims.set("sid", "ses_none"); }, "session_unknown", "invalid_grant"},
    Row{"session_of_somebody_else", [](Leg1& l) { l.claims.set("sub", "usr_bob"); }, "subject_token_other_user", "invalid_grant"},
    Row{"signature_changed", [](Leg1& l) { l.subject_token = flip_a_signature_bit(l.world.sign(l.claims)); }, "subject_token_signature",
        "invalid_grant"},
    Row{"signed_by_a_stranger", [](Leg1& l) { l.subject_token = *jose::sign(OneKey().current()->active, "JWT", l.claims); },
        "subject_token_signature", "invalid_grant"},
    Row{"no_token_at_all", [](Leg1& l) { l.subject_token = "x"; }, "subject_token_malformed", "invalid_grant"},
    Row{"four_parts", [](Leg1& l) { l.subject_token = l.world.sign(l.claims) + ".x"; }, "subject_token_malformed", "invalid_grant"},
    Row{"a_refresh_token_called_id_token", [](Leg1& l) { l.subject_token = l.world.begin_refresh(l.session).token; },
        "subject_token_malformed", "invalid_grant"},
    Row{"revoked_with_its_grant", [](Leg1& l) { EXPECT_TRUE(run(l.world.revocations->revoke_token("grt_1", kNow + Seconds{99}))); },
        "subject_token_revoked", "invalid_grant"}),
    row_name);

// J10, X2, X8: every other kind of token of ours, signed with the same keys, is no ID token.
INSTANTIATE_TEST_SUITE_P(SubjectOfAnotherType, TokenExchangeRefusal, testing::Values(
    Row{"access_token", [](Leg1& l) { l.type = "at+jwt"; }, "subject_token_wrong_type", "invalid_grant"},
    Row{"access_token_long_form", [](Leg1& l) { l.type = "application/at+jwt"; }, "subject_token_wrong_type", "invalid_grant"},
    Row{"id_jag", [](Leg1& l) { l.type = "oauth-id-jag+jwt"; }, "subject_token_wrong_type", "invalid_grant"},
    Row{"issued_id_jag",
        [](Leg1& l) {
          const Outcome first = l.decide();
          l.subject_token = text_member(std::get<Granted>(first).body, "access_token");
        },
        "subject_token_wrong_type", "invalid_grant"},
    Row{"logout_token", [](Leg1& l) { l.type = "logout+jwt"; }, "subject_token_wrong_type", "invalid_grant"},
    Row{"client_assertion", [](Leg1& l) { l.type = "client-authentication+jwt"; }, "subject_token_wrong_type", "invalid_grant"},
    Row{"dpop_proof", [](Leg1& l) { l.type = "dpop+jwt"; }, "subject_token_wrong_type", "invalid_grant"},
    Row{"device_proof", [](Leg1& l) { l.type = "writ-device+jwt"; }, "subject_token_wrong_type", "invalid_grant"},
    Row{"event_token", [](Leg1& l) { l.type = "secevent+jwt"; }, "subject_token_wrong_type", "invalid_grant"}),
    row_name);

void end(Leg1& leg) { EXPECT_TRUE(run(leg.world.sessions->end(leg.session.id))); }
registry::User& alice(registry::Objects& objects) { return objects.users[0]; }

INSTANTIATE_TEST_SUITE_P(Session, TokenExchangeRefusal, testing::Values(
    Row{"signed_out", end, "session_ended", "invalid_grant"},
    Row{"ended_by_an_administrator",
        [](Leg1& l) { EXPECT_TRUE(run(l.world.revocations->end_session(l.session.id, kNow + Seconds{99}))); }, "session_ended", "invalid_grant"},
    Row{"user_disabled", [](Leg1& l) { l.world.change([](auto& objects) { alice(objects).active = false; }); }, "user_disabled",
        "invalid_grant"},
    Row{"user_removed", [](Leg1& l) { l.world.change([](auto& objects) { objects.users.erase(objects.users.begin()); }); }, "user_unknown",
        "invalid_grant"},
    Row{"session_before_the_users_not_before",
        [](Leg1& l) { l.world.change([](auto& objects) { alice(objects).not_before = kNow + Seconds{1}; }); }, "session_before_not_before",
        "invalid_grant"},
    Row{"token_before_the_users_not_before",
        [](Leg1& l) {
          l.claims.set("iat", to_unix_seconds(kNow) - 10);
          l.world.change([](auto& objects) { alice(objects).not_before = kNow - Seconds{5}; });
        },
        "subject_token_before_not_before", "invalid_grant"}),
    row_name);

INSTANTIATE_TEST_SUITE_P(Agent, TokenExchangeRefusal, testing::Values(
    Row{"disabled", [](Leg1& l) { l.world.change([](auto& objects) { objects.agents[0].active = false; }); }, "agent_disabled",
        "unauthorized_client"},
    Row{"device_client_without_its_key",
        [](Leg1& l) {
          l.agent = "writ-cli";
          l.claims.set("aud", "writ-cli-idp");
        },
        "device_key_required", "unauthorized_client"},
    Row{"device_of_somebody_else",
        [](Leg1& l) {
          l.agent = "writ-cli", l.device = "dev_1", l.device_user = "usr_bob";
          l.claims.set("aud", "writ-cli-idp");
        },
        "subject_of_another_device_user", "invalid_grant"}),
    row_name);

INSTANTIATE_TEST_SUITE_P(Target, TokenExchangeRefusal, testing::Values(
    Row{"audience_unknown", [](Leg1& l) { l.set("audience", "https://as.nobody.example"); }, "audience_unknown", "invalid_target"},
    Row{"audience_with_a_slash", [](Leg1& l) { l.set("audience", std::string(kOwnRas) + "/"); }, "audience_unknown", "invalid_target"},
    Row{"audience_is_the_token_endpoint", [](Leg1& l) { l.set("audience", std::string(kOwnRas) + "/token"); }, "audience_unknown",
        "invalid_target"},
    Row{"audience_is_the_idp_itself", [](Leg1& l) { l.set("audience", kIssuer); }, "audience_is_this_idp", "invalid_target"},
    Row{"two_audiences", [](Leg1& l) { l.parameters.emplace_back("audience", kOtherRas); }, "several_audiences", "invalid_target"},
    Row{"the_same_audience_twice", [](Leg1& l) { l.parameters.emplace_back("audience", kOwnRas); }, "several_audiences", "invalid_target"},
    Row{"audience_disabled", [](Leg1& l) { l.set("audience", "https://as.off.example"); }, "audience_disabled", "invalid_target"},
    Row{"client_without_mapping",
        [](Leg1& l) {
          l.agent = "unmapped";
          l.claims.set("aud", "unmapped-idp");
        },
        "client_not_registered_at_audience", "invalid_target"},
    Row{"resource_unknown", [](Leg1& l) { l.set("resource", "https://mcp.acme.example/mcp/none"); }, "resource_unknown", "invalid_target"},
    Row{"resource_of_another_audience", [](Leg1& l) { l.set("resource", kCrm); }, "resource_of_another_audience", "invalid_target"},
    Row{"resource_with_a_slash", [](Leg1& l) { l.set("resource", std::string(kNotes) + "/"); }, "resource_unknown", "invalid_target"},
    Row{"resource_with_fragment", [](Leg1& l) { l.set("resource", std::string(kNotes) + "#x"); }, "resource_malformed", "invalid_target"},
    Row{"resource_relative", [](Leg1& l) { l.set("resource", "/mcp/notes"); }, "resource_malformed", "invalid_target"},
    Row{"resource_with_dots", [](Leg1& l) { l.set("resource", "https://mcp.acme.example/mcp/wiki/../notes"); }, "resource_malformed",
        "invalid_target"},
    Row{"two_resources_of_which_one_is_of_another_audience", [](Leg1& l) { l.parameters.emplace_back("resource", kCrm); }, "resource_of_another_audience", "invalid_target"},
    Row{"two_resources_of_which_one_is_disabled", [](Leg1& l) { l.parameters.emplace_back("resource", "https://mcp.acme.example/mcp/old"); }, "server_disabled", "invalid_target"},
    Row{"eleven_resources", [](Leg1& l) { for (int i = 0; i < 10; ++i) l.parameters.emplace_back("resource", kWiki); }, "several_resources", "invalid_target"},
    Row{"server_disabled", [](Leg1& l) { l.set("resource", "https://mcp.acme.example/mcp/old"); }, "server_disabled", "invalid_target"},
    Row{"no_resource_and_several_servers_open", [](Leg1& l) { l.drop("resource"); }, "resource_not_determined", "invalid_target"},
    Row{"no_resource_and_no_server_open",
        [](Leg1& l) {
          l.drop("resource");
          l.world.allow([](const auto&) { return false; });
        },
        "resource_not_determined", "invalid_target"},
    Row{"person_without_the_identifier",
        [](Leg1& l) {
          l.set("audience", kOtherRas), l.set("resource", kCrm), l.set("scope", "crm:read");
          l.world.change([](auto& objects) { alice(objects).email.clear(); });
        },
        "subject_not_available", "invalid_target"},
    Row{"pairwise_without_a_secret",
        [](Leg1& l) {
          l.world.idp.settings.pairwise_secret = Secret();
          l.world.change([](auto& objects) { objects.resource_authorization_servers[0].subject = "pairwise"; });
        },
        "subject_not_available", "invalid_target"}),
    row_name);

bool only_connect(const policy::Question& question) { return question.action == policy::Action::connect; }

INSTANTIATE_TEST_SUITE_P(PolicyAndScopes, TokenExchangeRefusal, testing::Values(
    Row{"no_policy_at_all", [](Leg1& l) { l.world.policy.set(policy::Current().get()); }, "no_permit", "access_denied"},
    Row{"no_permit", [](Leg1& l) { l.world.allow([](const auto&) { return false; }); }, "no_permit", "access_denied"},
    Row{"denied_under_the_switch",
        [](Leg1& l) {
          l.world.idp.settings.policy_denial = PolicyDenial::invalid_target;
          l.world.allow([](const auto&) { return false; });
        },
        "no_permit", "invalid_target"},
    Row{"no_scope_granted", [](Leg1& l) { l.world.allow(only_connect); }, "no_scope_granted", "invalid_scope"},
    Row{"only_unknown_scopes", [](Leg1& l) { l.set("scope", "notes:fly"); }, "no_scope_granted", "invalid_scope"},
    Row{"scopes_of_another_server", [](Leg1& l) { l.set("scope", "wiki:read"); }, "no_scope_granted", "invalid_scope"},
    Row{"no_scope_asked_and_no_default",
        [](Leg1& l) {
          l.set("resource", kWiki);
          l.drop("scope");
        },
        "no_scope_granted", "invalid_scope"},
    Row{"scope_with_a_tab", [](Leg1& l) { l.set("scope", "notes:read\tnotes:write"); }, "scope_malformed", "invalid_scope"},
    Row{"scope_with_a_quote", [](Leg1& l) { l.set("scope", "notes:\"read"); }, "scope_malformed", "invalid_scope"},
    Row{"scope_with_two_spaces", [](Leg1& l) { l.set("scope", "notes:read  notes:write"); }, "scope_malformed", "invalid_scope"}),
    row_name);

TEST(TokenExchangeDenial, has_a_code_when_policy_said_no_and_none_when_the_request_was_wrong) {
  Leg1 leg;
  leg.world.allow([](const auto&) { return false; });
  EXPECT_TRUE(std::get<Refused>(leg.decide()).with_code);
  leg.world.allow(only_connect);
  EXPECT_TRUE(std::get<Refused>(leg.decide()).with_code);
  leg.world.allow_everything();
  leg.set("audience", "https://as.nobody.example");
  EXPECT_FALSE(std::get<Refused>(leg.decide()).with_code);
}

TEST(TokenExchangeDenial, comes_only_after_who_where_and_what_were_found_to_be_valid) {
  Leg1 leg;
  leg.world.allow([](const auto&) { return false; });
  leg.world.change([](auto& objects) { alice(objects).active = false; });
  EXPECT_EQ(reason_of(leg.decide()), "user_disabled");
}

TEST(TokenExchangePolicy, is_asked_with_what_is_known_about_person_agent_server_and_sign_in) {
  Leg1 leg;
  std::vector<policy::Question> asked;
  leg.world.allow([&](const policy::Question& question) {
    asked.push_back(question);
    return true;
  });
  leg.world.advance(120);
  ASSERT_EQ(reason_of(leg.decide()), "granted");
  ASSERT_EQ(asked.size(), 3u);
  EXPECT_EQ(asked[0].action, policy::Action::connect);
  EXPECT_EQ(asked[0].principal.id, "usr_alice");
  EXPECT_EQ(asked[0].principal.groups, std::vector<std::string>{"eng"});
  EXPECT_EQ(asked[0].principal.issuer, kIssuer);
  EXPECT_EQ(asked[0].agent.id, "cursor");
  EXPECT_EQ(asked[0].server.id, "notes");
  EXPECT_EQ(asked[0].authentication.acr, "urn:writ:acr:password");
  EXPECT_EQ(asked[0].authentication.age, Seconds{120});
  EXPECT_EQ(asked[0].ip, "192.0.2.7");
  EXPECT_EQ(asked[1].action, policy::Action::grant_scope);
  EXPECT_EQ(asked[1].scope->name, "notes:read");
  EXPECT_EQ(asked[2].scope->name, "notes:write");
}

// ---- what is granted

struct ScopeRow {
  const char* name;
  const char* asked;      // null: none
  const char* permitted;  // scopes that policy grants
  const char* granted;
};
class GrantedScopes : public testing::TestWithParam<ScopeRow> {};
TEST_P(GrantedScopes, are_those_asked_for_that_exist_and_policy_grants) {
  Leg1 leg;
  if (GetParam().asked) leg.set("scope", GetParam().asked);
  else leg.drop("scope");
  const auto permitted = *oauth::ScopeSet::parse(GetParam().permitted);
  leg.world.allow([&](const policy::Question& question) { return !question.scope || permitted.contains(question.scope->name); });
  const Outcome outcome = leg.decide();
  ASSERT_EQ(reason_of(outcome), "granted");
  EXPECT_EQ(text_member(std::get<Granted>(outcome).body, "scope"), GetParam().granted);
  EXPECT_EQ(*issued(outcome).find_string("scope"), GetParam().granted);
}
INSTANTIATE_TEST_SUITE_P(Rows, GrantedScopes, testing::Values(
    ScopeRow{"all_of_what_was_asked", "notes:read notes:write", "notes:read notes:write notes:admin", "notes:read notes:write"},
    ScopeRow{"less_than_was_asked", "notes:read notes:admin", "notes:read notes:write", "notes:read"},
    ScopeRow{"unknown_ones_dropped", "notes:read notes:fly", "notes:read", "notes:read"},
    ScopeRow{"the_defaults_when_none_was_asked", nullptr, "notes:read notes:write notes:admin", "notes:read"}),
    row_name);

TEST(TokenExchange, no_resource_is_enough_when_policy_opens_exactly_one_server_of_the_audience) {
  Leg1 leg;
  leg.drop("resource");
  leg.world.allow([](const policy::Question& question) { return question.server.id == "notes"; });
  EXPECT_EQ(*issued(leg.decide()).find_string("resource"), kNotes);
}

// ---- authorization details (RFC 9396) and several resources (RFC 8707)

// notes and the wiki know payments, the wiki alone knows pages.
void with_types(Leg1& leg) {
  leg.world.change([](auto& objects) {
    for (auto& server : objects.servers) {
      if (server.id == "notes") server.authorization_details_types = {"payment"};
      if (server.id == "wiki") server.authorization_details_types = {"payment", "page"};
    }
  });
}
auto details(std::string text) {
  return [text](Leg1& leg) { with_types(leg), leg.set("authorization_details", text); };
}

INSTANTIATE_TEST_SUITE_P(AuthorizationDetails, TokenExchangeRefusal, testing::Values(
    Row{"details_of_a_server_that_knows_none", [](Leg1& l) { l.set("authorization_details", R"([{"type":"payment"}])"); }, "authorization_details_invalid", "invalid_authorization_details"},
    Row{"details_are_no_json", details("payment"), "authorization_details_invalid", "invalid_authorization_details"},
    Row{"details_are_an_object", details(R"({"type":"payment"})"), "authorization_details_invalid", "invalid_authorization_details"},
    Row{"details_are_empty", details("[]"), "authorization_details_invalid", "invalid_authorization_details"},
    Row{"a_detail_is_a_text", details(R"(["payment"])"), "authorization_details_invalid", "invalid_authorization_details"},
    Row{"a_detail_without_type", details(R"([{"actions":["read"]}])"), "authorization_details_invalid", "invalid_authorization_details"},
    Row{"a_detail_with_two_types", details(R"([{"type":"payment","type":"page"}])"), "authorization_details_invalid", "invalid_authorization_details"},
    Row{"a_type_of_another_server", details(R"([{"type":"page"}])"), "authorization_details_invalid", "invalid_authorization_details"},
    Row{"a_type_that_differs_in_case", details(R"([{"type":"Payment"}])"), "authorization_details_invalid", "invalid_authorization_details"},
    Row{"one_of_two_of_an_unknown_type", details(R"([{"type":"payment"},{"type":"x"}])"), "authorization_details_invalid", "invalid_authorization_details"},
    Row{"an_unknown_member", details(R"([{"type":"payment","amount":1}])"), "authorization_details_invalid", "invalid_authorization_details"},
    Row{"actions_are_a_text", details(R"([{"type":"payment","actions":"read"}])"), "authorization_details_invalid", "invalid_authorization_details"},
    Row{"actions_are_empty", details(R"([{"type":"payment","actions":[]}])"), "authorization_details_invalid", "invalid_authorization_details"},
    Row{"an_action_is_a_number", details(R"([{"type":"payment","actions":[1]}])"), "authorization_details_invalid", "invalid_authorization_details"},
    Row{"identifier_is_a_list", details(R"([{"type":"payment","identifier":["a"]}])"), "authorization_details_invalid", "invalid_authorization_details"},
    Row{"a_location_elsewhere", details(R"([{"type":"payment","locations":["https://mcp.acme.example/mcp/wiki"]}])"), "authorization_details_invalid", "invalid_authorization_details"},
    Row{"policy_grants_none",
        [](Leg1& l) {
          details(R"([{"type":"payment"}])")(l);
          l.world.allow([](const policy::Question& question) { return !policy::is_about_detail(question); });
        },
        "no_permit", "access_denied"}),
    row_name);

TEST(TokenExchange, carries_the_details_that_policy_grants_and_says_which) {
  Leg1 leg;
  details(R"([{"type":"payment","actions":["read"],"identifier":"acct-1"},{"type":"payment","actions":["pay"]}])")(leg);
  leg.world.allow([](const policy::Question& question) {
    if (!policy::is_about_detail(question)) return true;
    return question.server.id == "notes" && *question.arguments->find("actions") == json::Value(json::Array{"read"});
  });
  const Outcome outcome = leg.decide();
  const json::Value granted(json::Array{json::Value{{"type", "payment"}, {"actions", json::Array{"read"}}, {"identifier", "acct-1"}}});
  EXPECT_EQ(*issued(outcome).find("authorization_details"), granted);
  EXPECT_EQ(*json::Value(std::get<Granted>(outcome).body).find("authorization_details"), granted);
  EXPECT_EQ(issued(outcome).find_string("scope") != nullptr, true) << "details and scopes side by side (IDJAG-48)";
  EXPECT_THAT(std::get<Granted>(outcome).record.more, testing::Contains(testing::Pair(std::string("dropped_details"), "payment")));
}

TEST(TokenExchange, names_several_resources_in_the_order_of_the_request_each_once) {
  Leg1 leg;
  leg.parameters.emplace_back("resource", kWiki), leg.parameters.emplace_back("resource", kNotes);
  leg.set("scope", "notes:read wiki:read crm:read");
  const auto claims = issued(leg.decide());
  EXPECT_EQ(*claims.find("resource"), json::Value(json::Array{kNotes, kWiki}));
  EXPECT_EQ(*claims.find_string("scope"), "notes:read wiki:read");
}

TEST(TokenExchange, denies_several_resources_when_policy_denies_one) {
  Leg1 leg;
  leg.parameters.emplace_back("resource", kWiki);
  leg.world.allow([](const policy::Question& question) { return question.server.id == "notes"; });
  EXPECT_EQ(reason_of(leg.decide()), "no_permit");
}

TEST(TokenExchange, places_details_at_the_resources_that_they_are_about) {
  Leg1 leg;
  leg.parameters.emplace_back("resource", kWiki);
  details(R"([{"type":"page"},{"type":"payment","locations":["https://mcp.acme.example/mcp/wiki"]}])")(leg);
  std::set<std::string> asked;
  leg.world.allow([&](const policy::Question& question) {
    if (policy::is_about_detail(question)) asked.insert(question.server.id);
    return true;
  });
  EXPECT_EQ(issued(leg.decide()).find_array("authorization_details")->size(), 2u);
  EXPECT_EQ(asked, std::set<std::string>{"wiki"}) << "asked where they mean something";
}

TEST(TokenExchange, tells_an_audience_which_of_its_tenants_is_meant_and_whether_the_address_is_checked) {
  Leg1 leg;
  leg.set("audience", kOtherRas), leg.set("resource", kCrm), leg.drop("scope");
  leg.world.change([](auto& objects) {
    for (auto& audience : objects.resource_authorization_servers) audience.tenant = "acme";
  });
  auto claims = issued(leg.decide());
  EXPECT_EQ(*claims.find_string("aud_tenant"), "acme");
  EXPECT_TRUE(*claims.find_bool("email_verified"));
  EXPECT_FALSE(claims.find("tenant")) << "this issuer has one tenant (C7 of the catalogue)";
  leg.world.change([](auto& objects) { alice(objects).email_verified = false; });
  EXPECT_FALSE(issued(leg.decide()).find("email_verified"));
}

TEST(TokenExchange, another_deployment_learns_what_it_is_configured_to_learn_and_no_session) {
  Leg1 leg;
  leg.set("audience", kOtherRas), leg.set("resource", kCrm), leg.drop("scope");
  const auto claims = issued(leg.decide());
  EXPECT_EQ(*claims.find_string("sub"), "alice@acme.example");
  EXPECT_EQ(*claims.find_string("email"), "alice@acme.example");
  EXPECT_EQ(*claims.find_string("aud_sub"), "e-17");
  EXPECT_EQ(*claims.find_string("client_id"), "cursor-at-quill");
  EXPECT_FALSE(claims.find("sid"));
}

TEST(TokenExchange, an_account_hint_that_does_not_exist_is_left_out) {
  Leg1 leg;
  leg.set("audience", kOtherRas), leg.set("resource", kCrm), leg.drop("scope");
  leg.world.change([](auto& objects) { alice(objects).tags.clear(); });
  EXPECT_FALSE(issued(leg.decide()).find("aud_sub"));
}

TEST(TokenExchange, an_id_jag_lives_as_long_as_the_audience_wants_but_not_longer_than_five_minutes_or_the_session) {
  Leg1 leg;
  const auto lifetime = [&] {
    const auto claims = issued(leg.decide());
    return *claims.find_int("exp") - *claims.find_int("iat");
  };
  leg.world.change([](auto& objects) { objects.resource_authorization_servers[0].id_jag_lifetime_seconds = 60; });
  EXPECT_EQ(lifetime(), 60);
  leg.world.change([](auto& objects) { objects.resource_authorization_servers[0].id_jag_lifetime_seconds = 86'400; });
  EXPECT_EQ(lifetime(), 300);
  leg.world.idp.settings.session_absolute_seconds = 100;
  EXPECT_EQ(lifetime(), 100);
}

TEST(TokenExchange, a_device_key_speaks_for_its_own_person) {
  Leg1 leg;
  leg.agent = "writ-cli", leg.device = "dev_1", leg.device_user = "usr_alice";
  leg.claims.set("aud", "writ-cli-idp");
  EXPECT_EQ(*issued(leg.decide()).find_string("client_id"), "writ-cli-at-acme");
}

TEST(TokenExchange, an_audience_in_an_array_of_one_is_the_same_client) {
  Leg1 leg;
  leg.claims.set("aud", json::Array{"cursor-idp"});
  leg.claims.set("azp", "cursor-idp");
  EXPECT_EQ(reason_of(leg.decide()), "granted");
}

// ---- a refresh token as subject (IDJAG-27, IDJAG-42)

struct RefreshSubject : Leg1 {
  NewFamily begun = world.begin_refresh(session);
  RefreshSubject() {
    subject_token = begun.token;
    set("subject_token_type", kRefreshType);
  }
  void rotate() {
    const std::string successor = successor_of(begun.token, begun.family);
    EXPECT_TRUE(*run(world.refresh_tokens->rotate(begun.family.id, 0, digest_of(successor), world.clock.time)));
  }
};

TEST(RefreshTokenAsSubject, gives_an_id_jag_and_is_neither_consumed_nor_replaced) {
  RefreshSubject leg;
  for (int i = 0; i < 3; ++i) {
    const Outcome outcome = leg.decide();
    ASSERT_EQ(reason_of(outcome), "granted");
    EXPECT_EQ(text_member(std::get<Granted>(outcome).body, "refresh_token"), "");
    carry_out(outcome);
  }
  EXPECT_EQ(leg.world.refresh_tokens->find(leg.begun.token)->family.generations.size(), 1u);
}

TEST(RefreshTokenAsSubject, makes_the_predecessor_a_replay_once_it_was_used) {
  RefreshSubject leg;
  leg.rotate();
  leg.subject_token = successor_of(leg.begun.token, leg.begun.family);
  carry_out(leg.decide());
  leg.subject_token = leg.begun.token;
  EXPECT_EQ(reason_of(leg.decide()), "refresh_token_reused");
}

struct RefreshRow {
  const char* name;
  std::function<void(RefreshSubject&)> change;
  const char* reason;
};
class RefreshTokenAsSubjectRefusal : public testing::TestWithParam<RefreshRow> {};
TEST_P(RefreshTokenAsSubjectRefusal, is_that_of_the_refresh_grant) {
  RefreshSubject leg;
  GetParam().change(leg);
  EXPECT_EQ(reason_of(leg.decide()), GetParam().reason);
}
INSTANTIATE_TEST_SUITE_P(Rows, RefreshTokenAsSubjectRefusal, testing::Values(
    RefreshRow{"unknown", [](RefreshSubject& l) { l.subject_token = "wrt_none"; }, "refresh_token_unknown"},
    RefreshRow{"an_id_token_called_refresh_token", [](RefreshSubject& l) { l.subject_token = l.world.id_token(l.session, "cursor-idp"); },
               "refresh_token_unknown"},
    RefreshRow{"of_another_client", [](RefreshSubject& l) { l.agent = "unmapped"; }, "refresh_token_of_another_client"},
    RefreshRow{"family_revoked",
               [](RefreshSubject& l) { EXPECT_TRUE(run(l.world.refresh_tokens->revoke_family(l.begun.family.id, kNow + Seconds{9}))); },
               "refresh_token_revoked"},
    RefreshRow{"session_ended", [](RefreshSubject& l) { end(l); }, "session_ended"},
    RefreshRow{"rotated_long_ago",
               [](RefreshSubject& l) {
                 l.rotate();
                 l.world.advance(31);
               },
               "refresh_token_reused"}),
    row_name);

TEST(RefreshTokenAsSubject, that_comes_back_after_rotation_takes_the_whole_family) {
  RefreshSubject leg;
  leg.rotate();
  leg.world.advance(31);
  const Outcome outcome = leg.decide();
  EXPECT_EQ(std::get<Refused>(outcome).record.event, audit::Event::refresh_reuse);
  EXPECT_TRUE(leg.world.refresh_tokens->find(leg.begun.token)->family.revoked);
  EXPECT_TRUE(leg.world.revocations->is_token_revoked(leg.begun.family.id));
}

TEST(TokenExchange, uses_of_a_session_keep_it_alive) {
  Leg1 leg;
  leg.world.advance(3000);
  carry_out(leg.decide());
  EXPECT_EQ(leg.world.sessions->find(leg.session.id)->last_seen, kNow + Seconds{3000});
}

}  // namespace
}  // namespace writ::token_service::idp
