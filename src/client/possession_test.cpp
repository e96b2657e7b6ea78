// DPoP on the client's side: when it proves, how it goes on when a nonce is asked for, and what it takes for bound. The servers check with the
// verifier that ours use.

#include "client/possession.h"

#include <gtest/gtest.h>

#include "client/access.h"
#include "dpop/verifier.h"
#include "encoding/form.h"
#include "oauth/identifiers.h"

namespace writ::client {
namespace {

constexpr const char* kUrl = "https://mcp.example/mcp";
constexpr const char* kIdpToken = "https://idp.example/token";
constexpr const char* kRasToken = "https://as.example/token";

class FixedClock final : public Clock {
 public:
  Instant now() const override { return from_unix_seconds(1'795'000'000); }
};

class FakeSubject final : public Subject {
 public:
  Task<Result<IdentityAssertion, Failure>> current(bool) override { co_return IdentityAssertion{"id-token", std::string(oauth::kTokenTypeIdToken)}; }
};

// An IdP, a RAS and an MCP server that check proofs.
class Servers final : public http::Outgoing, public http::Upstream {
 public:
  const jose::SigningKey key{"k", crypto::Algorithm::es256, crypto::PrivateKey::generate(crypto::Algorithm::es256)};
  FixedClock clock;
  dpop::Verifier verifier{Secret(std::string(32, 'n')), Instant{}};
  bool required = true, idp_understands = true, ras_understands = true, idp_binds = true, nonce_demanded = false;
  std::string bound_to_other;                       // a key that the IdP binds to instead
  std::vector<http::OutgoingRequest> requests;      // to token endpoints
  std::vector<http::UpstreamRequest> calls;

  // The key that was proved, or what is wrong with the proof.
  std::string proved(const http::Headers& headers, const std::string& method, const std::string& url, std::optional<std::string_view> token = {}) {
    const auto proof = verifier.check({headers, method, url, token, nonce_demanded, clock.now()});
    if (!proof) return std::string(dpop::to_string(proof.error()));
    return *proof ? (*proof)->jkt : "";
  }
  http::OutgoingResponse ask_for_nonce() {
    return {400, {{"DPoP-Nonce", verifier.make_nonce(clock.now())}}, R"({"error":"use_dpop_nonce"})"};
  }
  std::string algorithms(bool understands) const { return understands ? R"(,"dpop_signing_alg_values_supported":["ES256"])" : ""; }

  Task<Result<http::OutgoingResponse, http::OutgoingFailure>> fetch(http::OutgoingRequest request) override {
    http::OutgoingResponse response;
    response.status = 404;
    if (request.url == "https://mcp.example/.well-known/oauth-protected-resource/mcp") {
      response = {200, {}, std::string(R"({"resource":"https://mcp.example/mcp","authorization_servers":["https://as.example"])") + (required ? R"(,"dpop_bound_access_tokens_required":true)" : "") + "}"};
    } else if (request.url == "https://as.example/.well-known/oauth-authorization-server") {
      response = {200, {}, R"({"issuer":"https://as.example","token_endpoint":"https://as.example/token","authorization_grant_profiles_supported":["urn:ietf:params:oauth:grant-profile:id-jag"])" + algorithms(ras_understands) + "}"};
    } else if (request.url == "https://idp.example/.well-known/oauth-authorization-server") {
      response = {200, {}, R"({"issuer":"https://idp.example","token_endpoint":"https://idp.example/token")" + algorithms(idp_understands) + "}"};
    } else if (request.method == "POST") {
      requests.push_back(request);
      const std::string jkt = proved(request.headers, "POST", request.url);
      if (jkt == "dpop_nonce_needed") response = ask_for_nonce();
      else response = request.url == kIdpToken ? id_jag(jkt) : access_token(jkt);
    }
    co_return response;
  }
  http::OutgoingResponse id_jag(const std::string& jkt) const {
    json::Value claims{{"client_id", "c"}};
    const std::string bound = bound_to_other.empty() ? jkt : bound_to_other;
    if (!bound.empty() && idp_binds) claims.set("cnf", json::Value{{"jkt", bound}});
    const json::Value body{{"access_token", jose::sign(key, oauth::kTypIdJag, claims)}, {"issued_token_type", oauth::kTokenTypeIdJag}, {"token_type", "N_A"}};
    return {200, {}, json::write(body)};
  }
  static http::OutgoingResponse access_token(const std::string& jkt) {
    return {200, {}, json::write(json::Value{{"access_token", "at-1"}, {"token_type", jkt.empty() ? "Bearer" : "DPoP"}, {"expires_in", 300}})};
  }

  class Nothing final : public http::BodyStream {
   public:
    Task<Result<std::string, http::StreamEnd>> next() override { co_return unexpected(http::StreamEnd::complete); }
    void cancel() override {}
  };
  Task<Result<http::UpstreamResponse, http::UpstreamFailure>> send(http::UpstreamRequest request) override {
    calls.push_back(request);
    http::UpstreamResponse response;
    response.status = 200;
    response.body = std::make_unique<Nothing>();
    if (*request.headers.find("Authorization") == "DPoP at-1" && proved(request.headers, request.method, request.url, "at-1") == "dpop_nonce_needed") {
      response.status = 401;
      response.headers = {{"WWW-Authenticate", R"(DPoP error="use_dpop_nonce", algs="ES256")"}, {"DPoP-Nonce", verifier.make_nonce(clock.now())}};
    }
    co_return response;
  }
};

struct Walk {
  Servers servers;
  Possession possession;
  FakeSubject subject;
  explicit Walk(Possession::Use use = Possession::Use::when_required) : possession(use) {}

  Result<GrantedAccess, Failure> get() {
    AccessSettings settings;
    settings.idp_issuer = "https://idp.example";
    settings.at_idp = {"c", PrivateKeyJwt{servers.key}};
    settings.at_resource_as["https://as.example"] = {"c", PrivateKeyJwt{servers.key}};
    settings.possession = &possession;
    Access access(servers, servers.clock, subject, std::move(settings));
    return run(access.token_for(kUrl, {}, "", Access::StepUp::may));
  }
  http::UpstreamResponse call() {
    ProvingUpstream proving(servers, servers.clock, possession);
    http::UpstreamRequest request;
    request.method = "POST", request.url = kUrl;
    request.headers = {{"Authorization", "Bearer at-1"}};
    auto answer = run(proving.send(std::move(request)));
    return std::move(*answer);
  }
  std::size_t proofs_to(const std::string& url) const {
    std::size_t count = 0;
    for (const auto& request : servers.requests) count += request.url == url && request.headers.count("DPoP") == 1;
    return count;
  }
};

TEST(Possession, IsProvedOnBothLegsAndWithEachCallWhereTheServerRequiresIt) {
  Walk walk;
  const auto access = walk.get();
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(walk.proofs_to(kIdpToken), 1u);
  EXPECT_EQ(walk.proofs_to(kRasToken), 1u);
  EXPECT_TRUE(walk.possession.is_bound("at-1"));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(walk.call().status, 200);   // a fresh proof each: the verifier refuses replays
  ASSERT_EQ(walk.servers.calls.size(), 2u);
  EXPECT_EQ(*walk.servers.calls[0].headers.find("Authorization"), "DPoP at-1");
  EXPECT_NE(*walk.servers.calls[0].headers.find("DPoP"), *walk.servers.calls[1].headers.find("DPoP"));
}

TEST(Possession, IsProvedOnlyWhenItIsWanted) {
  using Use = Possession::Use;
  struct Row {
    Use use;
    bool required, ras_understands, proves;
  };
  for (const auto& [use, required, understands, proves] :
       {Row{Use::when_required, true, false, true}, Row{Use::when_required, false, true, false}, Row{Use::always, false, true, true}, Row{Use::always, false, false, false},
        Row{Use::never, true, true, false}}) {
    Walk walk(use);
    walk.servers.required = required, walk.servers.ras_understands = understands;
    const auto access = walk.get();
    ASSERT_TRUE(access);
    EXPECT_EQ(walk.proofs_to(kRasToken) == 1, proves) << static_cast<int>(use) << required << understands;
    EXPECT_EQ(walk.possession.is_bound("at-1"), proves);
    static_cast<void>(walk.call());
    EXPECT_EQ(*walk.servers.calls.back().headers.find("Authorization"), proves ? "DPoP at-1" : "Bearer at-1");
  }
}

// A proof that an IdP does not understand is not sent to it: the ID-JAG is unbound then, and the access token bound all the same.
TEST(Possession, IsProvedAtTheRasAloneWhereTheIdpDoesNotUnderstandIt) {
  Walk walk;
  walk.servers.idp_understands = false;
  ASSERT_TRUE(walk.get());
  EXPECT_EQ(walk.proofs_to(kIdpToken), 0u);
  EXPECT_TRUE(walk.possession.is_bound("at-1"));
}

TEST(Possession, GoesOnWithANonceWhenOneIsAskedForAndAuthenticatesAnew) {
  Walk walk;
  walk.servers.nonce_demanded = true;
  const auto access = walk.get();
  ASSERT_TRUE(access) << access.error().message;
  ASSERT_EQ(walk.servers.requests.size(), 4u);   // each endpoint asked once
  const auto assertion = [&](std::size_t at) { return *form::parse(walk.servers.requests[at].body)->find("client_assertion"); };
  EXPECT_NE(assertion(0), assertion(1));         // an assertion works once
  EXPECT_EQ(walk.call().status, 200);
  EXPECT_EQ(walk.servers.calls.size(), 2u);
  EXPECT_EQ(walk.call().status, 200);
  EXPECT_EQ(walk.servers.calls.size(), 3u);      // the nonce is known now
}

TEST(Possession, TakesNoIdJagThatIsNotBoundToItsKey) {
  Walk unbound;
  unbound.servers.idp_binds = false;
  const auto downgraded = unbound.get();
  ASSERT_FALSE(downgraded);
  EXPECT_EQ(downgraded.error().kind, FailureKind::protocol);
  EXPECT_EQ(unbound.servers.requests.size(), 1u);   // nothing was redeemed
  Walk other;
  other.servers.bound_to_other = dpop::Prover().thumbprint();
  EXPECT_FALSE(other.get());
}

// Whoever did not prove has no use for a token that is bound to somebody's key.
TEST(Possession, BoundTokenWithoutAProofIsNotTaken) {
  const auto answer = Servers::access_token("jkt");
  EXPECT_FALSE(read_access_token(answer, ""));
  EXPECT_TRUE(read_access_token(answer, "", true));
}

TEST(Possession, ADpopChallengeIsReadWhereThereIsNoOther) {
  EXPECT_EQ(bearer_challenge({{"WWW-Authenticate", R"(DPoP algs="ES256", resource_metadata="https://h/m")"}}).parameter("resource_metadata"), "https://h/m");
  EXPECT_EQ(bearer_challenge({{"WWW-Authenticate", R"(DPoP scope="x")"}, {"WWW-Authenticate", R"(Bearer scope="y")"}}).parameter("scope"), "y");
}

}  // namespace
}  // namespace writ::client
