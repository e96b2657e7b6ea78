#include "token_service/mutual_tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/client_certificate.h"

namespace writ::token_service {
namespace {

using Kind = registry::TlsSubject::Kind;
using registry::ClientAuthentication;

constexpr std::int64_t kNow = 1'800'000'000;

crypto::ClientCertificate certificate_of_desk() {
  crypto::ClientCertificate certificate;
  certificate.sha256 = std::string(32, '\xAB');
  certificate.x5t = std::string(43, 'x');
  certificate.subject = "CN=desk,O=Acme";
  certificate.dns_names = {"www.acme.example", "Desk.acme.example"};
  certificate.uris = {"spiffe://acme.example/desk"};
  certificate.ip_addresses = {"192.0.2.7", "2001:db8::7"};
  certificate.emails = {"desk@acme.example"};
  certificate.not_before = from_unix_seconds(kNow), certificate.not_after = from_unix_seconds(kNow + 100);
  certificate.trusted = true;
  return certificate;
}

struct Row {
  const char* name;
  registry::TlsSubject registered;
  std::function<void(crypto::ClientCertificate&)> change;
  std::int64_t after;   // seconds since it became valid
  CertificateProblem problem;
};
void unchanged(crypto::ClientCertificate&) {}

class ByName : public testing::TestWithParam<Row> {};
TEST_P(ByName, IsTheClientOrIsNotForItsReason) {
  auto certificate = certificate_of_desk();
  GetParam().change(certificate);
  const registry::Registration registration{.authentication = ClientAuthentication::tls_client_auth, .tls_subject = GetParam().registered};
  EXPECT_EQ(check_client_certificate(&certificate, registration, from_unix_seconds(kNow + GetParam().after)), GetParam().problem);
}
const registry::TlsSubject kDesk{Kind::dn, "CN=desk, O=Acme"};
INSTANTIATE_TEST_SUITE_P(
    All, ByName,
    testing::Values(
        Row{"subject", kDesk, unchanged, 1, CertificateProblem::none}, Row{"first_second", kDesk, unchanged, 0, CertificateProblem::none},
        Row{"last_second", kDesk, unchanged, 100, CertificateProblem::none}, Row{"a_second_early", kDesk, unchanged, -1, CertificateProblem::times},
        Row{"a_second_late", kDesk, unchanged, 101, CertificateProblem::times}, Row{"untrusted", kDesk, [](auto& c) { c.trusted = false; }, 1, CertificateProblem::untrusted},
        Row{"subject_of_another", kDesk, [](auto& c) { c.subject = "CN=deskx,O=Acme"; }, 1, CertificateProblem::subject},
        Row{"subject_with_one_more", kDesk, [](auto& c) { c.subject = "CN=desk,O=Acme,C=DE"; }, 1, CertificateProblem::subject},
        Row{"subject_that_ends_there", kDesk, [](auto& c) { c.subject = "O=Acme"; }, 1, CertificateProblem::subject},
        Row{"comma_inside_the_name", kDesk, [](auto& c) { c.subject = R"(CN=desk\,O=Acme)"; }, 1, CertificateProblem::subject},
        Row{"no_subject", kDesk, [](auto& c) { c.subject.clear(); }, 1, CertificateProblem::subject},
        Row{"no_subject_for_none", {Kind::dn, ""}, [](auto& c) { c.subject.clear(); }, 1, CertificateProblem::subject},
        Row{"nothing_registered", {}, unchanged, 1, CertificateProblem::subject},
        Row{"dns", {Kind::san_dns, "desk.ACME.example"}, unchanged, 1, CertificateProblem::none},
        Row{"dns_below", {Kind::san_dns, "x.desk.acme.example"}, unchanged, 1, CertificateProblem::subject},
        Row{"dns_wildcard_in_the_certificate", {Kind::san_dns, "desk.acme.example"}, [](auto& c) { c.dns_names = {"*.acme.example"}; }, 1, CertificateProblem::subject},
        Row{"dns_that_is_a_uri", {Kind::san_dns, "desk.acme.example"}, [](auto& c) { c.dns_names.clear(), c.uris = {"desk.acme.example"}; }, 1, CertificateProblem::subject},
        Row{"dns_that_is_the_common_name", {Kind::san_dns, "desk"}, unchanged, 1, CertificateProblem::subject},
        Row{"uri", {Kind::san_uri, "spiffe://acme.example/desk"}, unchanged, 1, CertificateProblem::none},
        Row{"uri_in_other_case", {Kind::san_uri, "spiffe://acme.example/Desk"}, unchanged, 1, CertificateProblem::subject},
        Row{"ip", {Kind::san_ip, "2001:db8::7"}, unchanged, 1, CertificateProblem::none}, Row{"ip_of_another", {Kind::san_ip, "192.0.2.8"}, unchanged, 1, CertificateProblem::subject},
        Row{"email", {Kind::san_email, "desk@acme.example"}, unchanged, 1, CertificateProblem::none},
        Row{"email_of_another", {Kind::san_email, "lamp@acme.example"}, unchanged, 1, CertificateProblem::subject}),
    [](const auto& row) { return row.param.name; });

TEST(ByCertificate, IsTheClientWhoeverVouchesForIt) {
  auto certificate = certificate_of_desk();
  certificate.trusted = false;
  registry::Registration registration{.authentication = ClientAuthentication::self_signed_tls_client_auth};
  std::string fingerprint;
  for (int i = 0; i < 32; ++i) fingerprint += "ab";
  const auto check = [&](std::int64_t seconds) { return check_client_certificate(&certificate, registration, from_unix_seconds(kNow + seconds)); };
  EXPECT_EQ(check(1), CertificateProblem::unregistered) << "none is registered";
  registration.tls_certificates = {std::string(64, '0'), fingerprint};
  EXPECT_EQ(check(1), CertificateProblem::none);
  EXPECT_EQ(check(101), CertificateProblem::times);
  for (std::size_t byte = 0; byte < 32; ++byte) {
    auto another = certificate;
    another.sha256[byte] ^= 1;
    EXPECT_EQ(check_client_certificate(&another, registration, from_unix_seconds(kNow)), CertificateProblem::unregistered) << byte;
  }
  EXPECT_EQ(check_client_certificate(nullptr, registration, from_unix_seconds(kNow)), CertificateProblem::absent);
  registration.tls_certificates = {fingerprint.substr(0, 62)};
  EXPECT_EQ(check(1), CertificateProblem::unregistered) << "the beginning of a fingerprint";
}

TEST(Confirmation, NamesWhatWasProved) {
  const std::string jkt(43, 'k'), x5t(43, 'x');
  EXPECT_FALSE(confirmation("", ""));
  EXPECT_EQ(token_type(nullptr), "Bearer");
  const auto by_key = confirmation(jkt, ""), by_certificate = confirmation("", x5t), by_both = confirmation(jkt, x5t);
  EXPECT_EQ(json::write(*by_key), "{\"jkt\":\"" + jkt + "\"}");
  EXPECT_EQ(token_type(&*by_key), "DPoP");
  EXPECT_EQ(json::write(*by_certificate), "{\"x5t#S256\":\"" + x5t + "\"}");
  EXPECT_EQ(token_type(&*by_certificate), "Bearer");
  EXPECT_EQ(json::write(*by_both), "{\"jkt\":\"" + jkt + "\",\"x5t#S256\":\"" + x5t + "\"}");
  EXPECT_EQ(token_type(&*by_both), "DPoP");
}

TEST(AuthenticationMethods, AreThoseThatTheListenerMakesPossible) {
  EXPECT_TRUE(authentication_methods({}).empty());
  EXPECT_TRUE(authentication_methods({false, true}).empty());
  EXPECT_THAT(authentication_methods({true, false}), testing::ElementsAre("self_signed_tls_client_auth"));
  EXPECT_THAT(authentication_methods({true, true}), testing::ElementsAre("tls_client_auth", "self_signed_tls_client_auth"));
}

}  // namespace
}  // namespace writ::token_service
