// RFC 8705 at the IdP: clients with certificates, and the access tokens for userinfo and catalogue that are bound to one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/client_certificate.h"
#include "token_service/idp/browser_fixture.h"
#include "token_service/idp/metadata.h"

namespace writ::token_service::idp {
namespace {

const std::string kX5t(43, 'x'), kAnother(43, 'y');

struct CertificateSite : Site {
  CertificateSite() {
    world.change([](registry::Objects& objects) {
      for (auto& agent : objects.agents) {
        if (agent.id != "cursor") continue;
        agent.idp->authentication = registry::ClientAuthentication::tls_client_auth;
        agent.idp->secrets.clear();
        agent.idp->tls_subject = {registry::TlsSubject::Kind::san_dns, "cursor.example"};
        agent.idp->certificate_bound = true;
      }
    });
  }
  void show(http::Request& request, const std::string& x5t) const {
    if (x5t.empty()) return;
    crypto::ClientCertificate certificate;
    certificate.x5t = x5t, certificate.dns_names = {"cursor.example"}, certificate.trusted = true;
    certificate.not_after = from_unix_seconds(4'000'000'000);
    request.peer.certificate = std::make_shared<const crypto::ClientCertificate>(std::move(certificate));
  }
  http::Response ask(const char* endpoint, Pairs parameters, const std::string& x5t) {
    http::Request request;
    request.method = "POST", request.path = base() + endpoint, request.peer.address = "192.0.2.7";
    request.headers.add("Content-Type", "application/x-www-form-urlencoded");
    parameters.emplace_back("client_id", "cursor-idp");
    request.body = form::write(parameters);
    show(request, x5t);
    return run(router.handle(request));
  }
  http::Response redeem(const std::string& x5t) {
    const std::string code = in_location(sign_in(), "code");
    return ask("/token", {{"grant_type", "authorization_code"}, {"code", code}, {"redirect_uri", kCallback}, {"code_verifier", kVerifier}}, x5t);
  }
  http::Response userinfo(const std::string& token, const std::string& x5t, const std::string& scheme = "Bearer ") {
    http::Request request;
    request.method = "GET", request.path = base() + "/userinfo";
    request.headers.add("Authorization", scheme + token);
    show(request, x5t);
    return run(router.handle(request));
  }
};

std::string member(const http::Response& response, const char* name) {
  const json::Value parsed = body(response);
  const auto* text = parsed.find_string(name);
  return text ? *text : "";
}
std::string bound_to(const std::string& token) {
  const auto jwt = jose::UnverifiedJwt::parse(token);
  const json::Value* confirmation = jwt ? jwt->claimed().find("cnf") : nullptr;
  return confirmation ? json::write(*confirmation) : "";
}

TEST(CertificateAtTheIdp, UserinfoTakesABoundTokenOverItsCertificateAlone) {
  CertificateSite site;
  const auto given = site.redeem(kX5t);
  ASSERT_EQ(given.status, 200) << given.body;
  EXPECT_EQ(member(given, "token_type"), "Bearer");
  const std::string token = member(given, "access_token");
  EXPECT_EQ(bound_to(token), "{\"x5t#S256\":\"" + kX5t + "\"}");
  EXPECT_EQ(site.userinfo(token, kX5t).status, 200);
  for (const std::string& other : {kAnother, std::string()}) {
    const auto refused = site.userinfo(token, other);
    EXPECT_EQ(refused.status, 401);
    EXPECT_THAT(*refused.headers.find_single("WWW-Authenticate"), testing::HasSubstr("error=\"invalid_token\""));
  }
  EXPECT_EQ(site.userinfo(token, kX5t, "DPoP ").status, 401) << "no key is bound to it";
}

TEST(CertificateAtTheIdp, RefreshedTokensAreBoundToTheCertificateOfTheirRequest) {
  CertificateSite site;
  const auto given = site.redeem(kX5t);
  const auto refreshed = site.ask("/token", {{"grant_type", "refresh_token"}, {"refresh_token", member(given, "refresh_token")}}, kAnother);
  ASSERT_EQ(refreshed.status, 200) << refreshed.body;
  EXPECT_EQ(bound_to(member(refreshed, "access_token")), "{\"x5t#S256\":\"" + kAnother + "\"}");
  const auto described = site.ask("/introspect", {{"token", member(refreshed, "access_token")}}, kX5t);
  EXPECT_EQ(member(described, "token_type"), "Bearer");
  EXPECT_EQ(json::write(*body(described).find("cnf")), "{\"x5t#S256\":\"" + kAnother + "\"}");
}

TEST(CertificateAtTheIdp, EveryEndpointForClientsAsksForIt) {
  CertificateSite site;
  for (const char* endpoint : {"/token", "/introspect", "/revoke", "/par", "/device_authorization"}) {
    EXPECT_EQ(site.ask(endpoint, {{"token", "x"}}, "").status, 401) << endpoint;
    EXPECT_EQ(site.world.log.records().back().reason, "client_certificate_absent") << endpoint;
    EXPECT_NE(site.ask(endpoint, {{"token", "x"}}, kX5t).status, 401) << endpoint;
  }
}

TEST(CertificateAtTheIdp, TheMetadataOffersItWhereTheListenerAsks) {
  Settings settings;
  settings.issuer = kIssuer;
  EXPECT_EQ(json::write(metadata(settings, {})).find("tls_client"), std::string::npos);
  settings.mutual_tls = {true, true};
  const auto document = metadata(settings, {});
  EXPECT_EQ(document.find_bool("tls_client_certificate_bound_access_tokens") != nullptr, true);
  for (const char* list : {"token_endpoint_auth_methods_supported", "revocation_endpoint_auth_methods_supported", "introspection_endpoint_auth_methods_supported"}) {
    EXPECT_THAT(json::write(*document.find(list)), testing::HasSubstr(R"("tls_client_auth","self_signed_tls_client_auth")")) << list;
  }
}

}  // namespace
}  // namespace writ::token_service::idp
