// RFC 8705 at the resource authorization server's endpoints: who is let in by a certificate, and what is bound to it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/client_certificate.h"
#include "dpop/prover.h"
#include "token_service/resource_as/world_fixture.h"

namespace writ::token_service::resource_as::test {
namespace {

using registry::ClientAuthentication;
using Kind = registry::TlsSubject::Kind;

const std::string kX5t(43, 'x');

struct TlsWorld : World {
  explicit TlsWorld(bool bound = true) : World([](Settings& offered) { offered.mutual_tls = {true, true}; }) {
    change_objects([bound](registry::Objects& objects) {
      registry::Registration& cursor = objects.agents[0].resource_as[0].registration;
      cursor.authentication = ClientAuthentication::tls_client_auth;
      cursor.secrets.clear();
      cursor.tls_subject = {Kind::dn, "CN=cursor"};
      cursor.certificate_bound = bound;
      objects.agents[1].resource_as[0].registration.certificate_bound = true;   // thief: with a secret
    });
    certificate.sha256 = std::string(32, 's');
    certificate.x5t = kX5t;
    certificate.subject = "CN=cursor";
    certificate.not_before = from_unix_seconds(clock.seconds - 10), certificate.not_after = from_unix_seconds(clock.seconds + 10);
    certificate.trusted = true;
  }
  http::Request request(std::string path, Form form) const {
    http::Request made = post(std::move(path), form);
    made.peer.certificate = std::make_shared<const crypto::ClientCertificate>(certificate);
    return made;
  }
  http::Request grant() const { return request("/token", grant_form(good_id_jag(), {{"client_id", "cursor-at-ras"}})); }

  crypto::ClientCertificate certificate;
};

struct Row {
  std::string name;
  std::function<void(TlsWorld&, http::Request&)> change;
  std::string reason, error = "invalid_client";
  int status = 401;
};
class CertificateRow : public testing::TestWithParam<Row> {};
TEST_P(CertificateRow, IsRefusedForItsReason) {
  TlsWorld world;
  const http::Request good = world.grant();
  http::Request request = good;
  GetParam().change(world, request);
  const Answer answer = world.send(request);
  EXPECT_EQ(answer.response.status, GetParam().status);
  EXPECT_EQ(answer.error(), GetParam().error);
  EXPECT_EQ(world.last_record().reason, GetParam().reason);
  EXPECT_EQ(world.last_record().effect, audit::Effect::deny);
  EXPECT_EQ(answer.body.find("access_token"), nullptr);
}
auto shown(std::function<void(crypto::ClientCertificate&)> change) {
  return [change = std::move(change)](TlsWorld& world, http::Request& request) {
    auto other = world.certificate;
    change(other);
    request.peer.certificate = std::make_shared<const crypto::ClientCertificate>(std::move(other));
  };
}
auto objects(std::function<void(registry::Registration&)> change) {
  return [change = std::move(change)](TlsWorld& world, http::Request&) { world.change_objects([&](registry::Objects& all) { change(all.agents[0].resource_as[0].registration); }); };
}
INSTANTIATE_TEST_SUITE_P(
    Rfc8705, CertificateRow,
    testing::Values(Row{"no_certificate", [](TlsWorld&, http::Request& r) { r.peer.certificate = nullptr; }, "client_certificate_absent"},
                    Row{"nobody_vouches", shown([](auto& c) { c.trusted = false; }), "client_certificate_untrusted"}, Row{"ended", shown([](auto& c) { c.not_after = c.not_before; }), "client_certificate_times"},
                    Row{"of_another", shown([](auto& c) { c.subject = "CN=thief"; }), "client_certificate_of_another"},
                    Row{"not_the_registered_one", objects([](auto& r) { r.authentication = ClientAuthentication::self_signed_tls_client_auth, r.tls_certificates = {std::string(64, '0')}; }),
                        "client_certificate_unregistered"},
                    Row{"unknown_client", [](TlsWorld&, http::Request& r) { r.body = form::write(World::grant_form("x", {{"client_id", "nobody"}})); }, "unknown_client"},
                    Row{"no_client_id", [](TlsWorld&, http::Request& r) { r.body = form::write(World::grant_form("x")); }, "no_client_authentication"},
                    Row{"secret_beside_it", [](TlsWorld&, http::Request& r) { r.body += "&client_secret=x"; }, "method_not_registered"},
                    Row{"basic_beside_it", [](TlsWorld&, http::Request& r) { r.headers.add("Authorization", World::basic("cursor-at-ras", kSecret)); }, "method_not_registered"},
                    Row{"in_a_field", [](TlsWorld&, http::Request& r) { r.peer.certificate = nullptr, r.headers.add("X-Client-Cert", "x"), r.headers.add("Client-Cert", "x"); }, "client_certificate_absent"},
                    Row{"public_client_with_a_certificate", objects([](auto& r) { r.authentication = ClientAuthentication::none; }), "public_client"},
                    Row{"disabled", [](TlsWorld& w, http::Request&) { w.change_objects([](registry::Objects& all) { all.agents[0].active = false; }); }, "disabled_client"}),
    [](const auto& row) { return row.param.name; });

TEST(CertificateBoundTokens, are_bound_to_the_certificate_of_the_request) {
  TlsWorld world;
  const Answer answer = world.send(world.grant());
  ASSERT_EQ(answer.response.status, 200) << answer.response.body;
  EXPECT_EQ(answer.text("token_type"), "Bearer");
  EXPECT_EQ(json::write(*world.claims_of_access_token(answer).find("cnf")), "{\"x5t#S256\":\"" + kX5t + "\"}");
  const Answer described = world.send(world.request("/introspect", {{"client_id", "cursor-at-ras"}, {"token", answer.text("access_token")}}));
  EXPECT_EQ(described.text("token_type"), "Bearer");
  EXPECT_EQ(json::write(*described.body.find("cnf")), "{\"x5t#S256\":\"" + kX5t + "\"}");
  EXPECT_EQ(world.send(world.request("/revoke", {{"client_id", "cursor-at-ras"}, {"token", answer.text("access_token")}})).response.status, 200);
  EXPECT_EQ(world.last_record().reason, "revoked");
}

TEST(CertificateBoundTokens, are_given_to_those_alone_who_are_registered_for_them) {
  TlsWorld world(false);
  const Answer answer = world.send(world.grant());
  ASSERT_EQ(answer.response.status, 200) << answer.response.body;
  EXPECT_EQ(world.claims_of_access_token(answer).find("cnf"), nullptr);
}

// The binding does not ask how the client authenticates, nor who vouches for the certificate (RFC 8705 §3).
TEST(CertificateBoundTokens, go_with_a_secret_too_and_not_without_a_certificate) {
  TlsWorld world;
  auto claims = world.good_claims();
  claims.set("client_id", "thief-at-ras");
  http::Request request = World::post("/token", World::grant_form(World::signed_id_jag(claims)), World::basic("thief-at-ras", kSecret));
  const Answer without = world.send(request);
  EXPECT_EQ(without.response.status, 400);
  EXPECT_EQ(without.error(), "invalid_request");
  EXPECT_EQ(world.last_record().reason, "client_certificate_absent");
  world.certificate.trusted = false;
  request.peer.certificate = std::make_shared<const crypto::ClientCertificate>(world.certificate);
  const Answer with = world.send(request);
  ASSERT_EQ(with.response.status, 200) << with.response.body;
  EXPECT_EQ(json::write(*world.claims_of_access_token(with).find("cnf")), "{\"x5t#S256\":\"" + kX5t + "\"}");
}

TEST(CertificateBoundTokens, are_bound_to_the_key_of_a_proof_as_well) {
  TlsWorld world;
  const dpop::Prover prover;
  http::Request request = world.grant();
  request.headers.add("DPoP", prover.prove("POST", std::string(kRas) + "/token", world.clock.now()));
  const Answer answer = world.send(request);
  ASSERT_EQ(answer.response.status, 200) << answer.response.body;
  EXPECT_EQ(answer.text("token_type"), "DPoP");
  EXPECT_EQ(json::write(*world.claims_of_access_token(answer).find("cnf")), "{\"jkt\":\"" + prover.thumbprint() + "\",\"x5t#S256\":\"" + kX5t + "\"}");
}

TEST(MutualTls, is_in_the_metadata_where_the_listener_asks_for_certificates) {
  const TlsWorld world;
  const auto document = *json::parse(world.server->metadata_text());
  EXPECT_THAT(json::write(*document.find("token_endpoint_auth_methods_supported")), testing::HasSubstr(R"("tls_client_auth","self_signed_tls_client_auth")"));
  EXPECT_EQ(*document.find_bool("tls_client_certificate_bound_access_tokens"), true);
  const World plain;
  const auto silent = plain.server->metadata_text();
  EXPECT_EQ(silent.find("tls_client"), std::string::npos);
}

}  // namespace
}  // namespace writ::token_service::resource_as::test
