
#include "oauth/id_token.h"
#include "token_service/idp/federation/federation_fixture.h"

namespace writ::token_service::idp {
namespace {

constexpr crypto::Algorithm kAlgorithms[] = {crypto::Algorithm::rs256, crypto::Algorithm::es256};

json::Value good() {
  const auto now = to_unix_seconds(kNow);
  return json::Value{{"iss", kUpstream}, {"sub", "up-carol"}, {"aud", "writ-at-corp"}, {"azp", "writ-at-corp"}, {"iat", now - 5}, {"exp", now + 300}, {"nonce", "n-1"},
                     {"auth_time", now - 60}, {"acr", "c2"}, {"amr", json::Array{"pwd"}}, {"sid", "s-1"},
                     {"at_hash", base64url::encode(crypto::sha256_bytes("access").substr(0, 16))}};
}

const ScriptedProvider& provider() {
  static const ScriptedProvider one;
  return one;
}

std::string judge(const std::string& token) {
  auto unverified = jose::UnverifiedJwt::parse(token);
  if (!unverified) return "malformed";
  oauth::IdTokenRules rules;
  rules.issuer = kUpstream, rules.audience = "writ-at-corp", rules.algorithms = kAlgorithms, rules.nonce = "n-1", rules.access_token = "access";
  rules.max_age_seconds = 300, rules.now = kNow;
  const auto checked = oauth::check_id_token(std::move(*unverified), jose::KeySet({provider().key.public_jwk()}), rules);
  return checked ? "" : std::string(to_string(checked.error()));
}

struct Row {
  const char* name;
  std::function<void(json::Value&)> change;
  const char* reason;   // "": accepted
};
class UpstreamIdToken : public testing::TestWithParam<Row> {};
TEST_P(UpstreamIdToken, IsJudgedForItsReason) {
  json::Value claims = good();
  GetParam().change(claims);
  EXPECT_EQ(judge(jose::sign(provider().key, "JWT", claims)), GetParam().reason);
}

const auto set = [](const char* name, json::Value value) { return [=](json::Value& claims) { claims.set(name, value); }; };
const auto without = [](const char* name) { return [=](json::Value& claims) { claims.erase(name); }; };
const auto seconds = [](const char* name, std::int64_t offset) { return [=](json::Value& claims) { claims.set(name, to_unix_seconds(kNow) + offset); }; };

INSTANTIATE_TEST_SUITE_P(
    OB131, UpstreamIdToken,
    testing::Values(
        Row{"good", [](json::Value&) {}, ""},
        Row{"iss_absent", without("iss"), "upstream_token_issuer"}, Row{"iss_a_list", set("iss", json::Array{kUpstream}), "upstream_token_issuer"},
        Row{"iss_of_another", set("iss", kOtherUpstream), "upstream_token_issuer"}, Row{"iss_with_a_slash", set("iss", std::string(kUpstream) + "/"), "upstream_token_issuer"},
        Row{"aud_absent", without("aud"), "upstream_token_audience"}, Row{"aud_of_another", set("aud", "cursor-at-corp"), "upstream_token_audience"},
        Row{"aud_list_of_us", set("aud", json::Array{"writ-at-corp"}), ""}, Row{"aud_us_and_another", set("aud", json::Array{"writ-at-corp", "x"}), "upstream_token_audience"},
        Row{"aud_us_twice", set("aud", json::Array{"writ-at-corp", "writ-at-corp"}), "upstream_token_audience"}, Row{"aud_a_number", set("aud", 7), "upstream_token_audience"},
        Row{"aud_empty_list", set("aud", json::Array{}), "upstream_token_audience"},
        Row{"azp_absent", without("azp"), ""}, Row{"azp_of_another", set("azp", "cursor-at-corp"), "upstream_token_authorized_party"},
        Row{"azp_a_list", set("azp", json::Array{"writ-at-corp"}), "upstream_token_authorized_party"},
        Row{"sub_absent", without("sub"), "upstream_token_subject"}, Row{"sub_empty", set("sub", ""), "upstream_token_subject"}, Row{"sub_a_number", set("sub", 7), "upstream_token_subject"},
        Row{"sub_too_long", set("sub", std::string(256, 'a')), "upstream_token_subject"},
        Row{"nonce_absent", without("nonce"), "upstream_token_nonce"}, Row{"nonce_of_another_sign_in", set("nonce", "n-2"), "upstream_token_nonce"},
        Row{"nonce_a_number", set("nonce", 1), "upstream_token_nonce"},
        Row{"exp_absent", without("exp"), "upstream_token_times"}, Row{"exp_a_text", set("exp", "soon"), "upstream_token_times"}, Row{"exp_just_inside_skew", [](json::Value& claims) { claims.set("iat", to_unix_seconds(kNow) - 300), claims.set("exp", to_unix_seconds(kNow) - 29); }, ""},
        Row{"exp_just_outside_skew", [](json::Value& claims) { claims.set("iat", to_unix_seconds(kNow) - 300), claims.set("exp", to_unix_seconds(kNow) - 31); }, "upstream_token_times"}, Row{"iat_absent", without("iat"), "upstream_token_times"},
        Row{"iat_ahead_within_skew", seconds("iat", 29), ""}, Row{"iat_ahead", seconds("iat", 60), "upstream_token_times"}, Row{"nbf_ahead", seconds("nbf", 60), "upstream_token_times"},
        Row{"at_hash_absent", without("at_hash"), ""}, Row{"at_hash_of_another_token", set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), "upstream_token_access_token_hash"},
        Row{"at_hash_a_number", set("at_hash", 7), "upstream_token_access_token_hash"},
        Row{"auth_time_absent_though_asked", without("auth_time"), "upstream_token_auth_time_missing"}, Row{"auth_time_a_text", set("auth_time", "now"), "upstream_token_authentication_context"},
        Row{"auth_time_ahead", seconds("auth_time", 60), "upstream_token_authentication_context"}, Row{"auth_time_just_young_enough", seconds("auth_time", -330), ""},
        Row{"auth_time_too_old", seconds("auth_time", -331), "upstream_token_authentication_too_old"},
        Row{"acr_absent", without("acr"), ""}, Row{"acr_a_number", set("acr", 2), "upstream_token_authentication_context"}, Row{"amr_absent", without("amr"), ""},
        Row{"amr_a_text", set("amr", "pwd"), "upstream_token_authentication_context"}, Row{"amr_of_numbers", set("amr", json::Array{1}), "upstream_token_authentication_context"},
        Row{"sid_a_number", set("sid", 1), "upstream_token_authentication_context"},
        Row{"logout_token", set("events", json::Object{}), "upstream_token_wrong_type"}, Row{"access_token_of_entra", set("scp", "User.Read"), "upstream_token_wrong_type"},
        Row{"access_token_with_scope", set("scope", "openid"), "upstream_token_wrong_type"}, Row{"access_token_of_keycloak", set("typ", "Bearer"), "upstream_token_wrong_type"},
        Row{"id_token_of_keycloak", set("typ", "ID"), ""}, Row{"typ_claim_a_list", set("typ", json::Array{"ID"}), "upstream_token_wrong_type"}),
    [](const auto& row) { return row.param.name; });

TEST(UpstreamIdTokens, OfOtherTypesAreRefusedByTheirHeader) {
  EXPECT_EQ(judge(jose::sign(provider().key, "jwt", good())), "");
  for (const char* type : {"at+jwt", "logout+jwt", "oauth-id-jag+jwt", "secevent+jwt", "dpop+jwt", "client-authentication+jwt", "token-introspection+jwt"}) {
    EXPECT_EQ(judge(jose::sign(provider().key, type, good())), "upstream_token_wrong_type") << type;
  }
}

TEST(UpstreamIdTokens, OfOtherKeysAndAlgorithmsAreRefused) {
  const jose::SigningKey stranger{"up1", crypto::Algorithm::rs256, crypto::PrivateKey::generate(crypto::Algorithm::rs256)};
  EXPECT_EQ(judge(jose::sign(stranger, "JWT", good())), "upstream_token_signature");
  const jose::SigningKey other{"up1", crypto::Algorithm::ps256, provider().key.key};
  EXPECT_EQ(judge(jose::sign(other, "JWT", good())), "upstream_token_signature") << "an algorithm that the provider does not use";
  const std::string token = jose::sign(provider().key, "JWT", good());
  const auto dot = token.rfind('.');
  EXPECT_EQ(judge(token.substr(0, dot + 1)), "upstream_token_signature");
  EXPECT_EQ(judge(token.substr(0, dot)), "malformed");
}

}  // namespace
}  // namespace writ::token_service::idp
