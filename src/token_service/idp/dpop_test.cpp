// DPoP at the IdP (IDJAG-100 to IDJAG-104, OB-90 to OB-97): codes, refresh tokens, access tokens and ID-JAGs bound to the key that was proved.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dpop/prover.h"
#include "token_service/idp/browser_fixture.h"

namespace writ::token_service::idp {
namespace {

const std::string kTokenUrl = std::string(kIssuer) + "/token";

struct DpopSite : Site {
  dpop::Prover prover, other;

  std::string proof(const dpop::Prover& by) { return by.prove("POST", kTokenUrl, world.clock.now()); }
  // Without `proof`: none is sent. Public clients send no secret.
  http::Response ask_token(Pairs parameters, const std::string& proof, const char* client = "cursor") {
    http::Request request;
    request.method = "POST", request.path = base() + "/token", request.peer.address = "192.0.2.7";
    request.headers.add("Content-Type", "application/x-www-form-urlencoded");
    if (!proof.empty()) request.headers.add("DPoP", proof);
    parameters.emplace_back("client_id", std::string(client) + "-idp");
    if (std::string_view(client) != "public") parameters.emplace_back("client_secret", std::string(client) + "-secret");
    request.body = form::write(parameters);
    return run(router.handle(request));
  }
  std::string code(Pairs more = {}, const char* client = "cursor") {
    for (auto& [name, value] : asked)
      if (name == "client_id") value = std::string(client) + "-idp";
    return in_location(sign_in("alice", "wonderland", std::move(more)), "code");
  }
  static Pairs redeeming(const std::string& code) {
    return {{"grant_type", "authorization_code"}, {"code", code}, {"redirect_uri", kCallback}, {"code_verifier", kVerifier}};
  }
  static Pairs refreshing(const std::string& token) { return {{"grant_type", "refresh_token"}, {"refresh_token", token}}; }
  static Pairs exchanging(const std::string& token, std::string_view type = oauth::kTokenTypeIdToken) {
    return {{"grant_type", std::string(oauth::kGrantTokenExchange)}, {"requested_token_type", std::string(oauth::kTokenTypeIdJag)}, {"audience", kOwnRas},
            {"resource", kNotes}, {"subject_token_type", std::string(type)}, {"subject_token", token}};
  }
  http::Response userinfo(const std::string& authorization, const std::vector<std::string>& proofs) {
    http::Request request;
    request.method = "GET", request.path = base() + "/userinfo";
    request.headers.add("Authorization", authorization);
    for (const auto& one : proofs) request.headers.add("DPoP", one);
    return run(router.handle(request));
  }
};

std::string error_in(const http::Response& response) {
  const json::Value parsed = body(response);
  const auto* error = parsed.find_string("error");
  return error ? *error : "";
}
std::string member(const http::Response& response, const char* name) {
  const json::Value parsed = body(response);
  const auto* text = parsed.find_string(name);
  return text ? *text : "";
}
std::string bound_to(const std::string& token) {
  const json::Value claims = claims_in(token);
  const auto* confirmation = claims.find("cnf");
  return confirmation ? *confirmation->find_string("jkt") : "";
}
std::string last_reason(const Site& site) { return site.world.log.records().back().reason; }

TEST(DpopAtTheIdp, an_id_jag_is_bound_to_the_key_that_was_proved) {
  DpopSite site;
  const std::string id_token = member(site.token(DpopSite::redeeming(site.code())), "id_token");
  const auto bound = site.ask_token(DpopSite::exchanging(id_token), site.proof(site.prover));
  ASSERT_EQ(bound.status, 200) << bound.body;
  EXPECT_EQ(bound_to(member(bound, "access_token")), site.prover.thumbprint());
  EXPECT_EQ(member(bound, "token_type"), "N_A");   // IDJAG-103
  const auto unbound = site.ask_token(DpopSite::exchanging(id_token), "");
  EXPECT_FALSE(claims_in(member(unbound, "access_token")).find("cnf"));
}

TEST(DpopAtTheIdp, a_bad_proof_gives_no_id_jag_at_all) {
  DpopSite site;
  const std::string id_token = member(site.token(DpopSite::redeeming(site.code())), "id_token");
  for (const std::string& bad : {std::string("x"), site.prover.prove("POST", std::string(kOwnRas) + "/token", site.world.clock.now())}) {
    EXPECT_EQ(error_in(site.ask_token(DpopSite::exchanging(id_token), bad)), "invalid_dpop_proof");
    EXPECT_EQ(site.world.log.records().back().event, audit::Event::id_jag);
  }
  EXPECT_EQ(last_reason(site), "dpop_wrong_url");
  const std::string once = site.proof(site.prover);
  EXPECT_EQ(site.ask_token(DpopSite::exchanging(id_token), once).status, 200);
  EXPECT_EQ(error_in(site.ask_token(DpopSite::exchanging(id_token), once)), "invalid_dpop_proof");
  EXPECT_EQ(last_reason(site), "dpop_replayed");
}

TEST(DpopAtTheIdp, a_code_that_names_a_key_is_redeemed_with_that_key_alone) {
  DpopSite site;
  const std::string code = site.code({{"dpop_jkt", site.prover.thumbprint()}});
  EXPECT_EQ(error_in(site.ask_token(DpopSite::redeeming(code), "")), "invalid_grant");
  EXPECT_EQ(last_reason(site), "code_of_another_key");
  EXPECT_EQ(error_in(site.ask_token(DpopSite::redeeming(code), site.proof(site.other))), "invalid_grant");
  EXPECT_EQ(last_reason(site), "code_of_another_key");
  // It is kept across a restart.
  const auto reopened = AuthorizationCodes::open(site.world.documents);
  ASSERT_TRUE(reopened);
  EXPECT_EQ((*reopened)->find(code)->dpop_jkt, site.prover.thumbprint());
  EXPECT_EQ(site.ask_token(DpopSite::redeeming(code), site.proof(site.prover)).status, 200);
}

TEST(DpopAtTheIdp, a_key_that_is_no_thumbprint_is_refused_at_the_authorization_endpoint) {
  for (const char* bad : {"x", "AAAA", "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs="}) {
    Site site;
    EXPECT_EQ(in_location(site.ask({{"dpop_jkt", bad}}), "error"), "invalid_request") << bad;
  }
}

TEST(DpopAtTheIdp, access_tokens_of_the_idp_are_bound_and_no_bearer_tokens) {
  DpopSite site;
  const auto answer = site.ask_token(DpopSite::redeeming(site.code()), site.proof(site.prover));
  EXPECT_EQ(member(answer, "token_type"), "DPoP");
  const std::string token = member(answer, "access_token");
  EXPECT_EQ(bound_to(token), site.prover.thumbprint());
  const std::string url = std::string(kIssuer) + "/userinfo";
  const Instant now = site.world.clock.now();
  EXPECT_EQ(site.userinfo("Bearer " + token, {}).status, 401);
  EXPECT_EQ(site.userinfo("DPoP " + token, {}).status, 401);
  EXPECT_EQ(site.userinfo("DPoP " + token, {site.other.prove("GET", url, now, token)}).status, 401);
  EXPECT_EQ(site.userinfo("DPoP " + token, {site.prover.prove("GET", url, now, "another")}).status, 401);
  EXPECT_EQ(site.userinfo("DPoP " + token, {site.prover.prove("GET", kTokenUrl, now, token)}).status, 401);
  const std::string good = site.prover.prove("GET", url, now, token);
  EXPECT_EQ(site.userinfo("DPoP " + token, {good}).status, 200);
  const auto replayed = site.userinfo("DPoP " + token, {good});
  EXPECT_EQ(replayed.status, 401);
  EXPECT_THAT(*replayed.headers.find("WWW-Authenticate"), testing::HasSubstr("error=\"invalid_dpop_proof\""));
  const auto stranger = site.userinfo("DPoP " + token, {site.prover.prove("GET", url, now + Seconds{60}, token)});
  EXPECT_THAT(*stranger.headers.find("WWW-Authenticate"), testing::HasSubstr("error=\"use_dpop_nonce\""));
  EXPECT_EQ(stranger.headers.count("DPoP-Nonce"), 1u);
  // An unbound token proves no key.
  DpopSite plain;
  const std::string unbound = member(plain.token(DpopSite::redeeming(plain.code())), "access_token");
  EXPECT_EQ(plain.userinfo("DPoP " + unbound, {plain.prover.prove("GET", url, now, unbound)}).status, 401);
  EXPECT_EQ(plain.userinfo("Bearer " + unbound, {}).status, 200);
}

TEST(DpopAtTheIdp, refresh_tokens_of_public_clients_are_bound) {
  DpopSite site;
  const auto first = site.ask_token(DpopSite::redeeming(site.code({}, "public")), site.proof(site.prover), "public");
  ASSERT_EQ(first.status, 200) << first.body;
  const std::string token = member(first, "refresh_token");
  const auto reopened = RefreshTokens::open(site.world.documents);
  ASSERT_TRUE(reopened);
  EXPECT_EQ((*reopened)->find(token)->family.dpop_jkt, site.prover.thumbprint());
  EXPECT_EQ(error_in(site.ask_token(DpopSite::refreshing(token), "", "public")), "invalid_grant");
  EXPECT_EQ(last_reason(site), "refresh_token_of_another_key");
  EXPECT_EQ(error_in(site.ask_token(DpopSite::refreshing(token), site.proof(site.other), "public")), "invalid_grant");
  EXPECT_EQ(last_reason(site), "refresh_token_of_another_key");
  const auto next = site.ask_token(DpopSite::refreshing(token), site.proof(site.prover), "public");
  ASSERT_EQ(next.status, 200) << next.body;
  EXPECT_EQ(error_in(site.ask_token(DpopSite::refreshing(member(next, "refresh_token")), "", "public")), "invalid_grant");
}

TEST(DpopAtTheIdp, refresh_tokens_of_clients_that_authenticate_are_not_bound) {
  DpopSite site;
  const auto first = site.ask_token(DpopSite::redeeming(site.code()), site.proof(site.prover));
  const auto next = site.ask_token(DpopSite::refreshing(member(first, "refresh_token")), "");
  ASSERT_EQ(next.status, 200) << next.body;
  EXPECT_EQ(member(next, "token_type"), "Bearer");
}

// A client may have been public when its token was bound: as subject the token stays what it was.
TEST(DpopAtTheIdp, a_bound_refresh_token_as_subject_stays_bound) {
  DpopSite site;
  const Session session = site.world.begin_session();
  RefreshFamily family;
  family.id = "grt_bound", family.client_id = "cursor-idp", family.agent_id = "cursor", family.user_id = session.user_id, family.sid = session.id;
  family.scope = "openid offline_access", family.expires = absolute_end(session, site.world.idp_settings), family.dpop_jkt = site.prover.thumbprint();
  const auto begun = begin_family(std::move(family), site.world.clock.now());
  ASSERT_TRUE(*run(site.world.refresh_tokens->add(begun.family)));
  const auto exchange = [&](const std::string& proof) { return site.ask_token(DpopSite::exchanging(begun.token, oauth::kTokenTypeRefreshToken), proof); };
  EXPECT_EQ(error_in(exchange("")), "invalid_grant");
  EXPECT_EQ(last_reason(site), "refresh_token_of_another_key");
  EXPECT_EQ(error_in(exchange(site.proof(site.other))), "invalid_grant");
  const auto given = exchange(site.proof(site.prover));
  ASSERT_EQ(given.status, 200) << given.body;
  EXPECT_EQ(bound_to(member(given, "access_token")), site.prover.thumbprint());
}

TEST(DpopAtTheIdp, a_client_that_must_prove_is_refused_without) {
  DpopSite site;
  site.world.change([](auto& objects) { objects.agents[0].idp->dpop_bound = true; });
  const std::string code = site.code();
  EXPECT_EQ(error_in(site.ask_token(DpopSite::redeeming(code), "")), "invalid_dpop_proof");
  EXPECT_EQ(last_reason(site), "dpop_proof_absent");
  EXPECT_EQ(site.ask_token(DpopSite::redeeming(code), site.proof(site.prover)).status, 200);
}

TEST(DpopAtTheIdp, a_demanded_nonce_uses_up_nothing_but_a_round_trip) {
  DpopSite site;
  site.world.possession.nonce_demanded = true;
  const std::string code = site.code();
  const auto refused = site.ask_token(DpopSite::redeeming(code), site.proof(site.prover));
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(error_in(refused), "use_dpop_nonce");
  ASSERT_TRUE(site.prover.note_nonce(kTokenUrl, refused.headers));
  EXPECT_EQ(site.ask_token(DpopSite::redeeming(code), site.proof(site.prover)).status, 200);
}

TEST(DpopAtTheIdp, a_proof_is_refused_where_nobody_checks_one) {
  DpopSite site;
  site.world.idp.endpoints.dpop = nullptr;
  site.router = routes(site.world.idp);
  EXPECT_EQ(error_in(site.ask_token(DpopSite::redeeming(site.code()), site.proof(site.prover))), "invalid_request");
  EXPECT_EQ(last_reason(site), "dpop_not_offered");
}

}  // namespace
}  // namespace writ::token_service::idp
