#include "jose/jwt.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <limits>

#include "crypto/hash.h"
#include "jose/forge_fixture.h"

namespace writ::jose {
namespace {

using crypto::Algorithm;
using test::outcome;
using test::signed_over;
using test::with_signature;

constexpr Algorithm kAll[] = {Algorithm::es256, Algorithm::es384, Algorithm::rs256, Algorithm::ps256, Algorithm::eddsa};
constexpr Algorithm kOnlyEs256[] = {Algorithm::es256};
const std::string kPayload = R"({"iss":"https://idp.example","sub":"alice"})";
const std::string kHeader = R"({"alg":"ES256","kid":"ec","typ":"oauth-id-jag+jwt"})";

// One issuer with an EC, an RSA and an Ed25519 key, made once.
struct Issuer {
  const SigningKey ec{"ec", Algorithm::es256, crypto::PrivateKey::generate(Algorithm::es256)};
  const SigningKey rsa{"rsa", Algorithm::rs256, crypto::PrivateKey::generate(Algorithm::rs256)};
  const SigningKey ed{"ed", Algorithm::eddsa, crypto::PrivateKey::generate(Algorithm::eddsa)};
  const SigningKey stranger{"ec", Algorithm::es256, crypto::PrivateKey::generate(Algorithm::es256)};
  const KeySet keys{{ec.public_jwk(), rsa.public_jwk(), ed.public_jwk()}};
};
const Issuer& issuer() {
  static const Issuer made;
  return made;
}

// A token of the issuer's EC key with any header and payload.
std::string ec_signed(std::string_view header, std::string_view payload = kPayload) { return signed_over(issuer().ec.key, Algorithm::es256, header, payload); }
std::string answer(const std::string& token) { return outcome(token, issuer().keys, kAll); }

TEST(Jwt, WhatWeSignVerifies) {
  for (const SigningKey* key : {&issuer().ec, &issuer().rsa, &issuer().ed}) {
    const std::string token = sign(*key, "at+jwt", json::Value{{"sub", "alice"}, {"exp", 17}});
    auto unverified = UnverifiedJwt::parse(token);
    ASSERT_TRUE(unverified);
    EXPECT_EQ(unverified->compact(), token);
    EXPECT_EQ(unverified->algorithm(), key->algorithm);
    EXPECT_EQ(unverified->kid(), key->kid);
    EXPECT_EQ(json::write(unverified->header()), R"({"alg":")" + std::string(to_string(key->algorithm)) + R"(","kid":")" + key->kid + R"(","typ":"at+jwt"})");
    const auto verified = VerifiedJwt::verify(std::move(*unverified), issuer().keys, kAll);
    ASSERT_TRUE(verified) << to_string(verified.error());
    EXPECT_EQ(*verified->claims().find_string("sub"), "alice");
    EXPECT_TRUE(verified->has_type("at+jwt"));
  }
}

struct Case {
  std::string name;
  std::function<std::string()> token;   // made when the test runs: static initialisers must not make keys
  std::string outcome;
};
void PrintTo(const Case& row, std::ostream* out) { *out << row.name; }
std::string name_of(const testing::TestParamInfo<Case>& row) { return row.param.name; }

class JwtRules : public testing::TestWithParam<Case> {};
TEST_P(JwtRules, SayWhy) { EXPECT_EQ(answer(GetParam().token()), GetParam().outcome); }

std::string with_algorithm(const std::string& name) { return R"({"alg":)" + name + R"(,"kid":"ec"})"; }
std::string forged(const std::string& header, const std::string& signature) { return with_signature(header, kPayload, signature); }
std::string good_signature() { return issuer().ec.key.sign(Algorithm::es256, base64url::encode(kHeader) + "." + base64url::encode(kPayload)); }

INSTANTIATE_TEST_SUITE_P(J1_NoneAndMissing, JwtRules, testing::Values(
    Case{"a_good_token", [] { return ec_signed(kHeader); }, "verified"},
    Case{"none_and_no_signature", [] { return forged(with_algorithm(R"("none")"), ""); }, "algorithm_not_allowed"},
    Case{"none_and_junk", [] { return forged(with_algorithm(R"("none")"), "junk"); }, "algorithm_not_allowed"},
    Case{"none_and_a_valid_signature", [] { return ec_signed(with_algorithm(R"("none")")); }, "algorithm_not_allowed"},
    Case{"none_capitalised", [] { return forged(with_algorithm(R"("None")"), ""); }, "algorithm_not_allowed"},
    Case{"none_in_capitals", [] { return forged(with_algorithm(R"("NONE")"), ""); }, "algorithm_not_allowed"},
    Case{"none_mixed", [] { return forged(with_algorithm(R"("nOnE")"), ""); }, "algorithm_not_allowed"},
    Case{"none_with_a_space", [] { return forged(with_algorithm(R"("none ")"), ""); }, "algorithm_not_allowed"},
    Case{"none_with_a_nul", [] { return forged(with_algorithm(R"("none\u0000")"), ""); }, "algorithm_not_allowed"},
    Case{"empty", [] { return forged(with_algorithm(R"("")"), ""); }, "algorithm_not_allowed"},
    Case{"missing", [] { return ec_signed(R"({"kid":"ec"})"); }, "algorithm_not_allowed"},
    Case{"null", [] { return ec_signed(with_algorithm("null")); }, "algorithm_not_allowed"},
    Case{"an_array", [] { return ec_signed(with_algorithm(R"(["ES256"])")); }, "algorithm_not_allowed"},
    Case{"a_number", [] { return ec_signed(with_algorithm("256")); }, "algorithm_not_allowed"},
    Case{"lower_case", [] { return ec_signed(with_algorithm(R"("es256")")); }, "algorithm_not_allowed"},
    Case{"signature_cut_off", [] { return forged(kHeader, ""); }, "bad_signature"},
    Case{"signature_and_dot_cut_off", [] { return base64url::encode(kHeader) + "." + base64url::encode(kPayload); }, "not_compact"}), name_of);

// J2: symmetric algorithms are not known at all, whatever the "secret" was.
TEST(J2_AlgorithmConfusion, HmacIsNotAnAlgorithmWhateverItsKey) {
  const std::string jwk = json::write(to_json(issuer().rsa.public_jwk()));
  const auto& rsa = issuer().rsa.key.public_key().parameters();
  for (const char* name : {"HS256", "HS384", "HS512", "hs256"}) {
    for (const std::string& secret : {jwk, rsa.n, rsa.n + rsa.e, std::string(), std::string("client-secret"), std::string(issuer().rsa.key.to_pem().reveal())}) {
      const std::string input = base64url::encode(with_algorithm("\"" + std::string(name) + "\"")) + "." + base64url::encode(kPayload);
      EXPECT_EQ(answer(input + "." + base64url::encode(crypto::hmac_sha256(secret, input))), "algorithm_not_allowed");
    }
  }
}

TEST(J2_AlgorithmConfusion, OnlyWhatTheCallerAllows) {
  EXPECT_EQ(outcome(ec_signed(kHeader), issuer().keys, kOnlyEs256), "verified");
  EXPECT_EQ(outcome(sign(issuer().rsa, "JWT", json::Object{}), issuer().keys, kOnlyEs256), "algorithm_not_allowed");
  EXPECT_EQ(outcome(ec_signed(kHeader), issuer().keys, {}), "algorithm_not_allowed");
}

const std::string kOrder = "\xFF\xFF\xFF\xFF" + std::string(4, '\0') + std::string(8, '\xFF') + "\xBC\xE6\xFA\xAD\xA7\x17\x9E\x84\xF3\xB9\xCA\xC2\xFC\x63\x25\x51";
std::string number(char low) { return std::string(31, '\0') + low; }
std::string der(const std::string& jose) {
  const auto integer = [](std::string value) {
    if (static_cast<unsigned char>(value[0]) >= 0x80) value.insert(0, 1, '\0');
    return std::string("\x02") + static_cast<char>(value.size()) + value;
  };
  const std::string body = integer(jose.substr(0, 32)) + integer(jose.substr(32));
  return std::string("\x30") + static_cast<char>(body.size()) + body;
}
// n − s, so that (r, n − s) verifies wherever (r, s) does.
std::string negated(const std::string& s) {
  std::string result(32, '\0');
  int borrow = 0;
  for (int i = 31; i >= 0; --i) {
    int difference = static_cast<unsigned char>(kOrder[static_cast<std::size_t>(i)]) - static_cast<unsigned char>(s[static_cast<std::size_t>(i)]) - borrow;
    borrow = difference < 0 ? 1 : 0;
    result[static_cast<std::size_t>(i)] = static_cast<char>(difference + (borrow != 0 ? 256 : 0));
  }
  return result;
}

INSTANTIATE_TEST_SUITE_P(J3_PsychicSignatures, JwtRules, testing::Values(
    Case{"r_and_s_zero", [] { return forged(kHeader, std::string(64, '\0')); }, "bad_signature"},
    Case{"r_zero", [] { return forged(kHeader, number(0) + number(1)); }, "bad_signature"},
    Case{"s_zero", [] { return forged(kHeader, number(1) + number(0)); }, "bad_signature"},
    Case{"r_and_s_one", [] { return forged(kHeader, number(1) + number(1)); }, "bad_signature"},
    Case{"r_and_s_the_order", [] { return forged(kHeader, kOrder + kOrder); }, "bad_signature"},
    Case{"r_the_order", [] { return forged(kHeader, kOrder + number(1)); }, "bad_signature"},
    Case{"s_raised_by_the_order", [] { return forged(kHeader, good_signature().substr(0, 32) + kOrder); }, "bad_signature"},
    Case{"all_ones", [] { return forged(kHeader, std::string(64, '\xFF')); }, "bad_signature"},
    Case{"rsa_zero", [] { return forged(R"({"alg":"RS256","kid":"rsa"})", std::string(256, '\0')); }, "bad_signature"},
    Case{"rsa_one", [] { return forged(R"({"alg":"RS256","kid":"rsa"})", std::string(255, '\0') + '\x01'); }, "bad_signature"},
    Case{"rsa_short", [] { return forged(R"({"alg":"RS256","kid":"rsa"})", "\x01"); }, "bad_signature"},
    Case{"rsa_pss_zero", [] { return forged(R"({"alg":"PS256","kid":"rsa"})", std::string(256, '\0')); }, "unknown_key"},
    Case{"ed25519_zero", [] { return forged(R"({"alg":"EdDSA","kid":"ed"})", std::string(64, '\0')); }, "bad_signature"},
    Case{"ed25519_identity", [] { return forged(R"({"alg":"EdDSA","kid":"ed"})", '\x01' + std::string(63, '\0')); }, "bad_signature"}), name_of);

INSTANTIATE_TEST_SUITE_P(J4_SignatureEncodings, JwtRules, testing::Values(
    Case{"as_rfc7518_has_it", [] { return forged(kHeader, good_signature()); }, "verified"},
    Case{"der", [] { return forged(kHeader, der(good_signature())); }, "bad_signature"},
    Case{"a_byte_less", [] { return forged(kHeader, good_signature().substr(0, 63)); }, "bad_signature"},
    Case{"a_byte_more", [] { return forged(kHeader, good_signature() + '\0'); }, "bad_signature"},
    Case{"a_zero_in_front_of_each", [] { const std::string s = good_signature(); return forged(kHeader, '\0' + s.substr(0, 32) + '\0' + s.substr(32)); }, "bad_signature"},
    Case{"halves_swapped", [] { const std::string s = good_signature(); return forged(kHeader, s.substr(32) + s.substr(0, 32)); }, "bad_signature"},
    Case{"twice", [] { return forged(kHeader, good_signature() + good_signature()); }, "bad_signature"}), name_of);

std::string parts(const std::string& header, const std::string& payload, const std::string& signature) { return header + "." + payload + "." + signature; }
std::string signature_part() { return base64url::encode(good_signature()); }
const std::string kHeaderPart = base64url::encode(kHeader);
const std::string kPayloadPart = base64url::encode(kPayload);
// The last letter carries four unused bits; set one of them.
std::string with_trailing_bits(std::string part) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  part.back() = kAlphabet[kAlphabet.find(part.back()) | 1];
  return part;
}

INSTANTIATE_TEST_SUITE_P(J5_Twins, JwtRules, testing::Values(
    // ECDSA itself lets anyone make this twin; that is why replay is keyed by (issuer, jti), never by the bytes of a token.
    Case{"s_negated_verifies_as_ecdsa_has_it", [] { const std::string s = good_signature(); return forged(kHeader, s.substr(0, 32) + negated(s.substr(32))); }, "verified"},
    Case{"trailing_bits", [] { return parts(kHeaderPart, kPayloadPart, with_trailing_bits(signature_part())); }, "not_compact"},
    Case{"padding", [] { return parts(kHeaderPart, kPayloadPart, signature_part() + "=="); }, "not_compact"},
    Case{"header_padding", [] { return parts(kHeaderPart + "=", kPayloadPart, signature_part()); }, "not_compact"},
    Case{"space_in_front", [] { return " " + parts(kHeaderPart, kPayloadPart, signature_part()); }, "not_compact"},
    Case{"line_end_behind", [] { return parts(kHeaderPart, kPayloadPart, signature_part()) + "\n"; }, "not_compact"},
    Case{"space_inside", [] { return parts(kHeaderPart, kPayloadPart + " ", signature_part()); }, "not_compact"},
    Case{"standard_alphabet", [] { return parts(kHeaderPart, kPayloadPart, "+/+/"); }, "not_compact"},
    Case{"json_serialisation", [] { return R"({"payload":")" + kPayloadPart + R"(","protected":")" + kHeaderPart + R"(","signature":")" + signature_part() + "\"}"; }, "not_compact"},
    Case{"a_fourth_part", [] { return parts(kHeaderPart, kPayloadPart, signature_part()) + "."; }, "not_compact"},
    Case{"a_part_in_front", [] { return "." + parts(kHeaderPart, kPayloadPart, signature_part()); }, "not_compact"},
    Case{"nothing", [] { return std::string(); }, "not_compact"},
    Case{"two_dots", [] { return std::string(".."); }, "header_not_json"}), name_of);

std::string embedded(const std::string& members) { return signed_over(issuer().stranger.key, Algorithm::es256, R"({"alg":"ES256","kid":"ec",)" + members + "}", kPayload); }
INSTANTIATE_TEST_SUITE_P(J6_KeysFromTheToken, JwtRules, testing::Values(
    Case{"jwk", [] { return embedded("\"jwk\":" + json::write(to_json(issuer().stranger.public_jwk()))); }, "bad_signature"},
    Case{"jku", [] { return embedded(R"("jku":"https://evil.example/jwks")"); }, "bad_signature"},
    Case{"x5u", [] { return embedded(R"("x5u":"https://evil.example/cert")"); }, "bad_signature"},
    Case{"x5c", [] { return embedded(R"("x5c":["MIIB"])"); }, "bad_signature"},
    Case{"jwk_under_another_kid", [] { return signed_over(issuer().stranger.key, Algorithm::es256, R"({"alg":"ES256","kid":"mine","jwk":)" + json::write(to_json(issuer().stranger.public_jwk())) + "}", kPayload); }, "unknown_key"},
    Case{"jwk_beside_a_good_signature_is_ignored", [] { return ec_signed(R"({"alg":"ES256","kid":"ec","jwk":{"kty":"oct"},"jku":7})"); }, "verified"}), name_of);

std::string with_kid(const std::string& kid) { return ec_signed(R"({"alg":"ES256","kid":)" + kid + "}"); }
INSTANTIATE_TEST_SUITE_P(J7_KeyIds, JwtRules, testing::Values(
    Case{"traversal", [] { return with_kid(R"("../../../../dev/null")"); }, "unknown_key"},
    Case{"sql", [] { return with_kid(R"("x' UNION SELECT 'key")"); }, "unknown_key"},
    Case{"shell", [] { return with_kid(R"("|/usr/bin/id")"); }, "unknown_key"},
    Case{"nul_behind_a_known_one", [] { return with_kid(R"("ec\u0000")"); }, "unknown_key"},
    Case{"other_case", [] { return with_kid(R"("EC")"); }, "unknown_key"},
    Case{"longest_allowed", [] { return with_kid("\"" + std::string(256, 'k') + "\""); }, "unknown_key"},
    Case{"a_byte_too_long", [] { return with_kid("\"" + std::string(257, 'k') + "\""); }, "bad_kid"},
    Case{"8_kilobytes", [] { return with_kid("\"" + std::string(8 * 1024, 'k') + "\""); }, "bad_kid"},
    Case{"32_kilobytes", [] { return with_kid("\"" + std::string(32 * 1024, 'k') + "\""); }, "too_large"},
    Case{"empty", [] { return with_kid("\"\""); }, "bad_kid"},
    Case{"an_array", [] { return with_kid(R"(["ec"])"); }, "bad_kid"},
    Case{"a_number", [] { return with_kid("1"); }, "bad_kid"},
    Case{"null", [] { return with_kid("null"); }, "bad_kid"},
    Case{"an_object", [] { return with_kid(R"({"$ne":""})"); }, "bad_kid"},
    Case{"absent_and_one_key_fits", [] { return ec_signed(R"({"alg":"ES256"})"); }, "verified"}), name_of);

INSTANTIATE_TEST_SUITE_P(J8_KeysOfAnotherKind, JwtRules, testing::Values(
    Case{"rs256_with_the_ec_kid", [] { return signed_over(issuer().rsa.key, Algorithm::rs256, R"({"alg":"RS256","kid":"ec"})", kPayload); }, "unknown_key"},
    Case{"es256_with_the_rsa_kid", [] { return ec_signed(R"({"alg":"ES256","kid":"rsa"})"); }, "unknown_key"},
    Case{"ps256_under_an_rs256_key", [] { return signed_over(issuer().rsa.key, Algorithm::ps256, R"({"alg":"PS256","kid":"rsa"})", kPayload); }, "unknown_key"},
    Case{"es384_with_a_p256_key", [] { return ec_signed(R"({"alg":"ES384","kid":"ec"})"); }, "unknown_key"},
    Case{"eddsa_with_the_ec_kid", [] { return forged(R"({"alg":"EdDSA","kid":"ec"})", std::string(64, 'x')); }, "unknown_key"},
    Case{"another_issuers_key_of_the_same_name", [] { return sign(issuer().stranger, "JWT", json::Object{}); }, "bad_signature"}), name_of);

TEST(J8_KeysOfAnotherKind, TheKeyAloneMustFitToo) {
  auto unverified = UnverifiedJwt::parse(ec_signed(kHeader));
  ASSERT_TRUE(unverified);
  const auto with_rsa = VerifiedJwt::verify(*unverified, issuer().rsa.key.public_key(), kAll);
  ASSERT_FALSE(with_rsa);
  EXPECT_EQ(with_rsa.error(), JwtProblem::unknown_key);
  EXPECT_TRUE(VerifiedJwt::verify(*unverified, issuer().ec.key.public_key(), kAll));
  const auto forbidden = VerifiedJwt::verify(*unverified, issuer().ec.key.public_key(), {});
  ASSERT_FALSE(forbidden);
  EXPECT_EQ(forbidden.error(), JwtProblem::algorithm_not_allowed);
}

TEST(J8_KeysOfAnotherKind, WithoutKidAChoiceOfKeysIsNoAgreement) {
  const SigningKey second{"ec2", Algorithm::es256, crypto::PrivateKey::generate(Algorithm::es256)};
  const KeySet two({issuer().ec.public_jwk(), second.public_jwk()});
  EXPECT_EQ(outcome(ec_signed(R"({"alg":"ES256"})"), two, kAll), "unknown_key");
  const KeySet twins({issuer().ec.public_jwk(), issuer().stranger.public_jwk()});
  EXPECT_EQ(outcome(ec_signed(kHeader), twins, kAll), "unknown_key") << "two keys of one kid";
}

std::string with_extension(const std::string& member) { return ec_signed(R"({"alg":"ES256","kid":"ec",)" + member + "}"); }
INSTANTIATE_TEST_SUITE_P(J9_CriticalExtensions, JwtRules, testing::Values(
    Case{"unknown", [] { return with_extension(R"("crit":["x"],"x":1)"); }, "has_crit"},
    Case{"empty", [] { return with_extension(R"("crit":[])"); }, "has_crit"},
    Case{"a_registered_name", [] { return with_extension(R"("crit":["alg"])"); }, "has_crit"},
    Case{"duplicated_entry", [] { return with_extension(R"("crit":["x","x"],"x":1)"); }, "has_crit"},
    Case{"duplicated_member", [] { return with_extension(R"("crit":["x"],"crit":[])"); }, "header_not_json"},
    Case{"a_string", [] { return with_extension(R"("crit":"x")"); }, "has_crit"},
    Case{"null", [] { return with_extension(R"("crit":null)"); }, "has_crit"},
    Case{"b64_false", [] { return with_extension(R"("b64":false,"crit":["b64"])"); }, "has_crit"},
    Case{"b64_false_alone", [] { return with_extension(R"("b64":false)"); }, "has_crit"},
    Case{"b64_true", [] { return with_extension(R"("b64":true)"); }, "has_crit"}), name_of);

TEST(J10_TypeConfusion, TypesAreComparedAsMediaTypes) {
  const auto has = [](const std::string& typ, std::string_view wanted) {
    const auto jwt = UnverifiedJwt::parse(ec_signed(R"({"alg":"ES256","kid":"ec","typ":)" + typ + "}"));
    return jwt && jwt->has_type(wanted);
  };
  EXPECT_TRUE(has(R"("oauth-id-jag+jwt")", "oauth-id-jag+jwt"));
  EXPECT_TRUE(has(R"("OAuth-ID-JAG+JWT")", "oauth-id-jag+jwt"));
  EXPECT_TRUE(has(R"("application/oauth-id-jag+jwt")", "oauth-id-jag+jwt"));
  EXPECT_TRUE(has(R"("Application/At+Jwt")", "at+jwt"));
  EXPECT_TRUE(has(R"("at+jwt")", "application/at+jwt"));
  for (const char* other : {R"("JWT")", R"("at+jwt")", R"("dpop+jwt")", R"("logout+jwt")", R"("")", R"("oauth-id-jag")", R"("oauth-id-jag+jwt ")", R"("oauth-id-jag+jwt;x=1")",
                            R"("application/application/oauth-id-jag+jwt")", R"("text/oauth-id-jag+jwt")", R"("oauth-id-jag+jwt\u0000")"})
    EXPECT_FALSE(has(other, "oauth-id-jag+jwt")) << other;
}

TEST(J10_TypeConfusion, AbsentMatchesNothing) {
  const auto jwt = UnverifiedJwt::parse(ec_signed(R"({"alg":"ES256"})"));
  ASSERT_TRUE(jwt);
  EXPECT_FALSE(jwt->has_any_type());
  EXPECT_FALSE(jwt->has_type(""));
  EXPECT_FALSE(jwt->has_type("JWT"));
}

INSTANTIATE_TEST_SUITE_P(J10_TypeConfusion, JwtRules, testing::Values(
    Case{"a_number", [] { return with_extension(R"("typ":1)"); }, "type_mismatch"},
    Case{"an_array", [] { return with_extension(R"("typ":["at+jwt"])"); }, "type_mismatch"},
    Case{"null", [] { return with_extension(R"("typ":null)"); }, "type_mismatch"}), name_of);

std::string dots(std::size_t count) { return std::string(count, '.'); }
INSTANTIATE_TEST_SUITE_P(J11_OtherForms, JwtRules, testing::Values(
    Case{"jwe", [] { return base64url::encode(R"({"alg":"dir","enc":"A256GCM"})") + "..AAAA.AAAA.AAAA"; }, "not_compact"},
    Case{"pbes2_with_a_huge_count", [] { return base64url::encode(R"({"alg":"PBES2-HS256+A128KW","p2c":2147483647,"enc":"A256GCM"})") + ".AAAA.AAAA.AAAA.AAAA"; }, "not_compact"},
    Case{"pbes2_in_three_parts", [] { return forged(R"({"alg":"PBES2-HS256+A128KW","p2c":2147483647,"kid":"ec"})", "x"); }, "algorithm_not_allowed"},
    Case{"zip", [] { return with_extension(R"("zip":"DEF")"); }, "has_crit"},
    Case{"four_parts", [] { return parts(kHeaderPart, kPayloadPart, signature_part()) + ".AAAA"; }, "not_compact"},
    Case{"ten_thousand_dots", [] { return dots(10'000); }, "not_compact"},
    Case{"a_million_dots", [] { return dots(1'000'000); }, "too_large"},
    Case{"nested_jwt", [] { return ec_signed(R"({"alg":"ES256","kid":"ec","cty":"JWT"})", ec_signed(kHeader)); }, "payload_not_json"}), name_of);

TEST(J11_OtherForms, AreRefusedQuickly) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(answer(dots(10'000)), "not_compact");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(100) * 10);
}

// Every interesting member, doubled in three ways, in header or payload.
TEST(J12_Duplicates, AreRefusedInHeaderAndPayload) {
  for (const std::string name : {"alg", "kid", "typ"}) {
    const std::string escaped = "\\u00" + std::string(name[0] == 'a' ? "61" : name[0] == 'k' ? "6b" : "74") + std::string(name.substr(1));
    const std::string value = name == std::string("alg") ? "\"ES256\"" : name == std::string("kid") ? "\"ec\"" : "\"JWT\"";
    const std::string base = R"("alg":"ES256","kid":"ec","typ":"JWT")";
    for (const std::string& twin : {name, escaped}) {
      EXPECT_EQ(answer(ec_signed("{" + base + ",\"" + twin + "\":" + value + "}")), "header_not_json") << twin;
      EXPECT_EQ(answer(ec_signed("{\"" + twin + "\":" + value + "," + base + "}")), "header_not_json") << twin;
    }
  }
  const std::string base = R"("iss":"i","sub":"s","aud":"a","exp":1,"client_id":"c","scope":"x")";
  for (const std::string twin : {"iss", "sub", "aud", "exp", "client_id", "scope", "\\u0069ss", "s\\u0075b", "au\\u0064", "\\u0065xp", "client\\u005fid", "scop\\u0065"}) {
    EXPECT_EQ(answer(ec_signed(kHeader, "{" + base + ",\"" + std::string(twin) + "\":1}")), "payload_not_json") << twin;
    EXPECT_EQ(answer(ec_signed(kHeader, "{\"" + std::string(twin) + "\":1," + base + "}")), "payload_not_json") << twin;
  }
  EXPECT_EQ(answer(ec_signed(kHeader, R"({"cnf":{"jkt":"a","jkt":"b"}})")), "payload_not_json");
}

INSTANTIATE_TEST_SUITE_P(J13_Text, JwtRules, testing::Values(
    Case{"payload_no_utf8", [] { return ec_signed(kHeader, "{\"sub\":\"\xFF\"}"); }, "payload_not_json"},
    Case{"header_no_utf8", [] { return ec_signed("{\"alg\":\"ES256\",\"kid\":\"\xFF\"}"); }, "header_not_json"},
    Case{"payload_byte_order_mark", [] { return ec_signed(kHeader, "\xEF\xBB\xBF{}"); }, "payload_not_json"},
    Case{"header_byte_order_mark", [] { return ec_signed("\xEF\xBB\xBF" + kHeader); }, "header_not_json"},
    Case{"header_in_utf16", [] { return ec_signed(std::string("{\0}\0", 4)); }, "header_not_json"},
    Case{"lone_surrogate", [] { return ec_signed(kHeader, R"({"sub":"\ud800"})"); }, "payload_not_json"},
    Case{"bytes_behind_the_payload", [] { return ec_signed(kHeader, "{}{}"); }, "payload_not_json"},
    Case{"nul_behind_the_header", [] { return ec_signed(kHeader + '\0'); }, "header_not_json"},
    Case{"comment", [] { return ec_signed(kHeader, "{/**/}"); }, "payload_not_json"},
    Case{"nan", [] { return ec_signed(kHeader, R"({"exp":NaN})"); }, "payload_not_json"},
    Case{"leading_zero", [] { return ec_signed(kHeader, R"({"exp":017})"); }, "payload_not_json"},
    Case{"payload_an_array", [] { return ec_signed(kHeader, "[]"); }, "payload_not_json"},
    Case{"payload_a_string", [] { return ec_signed(kHeader, "\"x\""); }, "payload_not_json"},
    Case{"payload_empty", [] { return ec_signed(kHeader, ""); }, "payload_not_json"},
    Case{"header_an_array", [] { return ec_signed("[]"); }, "header_not_json"},
    Case{"header_empty", [] { return ec_signed(""); }, "header_not_json"}), name_of);

std::string levels(std::size_t count) { return R"({"a":)" + std::string(count, '[') + std::string(count, ']') + "}"; }
std::string members(std::size_t count) {
  std::string text = "{";
  for (std::size_t i = 0; i < count; ++i) text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":0";
  return text + "}";
}
std::string elements(std::size_t count) {
  std::string text = "{\"a\":[0";
  for (std::size_t i = 1; i < count; ++i) text += ",0";
  return text + "]}";
}
// Exactly as large as a token may be, and one byte more.
std::string of_size(std::size_t size) {
  for (std::size_t fill = size / 2;; ++fill) {
    const std::string token = ec_signed(kHeader, R"({"a":")" + std::string(fill, 'x') + "\"}");
    if (token.size() == size) return token;
    if (token.size() > size) return "base64url has no token of this size";
  }
}
INSTANTIATE_TEST_SUITE_P(J14_Bombs, JwtRules, testing::Values(
    Case{"deepest_allowed", [] { return ec_signed(kHeader, levels(31)); }, "verified"},
    Case{"a_level_too_deep", [] { return ec_signed(kHeader, levels(32)); }, "payload_not_json"},
    Case{"deep_header", [] { return ec_signed(levels(100)); }, "header_not_json"},
    Case{"sixty_thousand_levels", [] { return ec_signed(kHeader, levels(60'000)); }, "too_large"},
    Case{"most_elements_allowed", [] { return ec_signed(kHeader, elements(1'999)); }, "verified"},
    Case{"an_element_too_many", [] { return ec_signed(kHeader, elements(2'000)); }, "payload_not_json"},
    Case{"thousand_members", [] { return ec_signed(kHeader, members(1'000)); }, "verified"},
    Case{"twenty_thousand_members", [] { return ec_signed(kHeader, members(20'000)); }, "too_large"},
    Case{"largest_allowed", [] { return of_size(16 * 1024); }, "verified"},
    Case{"a_byte_too_large", [] { return std::string(16 * 1024 + 1, 'A'); }, "too_large"}), name_of);

TEST(JwtSignature, EveryFlippedBitOfTheTokenIsRefused) {
  for (const SigningKey* key : {&issuer().ec, &issuer().rsa, &issuer().ed}) {
    const std::string token = sign(*key, "JWT", json::Value{{"sub", "alice"}});
    ASSERT_EQ(answer(token), "verified");
    for (std::size_t bit = 0; bit < token.size() * 8; ++bit) {
      std::string flipped = token;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      EXPECT_NE(answer(flipped), "verified") << to_string(key->algorithm) << " bit " << bit;
    }
  }
}

TEST(JwtSignature, EveryCutOfTheTokenIsRefused) {
  const std::string token = ec_signed(kHeader);
  for (std::size_t length = 0; length < token.size(); ++length) EXPECT_NE(answer(token.substr(0, length)), "verified") << length;
}

// ---- time claims (C4)

struct TimeCase {
  std::string name, claims, outcome;
};
void PrintTo(const TimeCase& row, std::ostream* out) { *out << row.name; }
class TimeClaims : public testing::TestWithParam<TimeCase> {};
TEST_P(TimeClaims, SayWhy) {
  const auto claims = json::parse(GetParam().claims);
  ASSERT_TRUE(claims);
  const auto checked = check_times(*claims, 1'000'000, {.skew_seconds = 30, .lifetime_seconds_max = 600});
  EXPECT_EQ(checked ? "accepted" : to_string(checked.error()), GetParam().outcome);
}
INSTANTIATE_TEST_SUITE_P(C4, TimeClaims, testing::Values(
    TimeCase{"good", R"({"iat":1000000,"exp":1000300})", "accepted"},
    TimeCase{"just_not_expired", R"({"iat":999500,"exp":999971})", "accepted"},
    TimeCase{"just_expired", R"({"iat":999500,"exp":999970})", "expired"},
    TimeCase{"long_expired", R"({"iat":1,"exp":2})", "expired"},
    TimeCase{"exp_missing", R"({"iat":1000000})", "missing"},
    TimeCase{"exp_null", R"({"iat":1000000,"exp":null})", "not_an_integer"},
    TimeCase{"exp_a_string", R"({"iat":1000000,"exp":"1000300"})", "not_an_integer"},
    TimeCase{"exp_with_a_point", R"({"iat":1000000,"exp":1000300.0})", "not_an_integer"},
    TimeCase{"exp_with_an_exponent", R"({"iat":1000000,"exp":1e6})", "not_an_integer"},
    TimeCase{"exp_an_array", R"({"iat":1000000,"exp":[1000300]})", "not_an_integer"},
    TimeCase{"exp_true", R"({"iat":1000000,"exp":true})", "not_an_integer"},
    TimeCase{"exp_negative", R"({"iat":1000000,"exp":-1})", "expired"},
    TimeCase{"exp_the_largest", R"({"iat":1000000,"exp":9223372036854775807})", "lives_too_long"},
    TimeCase{"exp_the_largest_and_iat_the_smallest", R"({"iat":-9223372036854775808,"exp":9223372036854775807})", "lives_too_long"},
    TimeCase{"ten_years_ahead", R"({"iat":1000000,"exp":316000000})", "lives_too_long"},
    TimeCase{"lives_as_long_as_allowed", R"({"iat":1000000,"exp":1000600})", "accepted"},
    TimeCase{"lives_a_second_too_long", R"({"iat":1000000,"exp":1000601})", "lives_too_long"},
    TimeCase{"iat_missing", R"({"exp":1000300})", "missing"},
    TimeCase{"iat_a_string", R"({"iat":"1000000","exp":1000300})", "not_an_integer"},
    TimeCase{"iat_just_allowed", R"({"iat":1000030,"exp":1000300})", "accepted"},
    TimeCase{"iat_in_the_future", R"({"iat":1000031,"exp":1000300})", "issued_in_the_future"},
    TimeCase{"iat_the_largest", R"({"iat":9223372036854775807,"exp":1000300})", "issued_in_the_future"},
    TimeCase{"exp_at_iat", R"({"iat":1000020,"exp":1000020})", "expires_before_issued"},
    TimeCase{"exp_before_iat", R"({"iat":1000020,"exp":1000010})", "expires_before_issued"},
    TimeCase{"nbf_just_allowed", R"({"iat":1000000,"nbf":1000030,"exp":1000300})", "accepted"},
    TimeCase{"nbf_in_the_future", R"({"iat":1000000,"nbf":1000031,"exp":1000300})", "not_yet_valid"},
    TimeCase{"nbf_a_string", R"({"iat":1000000,"nbf":"0","exp":1000300})", "not_an_integer"},
    TimeCase{"nbf_the_smallest", R"({"iat":1000000,"nbf":-9223372036854775808,"exp":1000300})", "accepted"}), [](const auto& row) { return row.param.name; });

TEST(TimeClaims, IatIsNeededOnlyWhereARuleNeedsIt) {
  const json::Value claims{{"exp", 1'000'300}};
  EXPECT_TRUE(check_times(claims, 1'000'000, {}));
  const auto required = check_times(claims, 1'000'000, {.iat_required = true});
  ASSERT_FALSE(required);
  EXPECT_EQ(required.error(), TimeProblem::missing);
}

}  // namespace
}  // namespace writ::jose
