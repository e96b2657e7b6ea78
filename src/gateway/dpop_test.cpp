// DPoP at the gateway (OB-91 to OB-93, OB-98, MCPA-39, MCPA-140 to MCPA-144, RFC 9449 §7).

#include <gmock/gmock.h>

#include "dpop/prover.h"
#include "gateway/gateway_fixture.h"

namespace writ::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class DpopAtTheGateway : public GatewayTest {
 public:
  DpopAtTheGateway() {
    Dependencies dependencies{settings, clock, objects, policy, *revocations, log, keys, *with_credential, approvals.get(), &tools, &reviews};
    dependencies.proofs = &verifier;
    gateway = std::make_unique<Gateway>(std::move(dependencies));
  }
  std::string bound(const dpop::Prover& to) const {
    return token([&](json::Value& c) { c.set("cnf", json::Value{{"jkt", to.thumbprint()}}); });
  }
  // The call with a token as DPoP, and these proofs.
  http::Request call(const std::string& access_token, const std::vector<std::string>& proofs) const {
    http::Request made = request("POST", call_text("search_notes"), "");
    made.headers.set("Authorization", "DPoP " + access_token);
    for (const std::string& one : proofs) made.headers.add("DPoP", one);
    return made;
  }
  std::string proof(const dpop::Prover& by, const std::string& access_token, std::string_view method = "POST", std::string_view url = kNotes) const {
    return by.prove(method, url, clock.now(), access_token);
  }
  static std::string challenge_in(const http::Response& response) {
    const auto fields = response.headers.find_all("WWW-Authenticate");
    return fields.size() == 1 ? std::string(fields.front()) : std::to_string(fields.size()) + " challenges";
  }

  dpop::Verifier verifier{Secret(std::string(32, 'n')), from_unix_seconds(kNow - 3'600)};
  dpop::Prover prover, other;
};

TEST_F(DpopAtTheGateway, ABoundTokenWithAProofPassesAndTheProofStaysHere) {
  const std::string good = bound(prover);
  EXPECT_EQ(send(call(good, {proof(prover, good)})).status, 200);
  ASSERT_EQ(upstream.requests.size(), 1u);
  EXPECT_EQ(upstream.requests.front().headers.count("DPoP"), 0u);
  for (const auto& [name, value] : upstream.requests.front().headers.fields()) EXPECT_EQ(value.find(good), std::string::npos) << name;
}

struct Row {
  const char* name;
  std::function<http::Request(DpopAtTheGateway&)> made;
  const char* reason;
  const char* challenge;
};
class DpopRefusal : public DpopAtTheGateway, public testing::WithParamInterface<Row> {};

TEST_P(DpopRefusal, HasItsReason) {
  const http::Response response = send(GetParam().made(*this));
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(last_reason(), GetParam().reason);
  EXPECT_TRUE(upstream.requests.empty());
  const std::string challenge = challenge_in(response);
  EXPECT_THAT(challenge, StartsWith("DPoP "));
  EXPECT_THAT(challenge, HasSubstr(std::string("error=\"") + GetParam().challenge + "\""));
  EXPECT_THAT(challenge, HasSubstr("algs=\"ES256 ES384 RS256 PS256 EdDSA\""));
  EXPECT_THAT(challenge, HasSubstr("resource_metadata=\"https://writ.example/.well-known/oauth-protected-resource/mcp/notes\""));
  EXPECT_EQ(response.headers.count("DPoP-Nonce"), std::string_view(GetParam().challenge) == "use_dpop_nonce" ? 1u : 0u);
}

// One proof for a bound token, changed by a row.
auto with_proof(std::function<std::string(DpopAtTheGateway&, const std::string& token)> make) {
  return [make = std::move(make)](DpopAtTheGateway& g) {
    const std::string token = g.bound(g.prover);
    return g.call(token, {make(g, token)});
  };
}

INSTANTIATE_TEST_SUITE_P(
    Rows, DpopRefusal,
    testing::Values(
        Row{"bound_token_as_bearer", [](DpopAtTheGateway& g) { return g.request("POST", call_text("search_notes"), g.bound(g.prover)); }, "token_key_bound", "invalid_token"},
        Row{"bound_token_as_bearer_with_its_proof",
            [](DpopAtTheGateway& g) {
              const std::string token = g.bound(g.prover);
              http::Request made = g.call(token, {g.proof(g.prover, token)});
              made.headers.set("Authorization", "Bearer " + token);
              return made;
            },
            "token_key_bound", "invalid_token"},
        Row{"unbound_token_as_dpop", [](DpopAtTheGateway& g) { return g.call(g.token(), {g.proof(g.prover, g.token())}); }, "token_not_key_bound", "invalid_token"},
        Row{"bound_in_another_way",
            [](DpopAtTheGateway& g) {
              const std::string token = g.token([](json::Value& c) { c.set("cnf", json::Value{{"x5t#S256", "x"}}); });
              return g.call(token, {g.proof(g.prover, token)});
            },
            "token_key_bound", "invalid_token"},
        Row{"bound_in_two_ways",
            [](DpopAtTheGateway& g) {
              const std::string token = g.token([&](json::Value& c) { c.set("cnf", json::Value{{"jkt", g.prover.thumbprint()}, {"x5t#S256", "x"}}); });
              return g.call(token, {g.proof(g.prover, token)});
            },
            "token_key_bound", "invalid_token"},
        Row{"no_proof", [](DpopAtTheGateway& g) { return g.call(g.bound(g.prover), {}); }, "dpop_proof_absent", "invalid_dpop_proof"},
        Row{"two_proofs",
            [](DpopAtTheGateway& g) {
              const std::string token = g.bound(g.prover);
              return g.call(token, {g.proof(g.prover, token), g.proof(g.prover, token)});
            },
            "dpop_repeated", "invalid_dpop_proof"},
        Row{"proof_that_is_none", with_proof([](DpopAtTheGateway&, const std::string& token) { return token; }), "dpop_wrong_type", "invalid_dpop_proof"},
        Row{"proof_of_another_key", with_proof([](DpopAtTheGateway& g, const std::string& token) { return g.proof(g.other, token); }), "dpop_proof_of_another_key", "invalid_dpop_proof"},
        Row{"proof_for_another_token", with_proof([](DpopAtTheGateway& g, const std::string&) { return g.proof(g.prover, g.bound(g.other)); }), "dpop_wrong_token", "invalid_dpop_proof"},
        Row{"proof_without_ath", with_proof([](DpopAtTheGateway& g, const std::string&) { return g.proof(g.prover, ""); }), "dpop_ath_invalid", "invalid_dpop_proof"},
        Row{"proof_for_another_method", with_proof([](DpopAtTheGateway& g, const std::string& token) { return g.proof(g.prover, token, "GET"); }), "dpop_wrong_method", "invalid_dpop_proof"},
        Row{"proof_for_another_server", with_proof([](DpopAtTheGateway& g, const std::string& token) { return g.proof(g.prover, token, "POST", "https://writ.example/mcp/wiki"); }), "dpop_wrong_url",
            "invalid_dpop_proof"},
        Row{"proof_for_the_name_that_host_says",
            [](DpopAtTheGateway& g) {
              const std::string token = g.bound(g.prover);
              http::Request made = g.call(token, {g.proof(g.prover, token, "POST", "https://evil.example/mcp/notes")});
              made.host = "evil.example";
              made.headers.add("X-Forwarded-Host", "evil.example");
              return made;
            },
            "dpop_wrong_url", "invalid_dpop_proof"},
        Row{"proof_of_six_minutes_ago",
            [](DpopAtTheGateway& g) {
              const std::string token = g.bound(g.prover);
              return g.call(token, {g.prover.prove("POST", kNotes, g.clock.now() - Seconds{301}, token)});
            },
            "dpop_too_old", "invalid_dpop_proof"},
        Row{"proof_of_a_clock_that_is_ahead",
            [](DpopAtTheGateway& g) {
              const std::string token = g.bound(g.prover);
              return g.call(token, {g.prover.prove("POST", kNotes, g.clock.now() + Seconds{60}, token)});
            },
            "dpop_clock_ahead", "use_dpop_nonce"},
        Row{"nonce_demanded",
            [](DpopAtTheGateway& g) {
              g.settings.dpop_nonce_demanded = true;
              const std::string token = g.bound(g.prover);
              return g.call(token, {g.proof(g.prover, token)});
            },
            "dpop_nonce_needed", "use_dpop_nonce"},
        Row{"unbound_token_where_bound_ones_are_required",
            [](DpopAtTheGateway& g) {
              g.set_objects([](registry::Objects& o) { o.servers[0].dpop_required = true; });
              return g.request("POST", call_text("search_notes"), g.token());
            },
            "token_binding_required", "invalid_token"},
        Row{"good_proof_of_a_disabled_user",
            [](DpopAtTheGateway& g) {
              g.set_objects([](registry::Objects& o) { o.users[0].active = false; });
              const std::string token = g.bound(g.prover);
              return g.call(token, {g.proof(g.prover, token)});
            },
            "user_disabled", "invalid_token"}),
    [](const auto& row) { return row.param.name; });

// The token is known after the first call; its holder must prove his key each time all the same.
TEST_F(DpopAtTheGateway, TheCacheOfTokensSparesNoProof) {
  const std::string good = bound(prover);
  const std::string once = proof(prover, good);
  EXPECT_EQ(send(call(good, {once})).status, 200);
  EXPECT_EQ(keys.lookups, 1);
  EXPECT_EQ(send(call(good, {once})).status, 401);
  EXPECT_EQ(last_reason(), "dpop_replayed");
  EXPECT_EQ(send(call(good, {})).status, 401);
  EXPECT_EQ(send(call(good, {proof(other, good)})).status, 401);
  EXPECT_EQ(send(request("POST", call_text("search_notes"), good)).status, 401);
  EXPECT_EQ(last_reason(), "token_key_bound");
  EXPECT_EQ(send(call(good, {proof(prover, good)})).status, 200);
  EXPECT_EQ(keys.lookups, 1);
}

TEST_F(DpopAtTheGateway, ADemandedNonceIsGivenAcceptedAndRenewed) {
  settings.dpop_nonce_demanded = true;
  const std::string good = bound(prover);
  const http::Response refused = send(call(good, {proof(prover, good)}));
  EXPECT_EQ(refused.status, 401);
  ASSERT_TRUE(prover.note_nonce(kNotes, refused.headers));
  const http::Response first = send(call(good, {proof(prover, good)}));
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.headers.count("DPoP-Nonce"), 0u);
  clock.seconds += 200;
  const http::Response later = send(call(good, {proof(prover, good)}));
  EXPECT_EQ(later.status, 200);
  EXPECT_TRUE(prover.note_nonce(kNotes, later.headers));
  EXPECT_EQ(send(request("POST", call_text("search_notes"), token())).status, 200);   // a Bearer token has no proof that could want one
}

TEST_F(DpopAtTheGateway, FirstContactLearnsOfBothKindsOfToken) {
  http::Request made = request("POST", call_text("search_notes"), "");
  made.headers.erase("Authorization");
  const http::Response response = send(made);
  const auto fields = response.headers.find_all("WWW-Authenticate");
  ASSERT_EQ(fields.size(), 2u);
  EXPECT_THAT(std::string(fields[0]), StartsWith("Bearer resource_metadata="));   // first, for clients that read only one
  EXPECT_THAT(std::string(fields[1]), StartsWith("DPoP algs="));
  EXPECT_THAT(std::string(fields[1]), Not(HasSubstr("error=")));
  set_objects([](registry::Objects& o) { o.servers[0].dpop_required = true; });
  EXPECT_THAT(challenge_in(send(made)), StartsWith("DPoP algs="));
}

TEST_F(DpopAtTheGateway, BadBearerTokenIsStillToldSo) {
  const http::Response response = send(request("POST", call_text("search_notes"), "opaque"));
  ASSERT_EQ(response.headers.count("WWW-Authenticate"), 2u);
  EXPECT_THAT(*response.headers.find("WWW-Authenticate"), HasSubstr("Bearer error=\"invalid_token\""));
}

TEST_F(DpopAtTheGateway, MetadataSaysWhatIsUnderstoodAndWhatIsRequired) {
  const auto document = [&] { return *json::parse(gateway->metadata("notes").body); };
  ASSERT_TRUE(document().find("dpop_signing_alg_values_supported"));
  EXPECT_EQ(document().find_array("dpop_signing_alg_values_supported")->size(), 5u);
  EXPECT_FALSE(document().find("dpop_bound_access_tokens_required"));
  set_objects([](registry::Objects& o) { o.servers[0].dpop_required = true; });
  EXPECT_EQ(*document().find("dpop_bound_access_tokens_required"), json::Value(true));
}

TEST_F(DpopAtTheGateway, ABoundTokenIsNothingWhereProofsAreNotChecked) {
  Dependencies dependencies{settings, clock, objects, policy, *revocations, log, keys, *with_credential, approvals.get(), &tools, &reviews};
  gateway = std::make_unique<Gateway>(std::move(dependencies));
  const std::string good = bound(prover);
  EXPECT_EQ(send(call(good, {proof(prover, good)})).status, 401);
  EXPECT_EQ(last_reason(), "token_not_bearer");
  EXPECT_EQ(send(request("POST", call_text("search_notes"), good)).status, 401);
  EXPECT_EQ(last_reason(), "token_key_bound");
}

}  // namespace
}  // namespace writ::gateway
