#include "registry/saml_connector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/yaml/yaml.h"
#include "registry/plan.h"
#include "saml/assertion_fixture.h"

namespace writ::registry {
namespace {

std::string good() {
  return R"(
agents: [{id: cursor}]
identity_connectors:
  - id: corp
    issuer: https://login.corp.example
    client_id: writ
    client_authentication: none
    saml:
      entity_id: https://login.corp.example/saml
      certificates: [)" + saml::certificate_text(saml::idp_key()) + R"(]
      audiences: {"https://cursor.example/sp": cursor}
      recipient: https://cursor.example/saml/acs
      attributes: {user_name: uid, groups: memberOf}
resource_authorization_servers:
  - issuer: https://as.example
    saml_subject: {issuer: https://idp.example/saml, name_id: user_id, name_id_format: urn:f, sp_name_qualifier: https://as.example/sp}
    encryption_jwks: {keys: [{kty: EC, crv: P-256, x: gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0, y: SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps}]}
)";
}

Plan plan_of(const std::string& text) {
  const auto root = yaml::parse(text, "f.yaml");
  EXPECT_TRUE(root) << to_string(root.error());
  Reading reading;
  auto declared = read_objects(*root, reading);
  if (has_errors(reading.problems)) {
    Plan unread;
    unread.problems = reading.problems;
    return unread;
  }
  return plan({}, std::move(declared), {});
}
std::string errors_of(const std::string& text) {
  std::string errors;
  for (const auto& problem : plan_of(text).problems) {
    if (!problem.is_warning) errors += problem.message + "\n";
  }
  return errors;
}

TEST(SamlOfAConnector, ComesBackFromTheDocumentThatIsWritten) {
  const Plan planned = plan_of(good());
  ASSERT_FALSE(planned.has_errors()) << to_string(planned.problems);
  const auto& saml = *planned.objects.identity_connectors.front().saml;
  EXPECT_EQ(saml.entity_id, "https://login.corp.example/saml");
  EXPECT_EQ(saml.audiences.at("https://cursor.example/sp"), "cursor");
  EXPECT_EQ(saml.recipient, "https://cursor.example/saml/acs");
  EXPECT_EQ(saml.attributes.at("groups"), "memberOf");
  const auto again = read_all({{ObjectKind::agent, json::Value{{"id", "cursor"}}}, {ObjectKind::identity_connector, write(planned.objects.identity_connectors.front())}});
  ASSERT_TRUE(again) << to_string(again.error());
  EXPECT_EQ(write(again->identity_connectors.front()), write(planned.objects.identity_connectors.front()));
}

TEST(OptionsOfAResourceAs, ComeBackFromTheDocumentThatIsWritten) {
  const Plan planned = plan_of(good());
  const ResourceAs& ras = planned.objects.resource_authorization_servers.front();
  EXPECT_EQ(ras.saml_subject->issuer, "https://idp.example/saml");
  EXPECT_EQ(ras.saml_subject->name_id, "user_id");
  EXPECT_EQ(ras.saml_subject->name_id_format, "urn:f");
  EXPECT_EQ(ras.saml_subject->sp_name_qualifier, "https://as.example/sp");
  EXPECT_NE(ras.encryption_jwks.find("P-256"), std::string::npos);
  const auto again = read_all({{ObjectKind::resource_as, write(ras)}});
  ASSERT_TRUE(again) << to_string(again.error());
  EXPECT_EQ(write(again->resource_authorization_servers.front()), write(ras));
}

struct Row {
  const char* name;
  std::string from, to;
  const char* expected;
};
class SamlErrors : public testing::TestWithParam<Row> {};
TEST_P(SamlErrors, SayWhatWouldBeRight) {
  std::string text = good();
  const auto at = text.find(GetParam().from);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, GetParam().from.size(), GetParam().to);
  EXPECT_THAT(errors_of(text), testing::StartsWith(GetParam().expected));
}
INSTANTIATE_TEST_SUITE_P(Saml, SamlErrors,
                         testing::Values(Row{"no_entity", "      entity_id: https://login.corp.example/saml\n", "", "`saml` needs `entity_id`"},
                                         Row{"no_recipient", "      recipient: https://cursor.example/saml/acs\n", "", "`saml` needs `recipient`"},
                                         Row{"no_audiences", "      audiences: {\"https://cursor.example/sp\": cursor}\n", "", "`saml` needs `audiences`"},
                                         Row{"agent_unknown", "sp\": cursor}", "sp\": curser}", "there is no agent `curser`; did you mean `cursor`?"},
                                         Row{"no_certificate", "[" + saml::certificate_text(saml::idp_key()) + "]", "[]", "`saml` needs `certificates`"},
                                         Row{"a_certificate_that_is_none", saml::certificate_text(saml::idp_key()), "MIIB", "this is no X.509 certificate"},
                                         Row{"attribute_unknown", "user_name: uid", "user_nam: uid", "unknown attribute `user_nam`; did you mean `user_name`?"},
                                         Row{"member_unknown", "recipient:", "recipeint: x\n      recipient:", "unknown key `recipeint` in `saml`; did you mean `recipient`?"},
                                         Row{"subject_unknown", "name_id: user_id", "name_id: phone", "`name_id` must be user_id, email"},
                                         Row{"subject_without_issuer", "issuer: https://idp.example/saml, ", "", "`saml_subject` needs `issuer`"},
                                         Row{"no_key_set", "{keys: [{kty: EC, crv: P-256, x: gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0, y: SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps}]}", "{}", "`encryption_jwks` must be a JWK set"},
                                         Row{"a_private_key", "crv: P-256", "crv: P-256, d: d", "`encryption_jwks` holds a private or symmetric key"},
                                         Row{"a_key_for_signatures", "crv: P-256", "crv: P-256, use: sig", "none of these keys can be encrypted to"}),
                         [](const auto& row) { return row.param.name; });

TEST(SamlOfAConnector, TwoConnectorsShareNoEntity) {
  const auto at = good().find("resource_authorization_servers:");
  std::string text = good();
  const auto begin = text.find("    saml:\n");
  text.insert(at, "  - id: two\n    issuer: https://two.example\n    client_id: writ\n    client_authentication: none\n" + text.substr(begin, at - begin));
  EXPECT_EQ(errors_of(text), "the entity ID `https://login.corp.example/saml` is taken already by identity connector `corp`\n");
}

}  // namespace
}  // namespace writ::registry
