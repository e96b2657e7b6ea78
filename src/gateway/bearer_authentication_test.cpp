#include "gateway/bearer_authentication.h"

#include "crypto/client_certificate.h"
#include "gateway/gateway_fixture.h"

namespace writ::gateway {
namespace {

struct Row {
  const char* name;
  std::function<void(GatewayTest&, http::Request&)> change;
  TokenRefusal reason;
  int status = 401;
};
class AccessTokenRules : public GatewayTest, public testing::WithParamInterface<Row> {};

std::string bearer(const std::string& token) { return "Bearer " + token; }
// The change to the claims of a good token.
auto with_claims(std::function<void(json::Value&)> change) {
  return [change = std::move(change)](GatewayTest& test, http::Request& request) { request.headers.set("Authorization", bearer(test.token(change))); };
}

const std::string kX5t(43, 'A');
void show_certificate(http::Request& request, const std::string& x5t) {
  crypto::ClientCertificate certificate;
  certificate.x5t = x5t;
  request.peer.certificate = std::make_shared<const crypto::ClientCertificate>(std::move(certificate));
}
// A token with this `cnf`, over a connection with the certificate; empty: without one.
auto bound_to(json::Value confirmation, std::string x5t) {
  return [confirmation = std::move(confirmation), x5t = std::move(x5t)](GatewayTest& test, http::Request& request) {
    request.headers.set("Authorization", bearer(test.token([&](json::Value& claims) { claims.set("cnf", confirmation); })));
    if (!x5t.empty()) show_certificate(request, x5t);
  };
}

// A good token because of a link, and then what `change` makes of the objects.
auto linked_to(std::function<void(registry::Objects&)> change) {
  return [change = std::move(change)](GatewayTest& test, http::Request& request) {
    request.headers.set("Authorization", bearer(test.token([](json::Value& c) { c.set("linked_account", json::Value{{"iss", "https://p.example"}, {"sub", "00u1"}}); })));
    const auto link = [](registry::Objects& objects) {
      objects.trusted_issuers.push_back({.issuer = "https://p.example"});
      objects.users[0].links.push_back({"https://p.example", "", "00u1"});
    };
    test.set_objects(link);
    // The link is good; the row takes it away.
    ASSERT_EQ(test.send(request).status, 200);
    test.upstream.requests.clear();
    test.set_objects([&](registry::Objects& objects) { link(objects), change(objects); });
  };
}

TEST_P(AccessTokenRules, RefuseWithTheirReason) {
  http::Request made = request("POST", call_text("search_notes"), token());
  GetParam().change(*this, made);
  const http::Response response = send(made);
  EXPECT_EQ(response.status, GetParam().status);
  EXPECT_TRUE(upstream.requests.empty());
  if (GetParam().reason == TokenRefusal::absent) {
    EXPECT_TRUE(log.records().empty());
  } else {
    EXPECT_EQ(last_reason(), to_string(GetParam().reason));
  }
  if (response.status == 503) return;
  const auto* challenge = response.headers.find_single("WWW-Authenticate");
  ASSERT_TRUE(challenge);
  EXPECT_NE(challenge->find(R"(resource_metadata="https://writ.example/.well-known/oauth-protected-resource/mcp/notes")"), std::string::npos) << *challenge;
  EXPECT_NE(challenge->find(R"(scope="notes:read")"), std::string::npos) << *challenge;
  const bool is_first_contact = GetParam().reason == TokenRefusal::absent || GetParam().reason == TokenRefusal::not_bearer;
  const char* error = GetParam().status == 400 ? R"(error="invalid_request")" : R"(error="invalid_token")";
  EXPECT_EQ(challenge->find(error) == std::string::npos, is_first_contact) << *challenge;
}

// RFC 8705 §3: each request's connection is looked at, also when the token is known already.
TEST_F(GatewayTest, ATokenThatIsBoundToACertificatePassesWithThatCertificateAlone) {
  const std::string bound = token([](json::Value& claims) { claims.set("cnf", json::Value{{"x5t#S256", kX5t}}); });
  http::Request made = request("POST", call_text("search_notes"), bound);
  show_certificate(made, kX5t);
  EXPECT_EQ(send(made).status, 200);
  EXPECT_EQ(send(made).status, 200);
  show_certificate(made, std::string(43, 'E'));
  EXPECT_EQ(send(made).status, 401);
  EXPECT_EQ(last_reason(), "client_certificate_of_another");
  made.peer.certificate = nullptr;
  EXPECT_EQ(send(made).status, 401);
  EXPECT_EQ(last_reason(), "client_certificate_absent");
  EXPECT_EQ(upstream.requests.size(), 2u);
}

TEST_F(GatewayTest, ACertificateBesideATokenThatIsNotBoundChangesNothing) {
  http::Request made = request("POST", call_text("search_notes"), token());
  show_certificate(made, kX5t);
  EXPECT_EQ(send(made).status, 200);
}

INSTANTIATE_TEST_SUITE_P(
    Requests, AccessTokenRules,
    testing::Values(
        Row{"no_authorization", [](GatewayTest&, http::Request& r) { r.headers.erase("Authorization"); }, TokenRefusal::absent},
        Row{"token_in_cookie", [](GatewayTest& g, http::Request& r) { r.headers.erase("Authorization"), r.headers.add("Cookie", "access_token=" + g.token()); },
            TokenRefusal::absent},
        Row{"token_in_body", [](GatewayTest& g, http::Request& r) { r.headers.erase("Authorization"), r.body = "access_token=" + g.token(); },
            TokenRefusal::absent},
        Row{"token_in_query", [](GatewayTest& g, http::Request& r) { r.headers.erase("Authorization"), r.query = "access_token=" + g.token(); },
            TokenRefusal::in_query},
        Row{"token_in_query_escaped", [](GatewayTest& g, http::Request& r) { r.headers.erase("Authorization"), r.query = "a=1&access%5Ftoken=" + g.token(); },
            TokenRefusal::in_query},
        Row{"token_in_header_and_query", [](GatewayTest& g, http::Request& r) { r.query = "access_token=" + g.token(); }, TokenRefusal::repeated, 400},
        Row{"two_fields", [](GatewayTest& g, http::Request& r) { r.headers.add("authorization", bearer(g.token())); }, TokenRefusal::repeated, 400},
        Row{"basic", [](GatewayTest&, http::Request& r) { r.headers.set("Authorization", "Basic YTpi"); }, TokenRefusal::not_bearer},
        Row{"dpop_scheme", [](GatewayTest& g, http::Request& r) { r.headers.set("Authorization", "DPoP " + g.token()); }, TokenRefusal::not_bearer},
        Row{"bearer_alone", [](GatewayTest&, http::Request& r) { r.headers.set("Authorization", "Bearer"); }, TokenRefusal::malformed},
        Row{"bearer_empty", [](GatewayTest&, http::Request& r) { r.headers.set("Authorization", "Bearer "); }, TokenRefusal::malformed},
        Row{"two_tokens_in_one", [](GatewayTest& g, http::Request& r) { r.headers.set("Authorization", bearer(g.token() + "," + g.token())); },
            TokenRefusal::malformed},
        Row{"too_long", [](GatewayTest&, http::Request& r) { r.headers.set("Authorization", bearer(std::string(17'000, 'a'))); }, TokenRefusal::malformed},
        Row{"no_jwt", [](GatewayTest&, http::Request& r) { r.headers.set("Authorization", "Bearer opaque"); }, TokenRefusal::bad_token}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Tokens, AccessTokenRules,
    testing::Values(
        Row{"id_jag", [](GatewayTest& g, http::Request& r) { r.headers.set("Authorization", bearer(jose::sign(*g.ras_key, "oauth-id-jag+jwt", g.claims()))); },
            TokenRefusal::wrong_type},
        Row{"id_token", [](GatewayTest& g, http::Request& r) { r.headers.set("Authorization", bearer(jose::sign(*g.ras_key, "JWT", g.claims()))); },
            TokenRefusal::wrong_type},
        Row{"other_issuer", with_claims([](json::Value& c) { c.set("iss", "https://writ.example/idp"); }), TokenRefusal::wrong_issuer},
        Row{"issuer_with_slash", with_claims([](json::Value& c) { c.set("iss", "https://writ.example/ras/"); }), TokenRefusal::wrong_issuer},
        Row{"issuer_absent", with_claims([](json::Value& c) { c.erase("iss"); }), TokenRefusal::wrong_issuer},
        Row{"other_server", with_claims([](json::Value& c) { c.set("aud", "https://writ.example/mcp/wiki"); }), TokenRefusal::wrong_audience},
        Row{"audience_with_slash", with_claims([](json::Value& c) { c.set("aud", "https://writ.example/mcp/notes/"); }), TokenRefusal::wrong_audience},
        Row{"audience_in_capitals", with_claims([](json::Value& c) { c.set("aud", "https://WRIT.example/mcp/notes"); }), TokenRefusal::wrong_audience},
        Row{"audience_prefix", with_claims([](json::Value& c) { c.set("aud", "https://writ.example/mcp"); }), TokenRefusal::wrong_audience},
        Row{"two_audiences", with_claims([](json::Value& c) { c.set("aud", json::Array{kNotes, "https://writ.example/mcp/wiki"}); }), TokenRefusal::wrong_audience},
        Row{"no_audience", with_claims([](json::Value& c) { c.erase("aud"); }), TokenRefusal::wrong_audience},
        Row{"empty_audiences", with_claims([](json::Value& c) { c.set("aud", json::Array{}); }), TokenRefusal::wrong_audience},
        Row{"bound_to_a_certificate_and_none_shown", bound_to(json::Value{{"x5t#S256", kX5t}}, ""), TokenRefusal::certificate_absent},
        Row{"bound_to_another_certificate", bound_to(json::Value{{"x5t#S256", kX5t}}, std::string(43, 'E')), TokenRefusal::certificate_mismatch},
        Row{"bound_to_a_certificate_and_to_a_key", bound_to(json::Value{{"jkt", std::string(43, 'k')}, {"x5t#S256", kX5t}}, kX5t), TokenRefusal::key_bound},
        Row{"bound_to_a_certificate_and_to_something_else", bound_to(json::Value{{"x5t#S256", kX5t}, {"kid", kX5t}}, kX5t), TokenRefusal::key_bound},
        Row{"bound_to_half_a_certificate", bound_to(json::Value{{"x5t#S256", "x"}}, "x"), TokenRefusal::key_bound},
        Row{"bound_to_nothing", bound_to(json::Value{json::Object{}}, kX5t), TokenRefusal::key_bound},
        Row{"bound_to_a_number", bound_to(json::Value{{"x5t#S256", 1}}, kX5t), TokenRefusal::key_bound},
        Row{"bound_by_jkt", with_claims([](json::Value& c) { c.set("cnf", json::Value{{"jkt", "x"}}); }), TokenRefusal::key_bound},
        Row{"bound_by_something", with_claims([](json::Value& c) { c.set("cnf", nullptr); }), TokenRefusal::key_bound},
        Row{"no_subject", with_claims([](json::Value& c) { c.erase("sub"); }), TokenRefusal::missing_claim},
        Row{"empty_subject", with_claims([](json::Value& c) { c.set("sub", ""); }), TokenRefusal::missing_claim},
        Row{"no_client", with_claims([](json::Value& c) { c.erase("client_id"); }), TokenRefusal::missing_claim},
        Row{"client_is_an_array", with_claims([](json::Value& c) { c.set("client_id", json::Array{"cursor-at-ras"}); }), TokenRefusal::missing_claim},
        Row{"no_jti", with_claims([](json::Value& c) { c.erase("jti"); }), TokenRefusal::missing_claim},
        Row{"no_exp", with_claims([](json::Value& c) { c.erase("exp"); }), TokenRefusal::missing_claim},
        Row{"exp_is_text", with_claims([](json::Value& c) { c.set("exp", "1900000000"); }), TokenRefusal::bad_claim},
        Row{"exp_is_a_fraction", with_claims([](json::Value& c) { c.set("exp", 1.9e9); }), TokenRefusal::bad_claim},
        Row{"no_iat", with_claims([](json::Value& c) { c.erase("iat"); }), TokenRefusal::missing_claim},
        Row{"exp_before_iat", with_claims([](json::Value& c) { c.set("iat", kNow + 400); }), TokenRefusal::bad_claim},
        Row{"scope_is_an_array", with_claims([](json::Value& c) { c.set("scope", json::Array{"notes:read"}); }), TokenRefusal::bad_claim},
        Row{"scope_with_tab", with_claims([](json::Value& c) { c.set("scope", "notes:read\tnotes:write"); }), TokenRefusal::bad_claim},
        Row{"expired_now", with_claims([](json::Value& c) { c.set("exp", kNow); }), TokenRefusal::expired},
        Row{"issued_in_the_future", with_claims([](json::Value& c) { c.set("iat", kNow + 31); }), TokenRefusal::not_yet_valid},
        Row{"not_before_in_the_future", with_claims([](json::Value& c) { c.set("nbf", kNow + 31); }), TokenRefusal::not_yet_valid},
        Row{"nbf_is_text", with_claims([](json::Value& c) { c.set("nbf", "0"); }), TokenRefusal::bad_claim},
        Row{"unknown_user", with_claims([](json::Value& c) { c.set("sub", "usr_nobody"); }), TokenRefusal::user_unknown},
        Row{"user_name_is_no_id", with_claims([](json::Value& c) { c.set("sub", "alice"); }), TokenRefusal::user_unknown},
        Row{"unknown_agent", with_claims([](json::Value& c) { c.set("client_id", "cursor"); }), TokenRefusal::agent_unknown},
        Row{"another_key", [](GatewayTest& g, http::Request& r) {
              const jose::SigningKey forged{"k1", crypto::Algorithm::es256, crypto::PrivateKey::generate(crypto::Algorithm::es256)};
              r.headers.set("Authorization", bearer(jose::sign(forged, "at+jwt", g.claims())));
            }, TokenRefusal::bad_signature},
        Row{"another_kid", [](GatewayTest& g, http::Request& r) {
              const jose::SigningKey forged{"k2", crypto::Algorithm::es256, crypto::PrivateKey::generate(crypto::Algorithm::es256)};
              r.headers.set("Authorization", bearer(jose::sign(forged, "at+jwt", g.claims())));
            }, TokenRefusal::unknown_key},
        Row{"keys_cannot_be_had", [](GatewayTest& g, http::Request&) { g.keys.set = nullptr; }, TokenRefusal::keys_unavailable, 503}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Objects, AccessTokenRules,
    testing::Values(
        Row{"user_disabled", [](GatewayTest& g, http::Request&) { g.set_objects([](registry::Objects& o) { o.users[0].active = false; }); },
            TokenRefusal::user_disabled},
        Row{"user_not_before", [](GatewayTest& g, http::Request&) {
              g.set_objects([](registry::Objects& o) { o.users[0].not_before = from_unix_seconds(kNow - 9); });
            }, TokenRefusal::user_not_before},
        Row{"agent_disabled", [](GatewayTest& g, http::Request&) { g.set_objects([](registry::Objects& o) { o.agents[0].active = false; }); },
            TokenRefusal::agent_disabled},
        Row{"token_revoked", [](GatewayTest& g, http::Request&) { ASSERT_TRUE(run(g.executor, g.revocations->revoke_token("at-1", from_unix_seconds(kNow + 900)))); },
            TokenRefusal::revoked},
        Row{"session_ended", [](GatewayTest& g, http::Request&) { ASSERT_TRUE(run(g.executor, g.revocations->end_session("session-1", from_unix_seconds(kNow + 900)))); },
            TokenRefusal::session_ended},
        Row{"account_of_an_issuer_that_is_not_trusted", with_claims([](json::Value& c) { c.set("linked_account", json::Value{{"iss", "https://p.example"}, {"sub", "00u1"}}); }),
            TokenRefusal::issuer_disabled},
        Row{"account_of_a_disabled_issuer", linked_to([](registry::Objects& o) { o.trusted_issuers[0].active = false; }), TokenRefusal::issuer_disabled},
        Row{"account_unlinked", linked_to([](registry::Objects& o) { o.users[0].links.clear(); }), TokenRefusal::account_unlinked},
        Row{"account_of_another_tenant", linked_to([](registry::Objects& o) { o.users[0].links.back().tenant = "t"; }), TokenRefusal::account_unlinked},
        Row{"account_of_somebody_else_now", linked_to([](registry::Objects& o) { std::swap(o.users[0].links, o.users[1].links); }), TokenRefusal::account_unlinked},
        Row{"account_is_no_object", with_claims([](json::Value& c) { c.set("linked_account", "00u1"); }), TokenRefusal::bad_claim},
        Row{"server_without_issuer", [](GatewayTest& g, http::Request&) { g.set_objects([](registry::Objects& o) { o.servers[0].resource_as = ""; }); },
            TokenRefusal::wrong_issuer}),
    [](const auto& row) { return row.param.name; });

class BearerAuthenticationTest : public GatewayTest {};

TEST_F(BearerAuthenticationTest, AGoodTokenPasses) {
  http::Request made = request("POST", call_text("search_notes"), "");
  for (const std::string& field : {bearer(token()), "bearer  " + token(), bearer(token([](json::Value& c) { c.set("aud", json::Array{kNotes}); })),
                                   bearer(token([](json::Value& c) { c.set("iat", kNow + 30); }))}) {
    made.headers.set("Authorization", field);
    EXPECT_EQ(send(made).status, 200) << last_reason();
  }
}

TEST_F(BearerAuthenticationTest, EveryFlippedBitOfTheSignatureIsNoticed) {
  const std::string good = token();
  EXPECT_EQ(send(request("POST", call_text("search_notes"), good)).status, 200);   // the cache knows the good one
  const std::size_t dot = good.rfind('.');
  for (std::size_t at = dot + 1; at < good.size(); at += 7) {
    std::string bad = good;
    bad[at] = bad[at] == 'A' ? 'B' : 'A';
    EXPECT_EQ(send(request("POST", call_text("search_notes"), bad)).status, 401) << at;
  }
}

TEST_F(BearerAuthenticationTest, TheCacheSparesKeysButNotChecks) {
  const std::string good = token();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(send(request("POST", call_text("search_notes"), good)).status, 200);
  EXPECT_EQ(keys.lookups, 1);
  // The same bytes at another resource.
  EXPECT_EQ(send(request("POST", call_text("search_notes"), good), "wiki").status, 401);
  EXPECT_EQ(last_reason(), "token_wrong_audience");
  // Time goes on.
  clock.seconds = kNow + 300;
  EXPECT_EQ(send(request("POST", call_text("search_notes"), good)).status, 401);
  EXPECT_EQ(last_reason(), "token_expired");
}

TEST_F(BearerAuthenticationTest, AWithdrawnKeyTakesItsCachedTokensAlong) {
  const std::string good = token();
  EXPECT_EQ(send(request("POST", call_text("search_notes"), good)).status, 200);
  const jose::SigningKey next{"k9", crypto::Algorithm::es256, crypto::PrivateKey::generate(crypto::Algorithm::es256)};
  keys.set = std::make_shared<const jose::KeySet>(std::vector<jose::Jwk>{next.public_jwk()});
  EXPECT_EQ(send(request("POST", call_text("search_notes"), good)).status, 401);
  EXPECT_EQ(last_reason(), "token_unknown_key");
}

TEST_F(BearerAuthenticationTest, ForeignSubjectsAreResolvedThroughLinks) {
  set_objects([](registry::Objects& o) { o.servers[0].resource_as = kForeignRas; });
  const auto foreign = [&](const char* subject) {
    return token([subject](json::Value& c) { c.set("iss", kForeignRas), c.set("sub", subject); });
  };
  EXPECT_EQ(send(request("POST", call_text("search_notes"), foreign("alice@other"))).status, 200);
  EXPECT_EQ(keys.asked_issuer, kForeignRas);
  EXPECT_EQ(log.records().front().user, "usr_alice");
  // A foreign server cannot name our people by their ids.
  EXPECT_EQ(send(request("POST", call_text("search_notes"), foreign("usr_alice"))).status, 401);
  EXPECT_EQ(last_reason(), "user_unknown");
}

TEST_F(BearerAuthenticationTest, EveryMethodIsAuthenticated) {
  for (const char* method : {"POST", "GET", "DELETE"}) {
    http::Request made = request(method, "", "x");
    made.headers.erase("Authorization");
    EXPECT_EQ(send(made).status, 401) << method;
  }
  EXPECT_TRUE(upstream.requests.empty());
}

TEST(VerifiedTokensTest, IsBounded) {
  VerifiedTokens tokens(64);
  const auto keys = std::make_shared<const jose::KeySet>();
  const auto token = std::make_shared<const AccessToken>();
  std::vector<crypto::Sha256> hashes;
  for (int i = 0; i < 1'000; ++i) {
    hashes.push_back(crypto::sha256(std::to_string(i)));
    tokens.insert(hashes.back(), keys, token);
  }
  EXPECT_TRUE(tokens.find(hashes.back(), keys));
  EXPECT_FALSE(tokens.find(hashes.back(), std::make_shared<const jose::KeySet>()));
  int kept = 0;
  for (const auto& hash : hashes) kept += tokens.find(hash, keys) ? 1 : 0;
  EXPECT_LE(kept, 128);
}

}  // namespace
}  // namespace writ::gateway
