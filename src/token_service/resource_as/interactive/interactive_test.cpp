#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/task.h"
#include "token_service/resource_as/interactive/interactive_fixture.h"

namespace writ::token_service::resource_as::test {
namespace {

using testing::HasSubstr;
using Change = std::function<void(InteractiveWorld&, Form&)>;

void set(Form& form, const std::string& name, const std::string& value) {
  for (auto& [key, old] : form) {
    if (key == name) {
      old = value;
      return;
    }
  }
  form.emplace_back(name, value);
}
void drop(Form& form, const std::string& name) { std::erase_if(form, [&](const auto& pair) { return pair.first == name; }); }

TEST(InteractiveGrant, GivesATokenOfTheShapeOfAnIdJags) {
  InteractiveWorld w;
  const auto asked = w.begin(w.good_request());
  EXPECT_EQ(asked.at("client_id"), "ras-at-idp");
  EXPECT_EQ(asked.at("redirect_uri"), std::string(kRas) + "/callback");
  EXPECT_EQ(asked.at("code_challenge_method"), "S256");
  const auto back = w.come_back(asked);
  EXPECT_THAT(InteractiveWorld::location(back), testing::StartsWith(std::string(kRedirect) + "?"));
  const auto answer = query_of(InteractiveWorld::location(back));
  EXPECT_EQ(answer.at("state"), "client-state");
  EXPECT_EQ(answer.at("iss"), kRas);
  EXPECT_TRUE(w.jar.empty());   // one answer for one question
  EXPECT_THAT(w.idp.requests.front().body, HasSubstr("code_verifier="));
  EXPECT_TRUE(w.idp.requests.front().headers.find("Authorization"));

  const auto token = w.redeem(w.redemption(answer.at("code")));
  ASSERT_EQ(token.response.status, 200) << token.response.body;
  EXPECT_EQ(token.text("scope"), "notes:read notes:write");
  EXPECT_EQ(token.text("refresh_token"), "");
  const auto claims = w.world.claims_of_access_token(token);
  for (const auto& [name, value] : {std::pair<const char*, std::string_view>{"iss", kRas}, {"sub", "usr_alice"}, {"aud", kNotes}, {"client_id", "open-at-ras"}, {"sid", "ses_1"}, {"acr", "urn:pwd"}})
    EXPECT_EQ(*claims.find_string(name), value) << name;
  EXPECT_EQ(*claims.find_int("exp") - *claims.find_int("iat"), 300);
  EXPECT_EQ(w.world.last_record().reason, "code_redeemed");
  EXPECT_EQ(w.world.last_record().access_token_jti, *claims.find_string("jti"));
}

TEST(InteractiveGrant, AReplayedCodeGivesNothingAndTakesTheTokenBack) {
  InteractiveWorld w;
  const auto code = w.sign_in(w.good_request()).at("code");
  const auto first = w.redeem(w.redemption(code));
  ASSERT_EQ(first.response.status, 200);
  const auto again = w.redeem(w.redemption(code));
  EXPECT_EQ(again.error(), "invalid_grant");
  EXPECT_EQ(w.world.last_record().reason, "code_replayed");
  EXPECT_TRUE(w.world.revocations->is_token_revoked(*w.world.claims_of_access_token(first).find_string("jti")));
}

TEST(InteractiveGrant, TheMetadataSaysItOnlyWhereAServerHasIt) {
  InteractiveWorld w;
  const auto document = [&] { return *json::parse(w.get("/.well-known/oauth-authorization-server", {}).body); };
  EXPECT_EQ(json::write(*document().find("response_types_supported")), "[\"code\"]");
  EXPECT_EQ(json::write(*document().find("code_challenge_methods_supported")), "[\"S256\"]");
  EXPECT_TRUE(*document().find_bool("authorization_response_iss_parameter_supported"));
  EXPECT_THAT(json::write(*document().find("grant_types_supported")), HasSubstr("authorization_code"));
  w.world.change_objects([](registry::Objects& objects) { objects.servers.front().interactive_grant = false; });
  EXPECT_EQ(json::write(*document().find("response_types_supported")), "[]");
  EXPECT_EQ(document().find("code_challenge_methods_supported"), nullptr);
  EXPECT_THAT(json::write(*document().find("grant_types_supported")), testing::Not(HasSubstr("authorization_code")));
  EXPECT_EQ(w.get("/authorize", w.good_request()).status, 400);
  EXPECT_EQ(w.get("/callback", {}).status, 400);
}

// ---- the request

struct RequestRow {
  const char* name;
  Change change;
  const char* error;   // empty: said on a page
};
class InteractiveRequests : public testing::TestWithParam<RequestRow> {};
TEST_P(InteractiveRequests, AreRefused) {
  InteractiveWorld w;
  Form request = w.good_request();
  GetParam().change(w, request);
  const auto response = w.get("/authorize", request);
  if (*GetParam().error == 0) {
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(InteractiveWorld::location(response), "");
    return;
  }
  EXPECT_THAT(InteractiveWorld::location(response), testing::StartsWith(std::string(kRedirect)));
  const auto answer = query_of(InteractiveWorld::location(response));
  EXPECT_EQ(answer.at("error"), GetParam().error) << answer.at("error_description");
  EXPECT_EQ(answer.at("iss"), kRas);
}
Change with(const char* name, std::string value) {
  return [name, value](InteractiveWorld&, Form& form) { set(form, name, value); };
}
Change without(const char* name) {
  return [name](InteractiveWorld&, Form& form) { drop(form, name); };
}
INSTANTIATE_TEST_SUITE_P(
    All, InteractiveRequests,
    testing::Values(RequestRow{"no_client", without("client_id"), ""}, RequestRow{"unknown_client", with("client_id", "nobody"), ""},
                    RequestRow{"client_of_the_idp", with("client_id", "ras-at-idp"), ""},
                    RequestRow{"two_clients", [](InteractiveWorld&, Form& f) { f.emplace_back("client_id", "open-at-ras"); }, ""},
                    RequestRow{"disabled_client", [](InteractiveWorld& w, Form&) { w.world.change_objects([](auto& o) { o.agents[4].active = false; }); }, ""},
                    RequestRow{"no_redirect_uri", without("redirect_uri"), ""},
                    RequestRow{"other_redirect_uri", with("redirect_uri", "http://127.0.0.1:7777/other"), ""},
                    RequestRow{"redirect_uri_of_another_host", with("redirect_uri", "https://evil.example/callback"), ""},
                    RequestRow{"no_response_type", without("response_type"), "invalid_request"},
                    RequestRow{"implicit", with("response_type", "token"), "unsupported_response_type"},
                    RequestRow{"fragment", with("response_mode", "fragment"), "invalid_request"},
                    RequestRow{"request_object", with("request", "x"), "request_not_supported"},
                    RequestRow{"no_challenge", without("code_challenge"), "invalid_request"},
                    RequestRow{"plain_by_default", without("code_challenge_method"), "invalid_request"},
                    RequestRow{"plain", with("code_challenge_method", "plain"), "invalid_request"},
                    RequestRow{"short_challenge", with("code_challenge", "abc"), "invalid_request"},
                    RequestRow{"repeated", [](InteractiveWorld&, Form& f) { f.emplace_back("scope", "notes:read"); }, "invalid_request"},
                    RequestRow{"long_state", with("state", std::string(1025, 's')), "invalid_request"},
                    RequestRow{"no_resource", without("resource"), "invalid_target"},
                    RequestRow{"two_resources", [](InteractiveWorld&, Form& f) { f.emplace_back("resource", std::string(kTickets)); }, "invalid_target"},
                    RequestRow{"unknown_resource", with("resource", "https://mcp.larkspur.example/nothing"), "invalid_target"},
                    RequestRow{"resource_of_another_server", with("resource", "https://mcp.other.example/"), "invalid_target"},
                    RequestRow{"resource_without_the_grant", with("resource", std::string(kTickets)), "unauthorized_client"},
                    RequestRow{"disabled_server", [](InteractiveWorld& w, Form&) {
                                 w.world.change_objects([](auto& o) { o.servers[0].active = false; o.servers[1].interactive_grant = true; }); }, "invalid_target"},
                    RequestRow{"scopes_of_nobody", with("scope", "openid"), "invalid_scope"}, RequestRow{"malformed_scope", with("scope", "a  b\"c"), "invalid_scope"},
                    RequestRow{"own_agent_gone", [](InteractiveWorld& w, Form&) { w.world.change_objects([](auto& o) { o.agents.back().active = false; }); }, "temporarily_unavailable"}),
    [](const auto& row) { return std::string(row.param.name); });

// ---- coming back from the IdP

struct BackRow {
  const char* name;
  std::function<void(InteractiveWorld&, json::Value& id_token, Form& answer)> change;
  const char* error;    // empty: said on a page
  const char* reason;   // of the record
};
class ComingBack : public testing::TestWithParam<BackRow> {};
TEST_P(ComingBack, IsRefused) {
  InteractiveWorld w;
  const auto asked = w.begin(w.good_request());
  json::Value token = w.good_id_token(asked.at("nonce"));
  Form answer{{"code", "c"}, {"state", asked.at("state")}, {"iss", std::string(kIdp)}};
  GetParam().change(w, token, answer);
  if (w.idp.id_token.empty()) w.idp.id_token = jose::sign(key_named("idp"), oauth::kTypIdToken, token);
  const auto response = w.get("/callback", answer);
  const auto said = query_of(InteractiveWorld::location(response));
  EXPECT_EQ(said.count("code"), 0u);
  EXPECT_EQ(said.count("error") ? said.at("error") : "", GetParam().error);
  EXPECT_EQ(w.world.last_record().reason, GetParam().reason) << w.world.last_record().detail;
  EXPECT_EQ(w.world.last_record().effect, audit::Effect::deny);
}
std::function<void(InteractiveWorld&, json::Value&, Form&)> claim(const char* name, json::Value value) {
  return [name, value](InteractiveWorld&, json::Value& token, Form&) { token.set(name, value); };
}
std::function<void(InteractiveWorld&, json::Value&, Form&)> objects(std::function<void(registry::Objects&)> change) {
  return [change](InteractiveWorld& w, json::Value&, Form&) { w.world.change_objects(change); };
}
INSTANTIATE_TEST_SUITE_P(
    All, ComingBack,
    testing::Values(
        BackRow{"other_browser", [](auto& w, auto&, auto&) { w.jar.clear(); }, "", "sign_in_state_unknown"},
        BackRow{"no_state", [](auto&, auto&, Form& a) { drop(a, "state"); }, "", "sign_in_state_unknown"},
        BackRow{"other_state", [](auto&, auto&, Form& a) { set(a, "state", crypto::random_token(32)); }, "", "sign_in_state_unknown"},
        BackRow{"too_late", [](auto& w, auto&, auto&) { w.world.clock.seconds += 600; }, "", "sign_in_state_unknown"},
        BackRow{"iss_absent", [](auto&, auto&, Form& a) { drop(a, "iss"); }, "server_error", "sign_in_iss_mismatch"},
        BackRow{"iss_of_another", [](auto&, auto&, Form& a) { set(a, "iss", std::string(kForeignIdp)); }, "server_error", "sign_in_iss_mismatch"},
        BackRow{"login_required", [](auto&, auto&, Form& a) { drop(a, "code"); set(a, "error", "login_required"); }, "login_required", "sign_in_refused"},
        BackRow{"unknown_error", [](auto&, auto&, Form& a) { drop(a, "code"); set(a, "error", "<script>"); }, "server_error", "sign_in_refused"},
        BackRow{"no_code", [](auto&, auto&, Form& a) { drop(a, "code"); }, "server_error", "sign_in_no_code"},
        BackRow{"idp_unreachable", [](auto& w, auto&, auto&) { w.idp.unreachable = true; }, "temporarily_unavailable", "idp_unreachable"},
        BackRow{"code_refused", [](auto& w, auto&, auto&) { w.idp.status = 400; }, "server_error", "sign_in_code_refused"},
        BackRow{"keys_unavailable", [](auto& w, auto&, auto&) { w.world.issuer_keys.unavailable = true; }, "temporarily_unavailable", "idp_keys_unavailable"},
        BackRow{"no_jwt", [](auto& w, auto&, auto&) { w.idp.id_token = "x"; }, "server_error", "id_token_invalid"},
        BackRow{"signed_by_another", [](auto& w, json::Value& claims, auto&) { w.idp.id_token = jose::sign(key_named("foreign"), oauth::kTypIdToken, claims); }, "server_error", "id_token_invalid"},
        BackRow{"an_id_jag", [](auto& w, json::Value& claims, auto&) { w.idp.id_token = jose::sign(key_named("idp"), oauth::kTypIdJag, claims); }, "server_error", "id_token_invalid"},
        BackRow{"issuer", claim("iss", kForeignIdp), "server_error", "id_token_invalid"}, BackRow{"audience", claim("aud", "open-at-ras"), "server_error", "id_token_invalid"},
        BackRow{"two_audiences", claim("aud", json::Array{"ras-at-idp", "x"}), "server_error", "id_token_invalid"},
        BackRow{"nonce", claim("nonce", "another"), "server_error", "id_token_invalid"}, BackRow{"no_nonce", claim("nonce", nullptr), "server_error", "id_token_invalid"},
        BackRow{"expired", claim("exp", kNow - 60), "server_error", "id_token_invalid"},
        BackRow{"unknown_person", claim("sub", "usr_nobody"), "access_denied", "subject_unknown"},
        BackRow{"not_permitted", claim("sub", "usr_bob"), "access_denied", "no_permit"},
        BackRow{"disabled_person", objects([](auto& o) { o.users[0].active = false; }), "access_denied", "user_disabled"},
        BackRow{"signed_out_everywhere", objects([](auto& o) { o.users[0].not_before = from_unix_seconds(kNow + 1); }), "login_required", "issued_before_not_before"},
        BackRow{"session_ended", [](auto& w, auto&, auto&) { static_cast<void>(run(w.world.revocations->end_session("ses_1", from_unix_seconds(kNow + 9)))); }, "login_required", "session_ended"},
        BackRow{"issuer_disabled", objects([](auto& o) { o.trusted_issuers[0].active = false; }), "server_error", "issuer_not_trusted"},
        BackRow{"client_not_in_the_issuers_list", objects([](auto& o) { o.trusted_issuers[0].all_clients = false; o.trusted_issuers[0].clients = {"cursor"}; }), "access_denied", "client_not_allowed"},
        BackRow{"nothing_below_the_ceiling", objects([](auto& o) { o.trusted_issuers[0].all_scopes = false; }), "invalid_scope", "no_grantable_scope"},
        BackRow{"refused_by_ema", [](auto& w, auto&, auto&) { static_cast<void>(run(w.world.refusals->note({"usr_alice", "open", "notes"}, "v1", w.world.clock.now()))); }, "access_denied", "ema_refused"}),
    [](const auto& row) { return std::string(row.param.name); });

// ---- redeeming the code

struct RedeemRow {
  const char* name;
  Change change;
  const char* error;
  const char* reason;
};
class RedeemingACode : public testing::TestWithParam<RedeemRow> {};
TEST_P(RedeemingACode, IsRefused) {
  InteractiveWorld w;
  Form form = w.redemption(w.sign_in(w.good_request()).at("code"));
  GetParam().change(w, form);
  const auto answer = w.redeem(form);
  EXPECT_EQ(answer.error(), GetParam().error) << answer.response.body;
  EXPECT_EQ(w.world.last_record().reason, GetParam().reason);
}
INSTANTIATE_TEST_SUITE_P(
    All, RedeemingACode,
    testing::Values(
        RedeemRow{"no_code", without("code"), "invalid_request", "code_parameter_missing"}, RedeemRow{"no_verifier", without("code_verifier"), "invalid_request", "code_parameter_missing"},
        RedeemRow{"no_redirect_uri", without("redirect_uri"), "invalid_request", "code_parameter_missing"}, RedeemRow{"other_code", with("code", "abcd"), "invalid_grant", "code_unknown"},
        RedeemRow{"cut_code", [](InteractiveWorld&, Form& f) { f[2].second.pop_back(); f[2].second.pop_back(); }, "invalid_grant", "code_unknown"},
        RedeemRow{"other_redirect_uri", with("redirect_uri", "http://127.0.0.1:7778/callback"), "invalid_grant", "code_redirect_uri_mismatch"},
        RedeemRow{"short_verifier", with("code_verifier", "x"), "invalid_grant", "code_verifier_malformed"},
        RedeemRow{"other_verifier", with("code_verifier", std::string(43, 'x')), "invalid_grant", "code_verifier_mismatch"},
        RedeemRow{"other_resource", with("resource", std::string(kTickets)), "invalid_target", "code_resource_mismatch"},
        RedeemRow{"too_late", [](InteractiveWorld& w, Form&) { w.world.clock.seconds += 60; }, "invalid_grant", "code_expired"},
        RedeemRow{"session_ended_meanwhile", [](InteractiveWorld& w, Form&) { static_cast<void>(run(w.world.revocations->end_session("ses_1", from_unix_seconds(kNow + 9)))); }, "invalid_grant", "session_ended"},
        RedeemRow{"disabled_meanwhile", [](InteractiveWorld& w, Form&) { w.world.change_objects([](auto& o) { o.users[0].active = false; }); }, "invalid_grant", "user_disabled"},
        RedeemRow{"closed_meanwhile", [](InteractiveWorld& w, Form&) { w.world.change_objects([](auto& o) { o.servers[0].interactive_grant = false; }); }, "invalid_grant", "resource_of_another_server"},
        RedeemRow{"policy_changed_meanwhile", [](InteractiveWorld& w, Form&) { w.world.policy.set(std::make_shared<policy::GrantsTable>(std::vector<policy::AccessGrant>{}, "v2")); }, "access_denied", "no_permit"},
        RedeemRow{"refused_by_ema_meanwhile", [](InteractiveWorld& w, Form&) { static_cast<void>(run(w.world.refusals->note({"usr_alice", "open", "notes"}, "v1", w.world.clock.now()))); }, "access_denied", "ema_refused"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(InteractiveGrant, ACodeIsOfTheClientThatAskedForIt) {
  InteractiveWorld w;
  Form form = w.redemption(w.sign_in(w.good_request()).at("code"));
  drop(form, "client_id");
  const auto stolen = w.world.send(World::post("/token", form, World::basic("cursor-at-ras", kSecret)));
  EXPECT_EQ(stolen.error(), "invalid_grant");
  EXPECT_EQ(w.world.last_record().reason, "code_of_another_client");
  set(form, "client_id", "open-at-ras");
  EXPECT_EQ(w.redeem(form).response.status, 200);   // presented wrongly, it was not used up
}

// A confidential client has to say who it is here too.
TEST(InteractiveGrant, AClientWithASecretNeedsIt) {
  InteractiveWorld w;
  Form request = w.good_request();
  set(request, "client_id", "cursor-at-ras");
  Form form = w.redemption(w.sign_in(request).at("code"));
  set(form, "client_id", "cursor-at-ras");
  EXPECT_EQ(w.redeem(form).error(), "invalid_client");
  drop(form, "client_id");
  EXPECT_EQ(w.world.send(World::post("/token", form, World::basic("cursor-at-ras", kSecret))).response.status, 200);
}

// The token endpoint checks proofs; the grant binds to what was proved (RFC 9449 §5).
struct Bound {
  InteractiveWorld w;
  InteractiveCodeGrant grant{*w.world.server->interactive(), *w.world.revocations};
  Outcome redeem(const std::string& jkt, bool has_proof) {
    const auto code = w.sign_in(w.good_request()).at("code");
    TokenRequest request;
    request.parameters = form::Parameters(w.redemption(code));
    request.now = w.world.clock.now();
    request.dpop_jkt = jkt, request.has_dpop_proof = has_proof;
    Client client;
    client.snapshot = w.world.registry.get();
    const auto found = client.snapshot->agent_at_resource_as(kRas, "open-at-ras");
    client.agent = found.agent, client.registration = found.registration;
    return run(grant.decide(request, client));
  }
  static std::string reason(const Outcome& outcome) {
    const auto* refused = std::get_if<Refused>(&outcome);
    return refused ? refused->record.reason : "";
  }
};

TEST(InteractiveGrant, BindsTheTokenToTheKeyThatWasProved) {
  Bound bound;
  const auto outcome = bound.redeem("thumbprint", true);
  ASSERT_TRUE(std::holds_alternative<Granted>(outcome)) << Bound::reason(outcome);
  const json::Value body(std::get<Granted>(outcome).body);
  EXPECT_EQ(*body.find_string("token_type"), "DPoP");
  const auto token = jose::UnverifiedJwt::parse(*body.find_string("access_token"));
  EXPECT_EQ(*token->claimed().find("cnf")->find_string("jkt"), "thumbprint");
}

TEST(InteractiveGrant, IssuesNothingUnboundWhereItShouldBeBound) {
  Bound bound;
  EXPECT_EQ(Bound::reason(bound.redeem("", true)), "dpop_not_offered");
  bound.w.world.change_objects([](auto& objects) { objects.servers[0].dpop_required = true; });
  EXPECT_EQ(Bound::reason(bound.redeem("", false)), "proof_required");
  EXPECT_TRUE(std::holds_alternative<Granted>(bound.redeem("thumbprint", true)));
}

// ---- pushed requests

TEST(InteractiveGrant, TakesPushedRequestsOnce) {
  InteractiveWorld w;
  const auto pushed = w.world.send(World::post("/par", w.good_request()));
  ASSERT_EQ(pushed.response.status, 201) << pushed.response.body;
  const Form name{{"client_id", "open-at-ras"}, {"request_uri", pushed.text("request_uri")}, {"state", "evil"}};
  EXPECT_EQ(w.get("/authorize", {{"client_id", "cursor-at-ras"}, {"request_uri", pushed.text("request_uri")}}).status, 400);
  const auto asked = w.begin(name);
  ASSERT_TRUE(asked.contains("nonce"));
  EXPECT_EQ(w.get("/authorize", name).status, 400);   // used up
  const auto answer = query_of(InteractiveWorld::location(w.come_back(asked)));
  EXPECT_EQ(answer.at("state"), "client-state");
  EXPECT_TRUE(answer.contains("code"));
  Form wrong = w.good_request();
  set(wrong, "resource", std::string(kTickets));
  EXPECT_EQ(w.world.send(World::post("/par", wrong)).error(), "unauthorized_client");
}

TEST(InteractiveGrant, AClientWhoseRequestsArePushedSendsNoOthers) {
  InteractiveWorld w;
  w.world.change_objects([](auto& o) { o.agents[4].resource_as.front().registration.pushed_only = true; });
  EXPECT_EQ(query_of(InteractiveWorld::location(w.get("/authorize", w.good_request()))).at("error"), "invalid_request");
  const auto pushed = w.world.send(World::post("/par", w.good_request()));
  EXPECT_TRUE(w.begin({{"client_id", "open-at-ras"}, {"request_uri", pushed.text("request_uri")}}).contains("nonce"));
}

}  // namespace
}  // namespace writ::token_service::resource_as::test
