#include "registry/tls_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/read.h"

namespace writ::registry {
namespace {

using testing::HasSubstr;
using Kind = TlsSubject::Kind;

const std::string kFingerprint(64, 'a');

Result<Objects, Problems> read(const std::string& members) {
  const auto document = json::parse(R"({"id":"desk","idp":{"client_id":"desk",)" + members + "}}");
  return read_all({{ObjectKind::agent, *document}});
}

struct NameRow {
  const char* member;
  const char* written;
  Kind kind;
  const char* kept;
};
class ClientNames : public testing::TestWithParam<NameRow> {};
TEST_P(ClientNames, AreReadAndWritten) {
  const NameRow& row = GetParam();
  const auto objects = read(std::string(R"("authentication":"tls_client_auth",")") + row.member + "\":\"" + row.written + "\"");
  ASSERT_TRUE(objects) << to_string(objects.error());
  const Registration& registration = *objects->agents[0].idp;
  EXPECT_EQ(registration.authentication, ClientAuthentication::tls_client_auth);
  EXPECT_EQ(registration.tls_subject.kind, row.kind);
  EXPECT_EQ(registration.tls_subject.value, row.kept);
  EXPECT_TRUE(problems_with_tls_client(registration).empty());
  EXPECT_THAT(json::write(write(objects->agents[0])), HasSubstr(std::string("\"") + row.member + "\":\"" + row.kept + "\""));
}
INSTANTIATE_TEST_SUITE_P(All, ClientNames,
                         testing::Values(NameRow{"tls_client_auth_subject_dn", "CN=desk, O=Acme", Kind::dn, "CN=desk, O=Acme"},
                                         NameRow{"tls_client_auth_san_dns", "desk.acme.example", Kind::san_dns, "desk.acme.example"},
                                         NameRow{"tls_client_auth_san_uri", "spiffe://acme.example/desk", Kind::san_uri, "spiffe://acme.example/desk"},
                                         NameRow{"tls_client_auth_san_ip", "2001:DB8:0::7", Kind::san_ip, "2001:db8::7"},
                                         NameRow{"tls_client_auth_san_email", "desk@acme.example", Kind::san_email, "desk@acme.example"}),
                         [](const auto& row) { return std::string(row.param.member); });

TEST(ClientCertificates, AreNamedByTheirFingerprintInEitherSpelling) {
  std::string colons;
  for (int i = 0; i < 32; ++i) colons += i == 0 ? "AA" : ":AA";
  const auto objects = read(R"("authentication":"self_signed_tls_client_auth","tls_client_certificates":[")" + colons + "\"],\"tls_client_certificate_bound_access_tokens\":true");
  ASSERT_TRUE(objects) << to_string(objects.error());
  const Registration& registration = *objects->agents[0].idp;
  EXPECT_THAT(registration.tls_certificates, testing::ElementsAre(kFingerprint));
  EXPECT_TRUE(registration.certificate_bound);
  EXPECT_TRUE(problems_with_tls_client(registration).empty());
  const std::string written = json::write(write(objects->agents[0]));
  EXPECT_THAT(written, HasSubstr("\"tls_client_certificates\":[\"" + kFingerprint + "\"]"));
  EXPECT_THAT(written, HasSubstr("\"tls_client_certificate_bound_access_tokens\":true"));
}

TEST(ClientCertificates, AreNotSpokenOfWhereThereAreNone) { EXPECT_EQ(json::write(write(Agent{.id = "desk", .idp = Registration{}})).find("tls_client"), std::string::npos); }

TEST(ClientNames, AreOne) {
  const auto two = read(R"("authentication":"tls_client_auth","tls_client_auth_subject_dn":"CN=desk","tls_client_auth_san_dns":"desk.example")");
  ASSERT_FALSE(two);
  EXPECT_THAT(to_string(two.error()), HasSubstr("a client is known by one name"));
  EXPECT_FALSE(read(R"("authentication":"tls_client_auth","tls_client_auth_subject_dn":["CN=desk"])")) << "a list";
  EXPECT_FALSE(read(R"("authentication":"tls_client_auth","tls_client_auth_san":"desk.example")")) << "no such member";
}

struct Row {
  const char* name;
  std::function<void(Registration&)> change;
  const char* said;   // empty: nothing
};
class MutualTlsRegistration : public testing::TestWithParam<Row> {};
TEST_P(MutualTlsRegistration, HasItsRules) {
  Registration registration{.client_id = "desk", .authentication = ClientAuthentication::tls_client_auth, .tls_subject = {Kind::dn, "CN=desk,O=Acme"}};
  GetParam().change(registration);
  std::string said;
  for (const auto& [member, sentence] : problems_with_tls_client(registration)) said += member + ": " + sentence + "\n";
  if (*GetParam().said == 0) EXPECT_EQ(said, "");
  else EXPECT_THAT(said, HasSubstr(GetParam().said));
}
auto named(Kind kind, std::string value) {
  return [=](Registration& r) { r.tls_subject = {kind, value}; };
}
auto by_certificate(std::vector<std::string> certificates) {
  return [=](Registration& r) { r = {.authentication = ClientAuthentication::self_signed_tls_client_auth, .tls_certificates = certificates}; };
}
INSTANTIATE_TEST_SUITE_P(
    All, MutualTlsRegistration,
    testing::Values(
        Row{"good", [](Registration&) {}, ""}, Row{"bound_too", [](Registration& r) { r.certificate_bound = true; }, ""},
        Row{"no_name", named(Kind::none, ""), "authentication: `tls_client_auth` needs the name"},
        Row{"name_with_a_secret", [](Registration& r) { r.authentication = ClientAuthentication::client_secret; }, "tls_client_auth_subject_dn: `tls_client_auth_subject_dn` is of no use"},
        Row{"dn_that_is_none", named(Kind::dn, "/O=Acme/CN=desk"), "as RFC 4514 says"}, Row{"name_too_long", named(Kind::san_uri, "a://" + std::string(1'021, 'x')), "at most 1024 bytes"},
        Row{"longest_name", named(Kind::san_uri, "a://" + std::string(1'020, 'x')), ""},
        Row{"dns_wildcard", named(Kind::san_dns, "*.acme.example"), "whole and without `*`"}, Row{"dns_with_a_port", named(Kind::san_dns, "a.example:443"), "a host name"},
        Row{"dns_of_dots", named(Kind::san_dns, "a..example"), "a host name"}, Row{"uri_without_scheme", named(Kind::san_uri, "acme.example/desk"), "an absolute URI"},
        Row{"ip_that_is_none", named(Kind::san_ip, "192.0.2.256"), "one address"}, Row{"network", named(Kind::san_ip, "192.0.2.0/24"), "one address"},
        Row{"email_without_at", named(Kind::san_email, "desk"), "one e-mail address"}, Row{"two_emails", named(Kind::san_email, "a@b.example,c@d.example"), "one e-mail address"},
        Row{"certificate", by_certificate({kFingerprint}), ""}, Row{"ten_certificates", by_certificate(std::vector<std::string>(10, kFingerprint)), ""},
        Row{"eleven_certificates", by_certificate(std::vector<std::string>(11, kFingerprint)), "at most 10"}, Row{"no_certificate", by_certificate({}), "authentication: `self_signed_tls_client_auth` needs"},
        Row{"short_fingerprint", by_certificate({std::string(40, 'a')}), "64 hexadecimal digits"}, Row{"fingerprint_of_other_letters", by_certificate({std::string(64, 'g')}), "64 hexadecimal digits"},
        Row{"certificates_with_a_name", [](Registration& r) { r.tls_certificates = {kFingerprint}; }, "write `authentication: self_signed_tls_client_auth`"},
        Row{"device_keys", [](Registration& r) { r.device_keys = true; }, "each device authenticates with its own key"},
        Row{"document", [](Registration& r) { r.metadata_document = true; }, "does not go with mutual TLS"},
        Row{"bound_but_public", [](Registration& r) { r = {.authentication = ClientAuthentication::none, .certificate_bound = true}; }, "needs a client that authenticates as itself"},
        Row{"bound_with_a_secret", [](Registration& r) { r = {.authentication = ClientAuthentication::client_secret, .certificate_bound = true}; }, ""}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace writ::registry
