#include "token_service/idp/federation/provider_metadata.h"

#include "token_service/idp/federation/federation_fixture.h"

namespace writ::token_service::idp {
namespace {

struct Row {
  const char* name;
  std::function<void(json::Value&)> change;
  MetadataProblem problem;
};
class ProviderMetadataRules : public testing::TestWithParam<Row> {};

TEST_P(ProviderMetadataRules, RefuseForTheirReason) {
  json::Value document = ScriptedProvider().metadata;
  GetParam().change(document);
  const auto read = parse_provider_metadata(json::write(document), kUpstream);
  ASSERT_FALSE(read);
  EXPECT_EQ(to_string(read.error()), to_string(GetParam().problem));
}

const auto set = [](const char* name, json::Value value) { return [=](json::Value& document) { document.set(name, value); }; };
const auto without = [](const char* name) { return [=](json::Value& document) { document.erase(name); }; };

INSTANTIATE_TEST_SUITE_P(
    N1, ProviderMetadataRules,
    testing::Values(Row{"issuer_absent", without("issuer"), MetadataProblem::wrong_issuer}, Row{"issuer_a_number", set("issuer", 7), MetadataProblem::wrong_issuer},
                    Row{"issuer_with_a_slash_more", set("issuer", std::string(kUpstream) + "/"), MetadataProblem::wrong_issuer},
                    Row{"issuer_of_another", set("issuer", kOtherUpstream), MetadataProblem::wrong_issuer},
                    Row{"authorization_endpoint_absent", without("authorization_endpoint"), MetadataProblem::endpoint_missing},
                    Row{"token_endpoint_absent", without("token_endpoint"), MetadataProblem::endpoint_missing},
                    Row{"jwks_uri_absent", without("jwks_uri"), MetadataProblem::endpoint_missing},
                    Row{"token_endpoint_a_list", set("token_endpoint", json::Array{"https://a.example"}), MetadataProblem::malformed},
                    Row{"token_endpoint_in_the_clear", set("token_endpoint", "http://login.corp.example/token"), MetadataProblem::endpoint_insecure},
                    Row{"token_endpoint_on_this_machine", set("token_endpoint", "http://127.0.0.1:8421/admin"), MetadataProblem::endpoint_insecure},
                    Row{"userinfo_on_this_machine", set("userinfo_endpoint", "http://localhost/x"), MetadataProblem::endpoint_insecure},
                    Row{"endpoint_with_a_user", set("token_endpoint", "https://a@login.corp.example/token"), MetadataProblem::endpoint_insecure},
                    Row{"endpoint_of_another_scheme", set("authorization_endpoint", "javascript:alert(1)"), MetadataProblem::endpoint_insecure},
                    Row{"only_symmetric_algorithms", set("id_token_signing_alg_values_supported", json::Array{"HS256", "none"}), MetadataProblem::no_common_algorithm},
                    Row{"algorithms_a_text", set("id_token_signing_alg_values_supported", "RS256"), MetadataProblem::malformed},
                    Row{"sends_iss_a_text", set("authorization_response_iss_parameter_supported", "true"), MetadataProblem::malformed}),
    [](const auto& row) { return row.param.name; });

TEST(ProviderMetadata, TakesOnlyAlgorithmsThatBothKnow) {
  const auto read = parse_provider_metadata(json::write(ScriptedProvider().metadata), kUpstream);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->algorithms, (std::vector{crypto::Algorithm::rs256, crypto::Algorithm::es256})) << "HS256 is nobody's";
  EXPECT_TRUE(read->sends_issuer);
}

TEST(ProviderMetadata, RefusesWhatIsNoJsonAndMembersThatStandTwice) {
  for (const char* text : {"", "<html>", "[]", "{\"issuer\":\"https://login.corp.example/tenant\",\"issuer\":\"https://login.corp.example/tenant\"}"}) {
    EXPECT_FALSE(parse_provider_metadata(text, kUpstream)) << text;
  }
}

TEST(ProviderDirectory, RemembersForAnHourAndAsksSeldomWhenTheProviderIsDown) {
  ScriptedProvider provider;
  ProviderDirectory directory(provider);
  const auto find = [&](std::int64_t after) { return run(directory.find(kUpstream, kNow + Seconds{after})); };
  ASSERT_TRUE(find(0));
  ASSERT_TRUE(find(3599));
  EXPECT_EQ(provider.requests.size(), 1u);
  provider.is_down = true;
  ASSERT_TRUE(find(3601)) << "the last good document, for a day";
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(find(3602));
  EXPECT_EQ(provider.requests.size(), 2u) << "N3";
  EXPECT_FALSE(find(24 * 3600 + 1));
}

TEST(ProviderDirectory, WithoutAnyDocumentAFloodOfSignInsIsOneRequestInTenSeconds) {
  ScriptedProvider provider;
  provider.is_down = true;
  ProviderDirectory directory(provider);
  for (int i = 0; i < 200; ++i) EXPECT_FALSE(run(directory.find(kUpstream, kNow)));
  EXPECT_EQ(provider.requests.size(), 1u);
  provider.is_down = false;
  EXPECT_TRUE(run(directory.find(kUpstream, kNow + Seconds{11})));
}

}  // namespace
}  // namespace writ::token_service::idp
