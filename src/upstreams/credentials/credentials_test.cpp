#include "upstreams/credentials/credentials.h"

#include <sys/stat.h>

#include <cstdio>

#include "upstreams/credentials/credentials_fixture.h"

namespace writ::upstreams {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Grant = registry::UpstreamOAuth::Grant;

class UpstreamCredentials : public CredentialsTest {};

TEST_F(UpstreamCredentials, NoneIsNone) {
  current.servers[0].upstream->oauth.reset();
  publish();
  EXPECT_EQ(send(), "200");
  EXPECT_EQ(server.requests[0].headers.fields().size(), 0u);
  server.refuses_all = true;
  EXPECT_EQ(send(), "401") << "whoever is above says what it means";
}

TEST_F(UpstreamCredentials, AFixedHeaderIsReadAtEachUse) {
  auto& address = *current.servers[0].upstream;
  address.oauth.reset();
  address.header_name = "X-Api-Key", address.header_secret_file = "header-secret";
  publish();
  EXPECT_EQ(send(), "200");
  files["header-secret"] = "rotated";
  EXPECT_EQ(send(), "200");
  EXPECT_EQ(*server.requests[0].headers.find_single("X-Api-Key"), "fixed");
  EXPECT_EQ(*server.requests[1].headers.find_single("X-Api-Key"), "rotated");
  server.refuses_all = true;
  EXPECT_THAT(send(), HasSubstr("does not accept the fixed header field"));
  files.clear();
  const auto sent_before = server.requests.size();
  EXPECT_THAT(send(), HasSubstr("cannot open `header-secret`"));
  EXPECT_EQ(server.requests.size(), sent_before);
}

TEST_F(UpstreamCredentials, AProgramGetsNone) {
  current.servers[0].upstream->transport = registry::UpstreamAddress::Transport::stdio;
  publish();
  EXPECT_EQ(send(), "200");
  EXPECT_TRUE(as.requests.empty());
  EXPECT_EQ(server.tokens[0], "");
}

TEST_F(UpstreamCredentials, AClientCertificateGoesWithTheRequestAndToTheAuthorizationServer) {
  const std::string key = testing::TempDir() + "writ-client.key";
  std::fclose(std::fopen(key.c_str(), "w"));
  ::chmod(key.c_str(), 0600);
  auto& address = *current.servers[0].upstream;
  address.client_certificate_file = "client.pem", address.client_key_file = key, address.ca_file = "ca.pem";
  publish();
  EXPECT_EQ(send(), "200");
  EXPECT_EQ(server.requests[0].client_certificate_file, "client.pem");
  EXPECT_EQ(server.requests[0].client_key_file, key);
  EXPECT_EQ(as.to(kAsToken)[0]->client_certificate_file, "client.pem");
  EXPECT_EQ(as.to(kAsToken)[0]->ca_file, "ca.pem");
  ::chmod(key.c_str(), 0644);
  EXPECT_THAT(send(), HasSubstr("is open to others"));
  std::remove(key.c_str());
}

TEST_F(UpstreamCredentials, TheGatewaysOwnTokenIsForTheServerAndIsKept) {
  EXPECT_EQ(send(), "200");
  EXPECT_EQ(send(request("usr_bob")), "200");
  EXPECT_THAT(server.tokens, ElementsAre("Bearer token-1", "Bearer token-1")) << "it says who the gateway is, and nothing about a person";
  ASSERT_EQ(as.to(kAsToken).size(), 1u);
  const auto& asked = *as.to(kAsToken)[0];
  EXPECT_EQ(asked.method, "POST");
  EXPECT_EQ(sent(asked, "grant_type"), "client_credentials");
  EXPECT_EQ(sent(asked, "resource"), kCrm);
  EXPECT_EQ(sent(asked, "scope"), "crm:read crm:write");
  EXPECT_EQ(sent(asked, "client_secret"), "");
  EXPECT_EQ(*asked.headers.find_single("Authorization"), "Basic " + base64::encode("writ-at-crm:s3cr+et"));
  clock.time += Seconds{3'600 - 30};
  EXPECT_EQ(send(), "200");
  EXPECT_EQ(server.tokens.back(), "Bearer token-2") << "renewed a little before its end";
}

struct FormRow {
  const char* name;
  std::function<void(CredentialsTest&)> change;
  const char* parameter;
  std::string value;
};
class TokenRequests : public CredentialsTest, public testing::WithParamInterface<FormRow> {};
TEST_P(TokenRequests, SayWhatTheDocumentSays) {
  GetParam().change(*this);
  publish();
  ASSERT_EQ(send(), "200");
  EXPECT_EQ(sent(*as.to(kAsToken)[0], GetParam().parameter), GetParam().value);
}
INSTANTIATE_TEST_SUITE_P(
    Forms, TokenRequests,
    testing::Values(FormRow{"entra_refuses_resource", [](CredentialsTest& test) { test.oauth().send_resource = false; }, "resource", ""},
                    FormRow{"resource_of_its_own", [](CredentialsTest& test) { test.oauth().resource = "https://crm.example"; }, "resource", "https://crm.example"},
                    FormRow{"no_scopes", [](CredentialsTest& test) { test.oauth().scopes.clear(); }, "scope", ""},
                    FormRow{"secret_in_the_body", [](CredentialsTest& test) { test.metadata.set("token_endpoint_auth_methods_supported", json::Array{"client_secret_post"}); }, "client_secret", "s3cr et"},
                    FormRow{"basic_is_preferred", [](CredentialsTest& test) { test.metadata.set("token_endpoint_auth_methods_supported", json::Array{"client_secret_post", "client_secret_basic"}); }, "client_secret", ""},
                    FormRow{"certificate_alone", [](CredentialsTest& test) { test.oauth().client_secret_file.clear(); }, "client_id", "writ-at-crm"}),
    [](const auto& row) { return row.param.name; });

TEST_F(UpstreamCredentials, APrivateKeySignsForTheIssuer) {
  const auto key = crypto::PrivateKey::generate(crypto::Algorithm::es256);
  files["secret"] = std::string(key.to_pem().reveal());
  ASSERT_EQ(send(), "200");
  const auto& asked = *as.to(kAsToken)[0];
  EXPECT_EQ(sent(asked, "client_assertion_type"), "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
  const auto jwt = jose::UnverifiedJwt::parse(sent(asked, "client_assertion"));
  ASSERT_TRUE(jwt);
  EXPECT_EQ(*jwt->claimed().find_string("aud"), kAs) << "the issuer, as sole value";
  EXPECT_EQ(*jwt->claimed().find_string("iss"), "writ-at-crm");
  const crypto::Algorithm allowed[] = {crypto::Algorithm::es256};
  EXPECT_TRUE(jose::VerifiedJwt::verify(*jwt, key.public_key(), allowed));
}

TEST_F(UpstreamCredentials, ARefusedTokenIsThrownAwayAndTheRequestSentOnceMore) {
  ASSERT_EQ(send(), "200");
  server.refuses = {"Bearer token-1"};
  EXPECT_EQ(send(), "200");
  EXPECT_THAT(server.tokens, ElementsAre("Bearer token-1", "Bearer token-1", "Bearer token-2"));
  server.refuses_all = true;
  EXPECT_THAT(send(), HasSubstr("does not accept a fresh access token")) << "a 401 of the server's is never the client's";
  EXPECT_EQ(server.tokens.size(), 5u) << "twice, not more";
}

struct DownRow {
  const char* name;
  std::function<void(CredentialsTest&)> change;
  const char* says;
};
class NoToken : public CredentialsTest, public testing::WithParamInterface<DownRow> {};
TEST_P(NoToken, StopsTheRequestAndSaysWhy) {
  GetParam().change(*this);
  publish();
  EXPECT_THAT(send(), HasSubstr(GetParam().says));
  EXPECT_TRUE(server.requests.empty());
  EXPECT_EQ(last->detail.find("s3cr"), std::string::npos);
}
INSTANTIATE_TEST_SUITE_P(
    Reasons, NoToken,
    testing::Values(
        DownRow{"down", [](CredentialsTest& test) { test.as.is_down = true; }, "no access token for server `crm`: cannot read https://as.crm.example"},
        DownRow{"metadata_of_another_issuer", [](CredentialsTest& test) { test.metadata.set("issuer", "https://evil.example"); }, "names another issuer"},
        DownRow{"issuer_with_a_slash", [](CredentialsTest& test) { test.metadata.set("issuer", std::string(kAs) + "/"); }, "names another issuer"},
        DownRow{"token_endpoint_over_plain_http", [](CredentialsTest& test) { test.metadata.set("token_endpoint", "http://as.crm.example/token"); }, "has no token_endpoint over https"},
        DownRow{"secret_file_gone", [](CredentialsTest& test) { test.files.clear(); }, "cannot open `secret`"},
        DownRow{"no_method_in_common", [](CredentialsTest& test) { test.metadata.set("token_endpoint_auth_methods_supported", json::Array{"private_key_jwt"}); }, "takes neither client_secret_basic nor client_secret_post"},
        DownRow{"broken_private_key", [](CredentialsTest& test) { test.files["secret"] = "-----BEGIN PRIVATE KEY-----\n"; }, "begins like a private key"},
        DownRow{"invalid_client", [](CredentialsTest& test) { test.refuse_with = {401, "invalid_client"}; }, "answered 401 `invalid_client`"},
        DownRow{"server_error", [](CredentialsTest& test) { test.refuse_with = {500, "server_error"}; }, "answered 500"},
        DownRow{"dpop_token", [](CredentialsTest& test) { test.change_answer = [](json::Value& v) { v.set("token_type", "DPoP"); }; }, "of a type other than Bearer"},
        DownRow{"no_token_type", [](CredentialsTest& test) { test.change_answer = [](json::Value& v) { v.erase("token_type"); }; }, "of a type other than Bearer"},
        DownRow{"token_with_line_break", [](CredentialsTest& test) { test.change_answer = [](json::Value& v) { v.set("access_token", "a\r\nX: y"); }; }, "gave no usable access token"},
        DownRow{"token_absent", [](CredentialsTest& test) { test.change_answer = [](json::Value& v) { v.erase("access_token"); }; }, "gave no usable access token"}),
    [](const auto& row) { return row.param.name; });

TEST_F(UpstreamCredentials, AnAuthorizationServerThatIsDownIsNotAskedForEveryCall) {
  refuse_with = {503, "temporarily_unavailable"};
  for (int i = 0; i < 20; ++i) EXPECT_THAT(send(), HasSubstr("answered 503"));
  EXPECT_EQ(as.to(kAsToken).size(), 1u);
  refuse_with = {0, ""};
  clock.time += Seconds{2};
  EXPECT_EQ(send(), "200");
}

TEST_F(UpstreamCredentials, WhatIsUnderWayWhenTheServiceStopsSendsNothingMore) {
  std::vector<std::function<void()>> held;
  as.held = &held;
  metadata.set("issuer", "https://other.example");
  bool done = false;
  executor.post([&] { spawn(layer->send(request()), [&](std::exception_ptr, std::optional<Result<http::UpstreamResponse, Failure>>) { done = true; }); });
  executor.run_until([&] { return !held.empty(); });
  as.at.clear();   // whoever asks next would look in another place
  core->servers->close();
  held[0]();
  executor.run_until([&] { return done; });
  EXPECT_EQ(as.requests.size(), 1u);
}

TEST_F(UpstreamCredentials, AnotherDocumentWantsAnotherToken) {
  ASSERT_EQ(send(), "200");
  oauth().scopes = {"crm:read"};
  publish();
  ASSERT_EQ(send(), "200");
  EXPECT_EQ(server.tokens.back(), "Bearer token-2");
}

// ---- for the same person, by ID-JAG

TEST_F(UpstreamCredentials, AnIdJagIsRedeemedForEachPrincipalAlone) {
  use(Grant::id_jag);
  ASSERT_EQ(send(request("usr_alice")), "200");
  ASSERT_EQ(send(request("usr_bob", "ses_2")), "200");
  ASSERT_EQ(send(request("usr_alice")), "200");
  EXPECT_THAT(server.tokens, ElementsAre("Bearer token-1", "Bearer token-2", "Bearer token-1"));
  const auto& redeemed = *as.to(kAsToken)[0];
  EXPECT_EQ(sent(redeemed, "grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
  EXPECT_EQ(sent(redeemed, "assertion"), "id-jag-1-for-usr_alice-by-cursor");
  EXPECT_EQ(sent(redeemed, "scope"), "crm:read") << "what the IdP granted";
  EXPECT_EQ(sent(redeemed, "resource"), kCrm);
  EXPECT_EQ(*redeemed.headers.find_single("Authorization"), "Basic " + base64::encode("writ-at-crm:s3cr+et"));
  EXPECT_EQ(idp.asked[1].user, "usr_bob");
  EXPECT_EQ(idp.asked[1].principal->session, "ses_2");
}

TEST_F(UpstreamCredentials, AnotherSessionOfTheSamePersonGetsItsOwn) {
  use(Grant::id_jag);
  ASSERT_EQ(send(request("usr_alice", "ses_1")), "200");
  ASSERT_EQ(send(request("usr_alice", "ses_9")), "200");
  EXPECT_EQ(server.tokens.back(), "Bearer token-2");
}

TEST_F(UpstreamCredentials, NothingOutlivesTheSession) {
  use(Grant::id_jag);
  ASSERT_EQ(send(), "200");
  EXPECT_EQ(core->tokens.size(), 1u);
  ASSERT_TRUE(run(executor, revocations->end_session("ses_1", kNow + Seconds{3'600})));
  EXPECT_THAT(send(), HasSubstr("the caller's session has ended"));
  layer->tick();
  EXPECT_EQ(core->tokens.size(), 0u);
  EXPECT_EQ(server.requests.size(), 1u);
}

TEST_F(UpstreamCredentials, AnotherPolicyIsAskedAgain) {
  use(Grant::id_jag);
  ASSERT_EQ(send(), "200");
  idp.denies = true;
  EXPECT_EQ(send(), "200") << "the same decision";
  idp.version = "v2";
  EXPECT_EQ(send(), "credential: denied");
  EXPECT_EQ(server.requests.size(), 2u);
}

TEST_F(UpstreamCredentials, ARefusedTokenNeedsAFreshIdJag) {
  use(Grant::id_jag);
  server.refuses = {"Bearer token-1"};
  ASSERT_EQ(send(), "200");
  EXPECT_EQ(sent(*as.to(kAsToken)[1], "assertion"), "id-jag-2-for-usr_alice-by-cursor") << "an ID-JAG is presented once";
}

struct IdJagRow {
  const char* name;
  std::function<void(CredentialsTest&)> change;
  const char* says;
};
class NoIdJag : public CredentialsTest, public testing::WithParamInterface<IdJagRow> {};
TEST_P(NoIdJag, StopsTheRequest) {
  use(Grant::id_jag);
  GetParam().change(*this);
  publish();
  EXPECT_THAT(send(), HasSubstr(GetParam().says));
  EXPECT_TRUE(server.requests.empty());
}
INSTANTIATE_TEST_SUITE_P(
    Reasons, NoIdJag,
    testing::Values(IdJagRow{"no_idp_here", [](CredentialsTest& test) { test.core->id_jags = nullptr; }, "needs the identity provider as a role of this deployment, and `gateway.agent`"},
                    IdJagRow{"idp_says_no", [](CredentialsTest& test) { test.idp.denies = true; }, "denied"},
                    IdJagRow{"other_client", [](CredentialsTest& test) { test.idp.client_id = "somebody"; }, "registered at https://as.crm.example as `somebody`"},
                    IdJagRow{"no_such_grant", [](CredentialsTest& test) { test.metadata.set("grant_types_supported", json::Array{"client_credentials"}); }, "offers neither the ID-JAG profile nor"},
                    IdJagRow{"refused_there", [](CredentialsTest& test) { test.refuse_with = {400, "invalid_grant"}; }, "answered 400 `invalid_grant`"}),
    [](const auto& row) { return row.param.name; });

TEST_F(UpstreamCredentials, ATokenWithoutASessionOfOursGetsNoIdJag) {
  use(Grant::id_jag);
  EXPECT_THAT(send(request("usr_alice", "")), HasSubstr("rests on no session"));
  EXPECT_TRUE(idp.asked.empty());
}

}  // namespace
}  // namespace writ::upstreams
