// Pushed requests and clients that are known by the address of their document, at the IdP.
#include <gmock/gmock.h>

#include "encoding/base64url.h"
#include "token_service/idp/browser_fixture.h"

namespace writ::token_service::idp {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

http::Response push(Site& site, Pairs pairs) {
  http::Request request;
  request.method = "POST", request.path = site.base() + "/par", request.peer.address = "192.0.2.7";
  request.headers.add("Content-Type", "application/x-www-form-urlencoded");
  request.body = form::write(pairs);
  return run(site.router.handle(request));
}
Pairs pushed_by_cursor(const Site& site, Pairs more = {}) {
  Pairs pairs = site.asked;
  pairs.emplace_back("client_secret", "cursor-secret");
  pairs.insert(pairs.end(), more.begin(), more.end());
  return pairs;
}
std::string request_uri_of(const http::Response& response) {
  EXPECT_EQ(response.status, 201) << response.body;
  const auto answer = body(response);
  const auto* uri = answer.find_string("request_uri");
  return uri ? *uri : "";
}
std::string error_of(const http::Response& response) {
  const auto answer = body(response);
  const auto* error = answer.find_string("error");
  return error ? *error : "";
}

TEST(PushedAuthorization, TheBrowserCarriesANameAlone) {
  Site site;
  const auto response = push(site, pushed_by_cursor(site));
  const std::string uri = request_uri_of(response);
  EXPECT_EQ(*body(response).find_int("expires_in"), 60);
  EXPECT_EQ(site.world.log.records().back().reason, "request_pushed");
  const std::string query = form::write({{"client_id", "cursor-idp"}, {"request_uri", uri}});
  const auto page = site.browser.get(site.base() + "/authorize", query);
  EXPECT_EQ(page.status, 200);
  site.world.advance(300);   // the person types
  const auto back = site.browser.submit(page, {{"username", "alice"}, {"password", "wonderland"}});
  EXPECT_THAT(location(back), StartsWith(kCallback));
  EXPECT_EQ(in_location(back, "state"), "st");
  ASSERT_NE(in_location(back, "code"), "");
  // Once: a second browser, or the same one again, gets no other code of it.
  const auto again = site.browser.get(site.base() + "/authorize", query);
  EXPECT_EQ(again.status, 400);
  EXPECT_EQ(location(again), "");
  EXPECT_EQ(site.token({{"grant_type", "authorization_code"}, {"code", in_location(back, "code")}, {"redirect_uri", kCallback}, {"code_verifier", kVerifier}}).status, 200);
}

TEST(PushedAuthorization, ANameIsItsClientsForAMinute) {
  Site site;
  const std::string uri = request_uri_of(push(site, pushed_by_cursor(site)));
  EXPECT_EQ(site.browser.get(site.base() + "/authorize", form::write({{"client_id", "public-idp"}, {"request_uri", uri}})).status, 400);
  EXPECT_EQ(site.browser.get(site.base() + "/authorize", form::write({{"request_uri", uri}})).status, 400);
  site.world.advance(60);
  EXPECT_EQ(site.browser.get(site.base() + "/authorize", form::write({{"client_id", "cursor-idp"}, {"request_uri", uri}})).status, 400);
}

TEST(PushedAuthorization, WhatTheBrowserAddsChangesNothing) {
  Site site;
  const std::string uri = request_uri_of(push(site, pushed_by_cursor(site)));
  const auto page = site.browser.get(site.base() + "/authorize", form::write({{"client_id", "cursor-idp"}, {"request_uri", uri}, {"state", "evil"}, {"redirect_uri", "https://evil.example"}}));
  EXPECT_EQ(in_location(site.browser.submit(page, {{"username", "alice"}, {"password", "wonderland"}}), "state"), "st");
}

struct Row {
  const char* name;
  std::function<Pairs(const Site&)> pairs;
  const char* error;
};
class PushedRequestsThat : public testing::TestWithParam<Row> {};
TEST_P(PushedRequestsThat, AreWrongAreRefusedAtOnce) {
  Site site;
  EXPECT_EQ(error_of(push(site, GetParam().pairs(site))), GetParam().error);
}
Pairs changed(const Site& site, const std::string& name, const std::string& value) {
  Pairs pairs = pushed_by_cursor(site);
  std::erase_if(pairs, [&](const auto& pair) { return pair.first == name; });
  if (!value.empty()) pairs.emplace_back(name, value);
  return pairs;
}
INSTANTIATE_TEST_SUITE_P(
    All, PushedRequestsThat,
    testing::Values(Row{"without_authentication", [](const Site& s) { return changed(s, "client_secret", ""); }, "invalid_client"},
                    Row{"with_a_wrong_secret", [](const Site& s) { return changed(s, "client_secret", "guess"); }, "invalid_client"},
                    Row{"with_a_request_uri", [](const Site& s) { return pushed_by_cursor(s, {{"request_uri", "urn:ietf:params:oauth:request_uri:x"}}); }, "invalid_request"},
                    Row{"with_an_unregistered_redirect_uri", [](const Site& s) { return changed(s, "redirect_uri", "https://evil.example/"); }, "invalid_request"},
                    Row{"without_pkce", [](const Site& s) { return changed(s, "code_challenge", ""); }, "invalid_request"},
                    Row{"without_openid", [](const Site& s) { return changed(s, "scope", "email"); }, "invalid_scope"},
                    Row{"repeated", [](const Site& s) { return pushed_by_cursor(s, {{"state", "x"}}); }, "invalid_request"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(PushedOnly, RequestsThroughTheBrowserAreRefused) {
  Site site;
  site.world.change([](auto& objects) { objects.agents[0].idp->pushed_only = true; });
  const auto refused = site.ask();
  EXPECT_EQ(in_location(refused, "error"), "invalid_request");
  EXPECT_THAT(in_location(refused, "error_description"), HasSubstr("pushed"));
  const std::string uri = request_uri_of(push(site, pushed_by_cursor(site)));
  const auto page = site.browser.get(site.base() + "/authorize", form::write({{"client_id", "cursor-idp"}, {"request_uri", uri}}));
  EXPECT_NE(in_location(site.browser.submit(page, {{"username", "alice"}, {"password", "wonderland"}}), "code"), "");
}

// ---- clients that describe themselves

constexpr const char* kClient = "https://desk.example/client.json";

class Web final : public http::Outgoing {
 public:
  Task<Result<http::OutgoingResponse, http::OutgoingFailure>> fetch(http::OutgoingRequest request) override {
    asked.push_back(request.url);
    http::OutgoingResponse response{200, {{"Content-Type", "application/json"}}, json::write(document)};
    co_return response;
  }
  std::vector<std::string> asked;
  json::Value document;
};

struct Described {
  Web web;
  client_metadata::ClientDocuments documents{web, {}};
  Site site;
  jose::SigningKey key{"d1", crypto::Algorithm::es256, crypto::PrivateKey::generate(crypto::Algorithm::es256)};

  Described() {
    web.document = json::Value{{"client_id", kClient}, {"client_name", "Desk"}, {"redirect_uris", json::Array{kCallback}}, {"token_endpoint_auth_method", "private_key_jwt"}, {"jwks", jose::to_json(jose::KeySet({key.public_jwk()}))}};
    site.world.idp.client_documents = &documents;
    site.world.change([](auto& objects) {
      registry::Agent desk;
      desk.id = "desk";
      registry::Registration registration;
      registration.client_id = kClient, registration.authentication = registry::ClientAuthentication::private_key_jwt, registration.metadata_document = true;
      desk.idp = registration;
      objects.agents.push_back(desk);
    });
    for (auto& [name, value] : site.asked) {
      if (name == "client_id") value = kClient;
    }
  }
};

TEST(ClientDocumentAtTheIdp, GivesRedirectUris) {
  Described d;
  const auto page = d.site.ask();
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(d.web.asked, std::vector<std::string>{kClient});
  EXPECT_NE(in_location(d.site.browser.submit(page, {{"username", "alice"}, {"password", "wonderland"}}), "code"), "");
  for (auto& [name, value] : d.site.asked) {
    if (name == "redirect_uri") value = "https://evil.example/cb";
  }
  EXPECT_EQ(d.site.ask().status, 400);
}

TEST(ClientDocumentAtTheIdp, IsNeverFetchedForAStranger) {
  Described d;
  for (auto& [name, value] : d.site.asked) {
    if (name == "client_id") value = "https://stranger.example/client.json";
  }
  EXPECT_EQ(d.site.ask().status, 400);
  d.site.world.change([](auto& objects) { objects.agents.back().active = false; });
  for (auto& [name, value] : d.site.asked) {
    if (name == "client_id") value = kClient;
  }
  EXPECT_EQ(d.site.ask().status, 400);
  EXPECT_TRUE(d.web.asked.empty());
}

TEST(ClientDocumentAtTheIdp, ThatCannotBeHadEndsOnAPage) {
  Described d;
  d.web.document = json::Value{{"client_id", "https://evil.example/"}};
  const auto page = d.site.ask();
  EXPECT_EQ(page.status, 400);
  EXPECT_THAT(page.body, HasSubstr("describes itself at an address"));
  d.site.world.idp.client_documents = nullptr;
  EXPECT_EQ(d.site.ask().status, 400);
}

// The keys of the document authenticate the client; the authenticator is told how to get them.
TEST(ClientDocumentAtTheIdp, GivesKeys) {
  Described d;
  auto rules = d.site.world.client_rules();
  const auto assertion = [&](const char* jti) {
    const std::int64_t seconds = to_unix_seconds(d.site.world.clock.time);
    return jose::sign(d.key, oauth::kTypClientAuthentication, json::Value{{"iss", kClient}, {"sub", kClient}, {"aud", kIssuer}, {"jti", jti}, {"exp", seconds + 60}});
  };
  http::Request http;
  http.method = "POST";
  const auto ask = [&](const ClientAuthenticator& authenticator, const char* jti) {
    const auto request = token_request(d.site.world, {{"client_assertion_type", std::string(oauth::kClientAssertionJwtBearer)}, {"client_assertion", assertion(jti)}});
    auto client = run(authenticator.authenticate(http, request, d.site.world.registry.get()));
    return client && client->agent->id == "desk" && client->registration->jwks.size() > 2 && client->snapshot->agent("desk") == client->agent;
  };
  EXPECT_FALSE(ask(ClientAuthenticator(rules, d.site.world.log, nullptr, {}), "a"));   // nobody tells how
  rules.describe = [&](registry::Registration registered, Instant at) { return client_metadata::describe(d.documents, std::move(registered), at); };
  const ClientAuthenticator authenticator(rules, d.site.world.log, nullptr, {});
  EXPECT_TRUE(ask(authenticator, "b"));
  EXPECT_FALSE(ask(authenticator, "b"));   // replayed
  d.web.document.set("token_endpoint_auth_method", "none");
  d.site.world.advance(300);
  EXPECT_FALSE(ask(authenticator, "c"));   // weaker than the administrator registered
}

}  // namespace
}  // namespace writ::token_service::idp
