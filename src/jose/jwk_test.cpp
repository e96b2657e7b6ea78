#include "jose/jwk.h"

#include <gtest/gtest.h>

#include <functional>

#include "encoding/base64url.h"

namespace writ::jose {
namespace {

using crypto::Algorithm;

// RFC 7517 appendix A.1 and RFC 8037 appendix A.2
const json::Value kEc{{"kty", "EC"}, {"crv", "P-256"}, {"x", "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"}, {"y", "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}};
const json::Value kOkp{{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}};
// RFC 7638 §3.1
const json::Value kRsa{{"kty", "RSA"}, {"e", "AQAB"}, {"n",
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-"
    "65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}};

std::string outcome(const json::Value& value) {
  const auto jwk = parse_jwk(value);
  return jwk ? "accepted" : std::string(to_string(jwk.error()));
}
json::Value with(json::Value base, std::string_view name, json::Value value) {
  base.set(name, std::move(value));
  return base;
}
json::Value without(json::Value base, std::string_view name) {
  base.erase(name);
  return base;
}

struct Case {
  std::string name;
  json::Value value;
  std::string outcome;
};
void PrintTo(const Case& row, std::ostream* out) { *out << row.name; }
class J15_PublishedKeys : public testing::TestWithParam<Case> {};
TEST_P(J15_PublishedKeys, SayWhy) { EXPECT_EQ(outcome(GetParam().value), GetParam().outcome); }

INSTANTIATE_TEST_SUITE_P(Loaded, J15_PublishedKeys, testing::Values(
    Case{"ec", kEc, "accepted"},
    Case{"okp", kOkp, "accepted"},
    Case{"rsa", kRsa, "accepted"},
    Case{"for_signatures", with(kEc, "use", "sig"), "accepted"},
    Case{"for_verifying", with(kEc, "key_ops", json::Array{"verify"}), "accepted"},
    Case{"with_its_algorithm", with(kEc, "alg", "ES256"), "accepted"},
    Case{"with_a_certificate_which_is_ignored", with(kEc, "x5c", json::Array{"MIIB"}), "accepted"},
    Case{"with_unknown_members", with(kEc, "ext", true), "accepted"}), [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(NotLoaded, J15_PublishedKeys, testing::Values(
    Case{"symmetric", json::Value{{"kty", "oct"}, {"k", "c2VjcmV0"}, {"alg", "HS256"}}, "symmetric"},
    Case{"symmetric_without_k", json::Value{{"kty", "oct"}}, "symmetric"},
    Case{"for_encryption", with(kEc, "use", "enc"), "not_for_signatures"},
    Case{"use_in_capitals", with(kEc, "use", "SIG"), "not_for_signatures"},
    Case{"use_no_string", with(kEc, "use", 1), "malformed"},
    Case{"operations_for_encryption", with(kRsa, "key_ops", json::Array{"encrypt", "wrapKey"}), "not_for_signatures"},
    Case{"operations_empty", with(kEc, "key_ops", json::Array{}), "not_for_signatures"},
    Case{"operations_a_string", with(kEc, "key_ops", "verify"), "malformed"},
    Case{"use_and_operations_disagree", with(with(kEc, "use", "enc"), "key_ops", json::Array{"verify"}), "not_for_signatures"},
    Case{"private_ec", with(kEc, "d", "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"), "has_private_part"},
    Case{"private_okp", with(kOkp, "d", "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"), "has_private_part"},
    Case{"private_rsa_factor", with(kRsa, "p", "AQAB"), "has_private_part"},
    Case{"private_part_of_a_wrong_type", with(kEc, "d", nullptr), "has_private_part"},
    Case{"ec_with_a_secret", with(kEc, "k", "c2VjcmV0"), "has_private_part"},
    Case{"off_the_curve", with(kEc, "y", *kEc.find_string("x")), "not_on_curve"},
    Case{"curve_of_another_size", with(kEc, "crv", "P-384"), "malformed"},
    Case{"curve_not_ours", with(kEc, "crv", "secp256k1"), "unsupported"},
    Case{"curve_for_exchange", with(kOkp, "crv", "X25519"), "unsupported"},
    Case{"curve_missing", without(kEc, "crv"), "malformed"},
    Case{"coordinate_missing", without(kEc, "y"), "malformed"},
    Case{"coordinate_padded", with(kEc, "x", *kEc.find_string("x") + "="), "malformed"},
    Case{"coordinate_a_number", with(kEc, "x", 7), "malformed"},
    Case{"rsa_1024", with(kRsa, "n", base64url::encode("\xC1" + std::string(126, 'x') + "y")), "too_small"},
    Case{"rsa_exponent_one", with(kRsa, "e", "AQ"), "malformed"},
    Case{"rsa_modulus_missing", without(kRsa, "n"), "malformed"},
    Case{"ed25519_of_small_order", with(kOkp, "x", base64url::encode(std::string(32, '\0'))), "weak"},
    Case{"algorithm_of_another_type", with(kEc, "alg", "RS256"), "malformed"},
    Case{"algorithm_of_another_curve", with(kEc, "alg", "ES384"), "malformed"},
    Case{"algorithm_symmetric", with(kRsa, "alg", "HS256"), "unsupported"},
    Case{"algorithm_none", with(kRsa, "alg", "none"), "unsupported"},
    Case{"algorithm_for_encryption", with(kRsa, "alg", "RSA-OAEP"), "unsupported"},
    Case{"algorithm_no_string", with(kEc, "alg", 256), "malformed"},
    Case{"kid_no_string", with(kEc, "kid", 1), "malformed"},
    Case{"kid_empty", with(kEc, "kid", ""), "malformed"},
    Case{"kid_too_long", with(kEc, "kid", std::string(257, 'k')), "malformed"},
    Case{"type_unknown", with(kEc, "kty", "AKP"), "unsupported"},
    Case{"type_missing", without(kEc, "kty"), "malformed"},
    Case{"type_in_lower_case", with(kEc, "kty", "ec"), "unsupported"},
    Case{"no_object", json::Value("key"), "malformed"}), [](const auto& row) { return row.param.name; });

TEST(Thumbprint, IsThatOfRfc7638AndRfc8037) {
  EXPECT_EQ(thumbprint(parse_jwk(kRsa)->key), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
  EXPECT_EQ(thumbprint(parse_jwk(kOkp)->key), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

TEST(Thumbprint, CountsRequiredMembersOnly) {
  const std::string plain = thumbprint(parse_jwk(kEc)->key);
  EXPECT_EQ(thumbprint(parse_jwk(with(with(kEc, "kid", "k"), "alg", "ES256"))->key), plain);
  EXPECT_NE(thumbprint(parse_jwk(kOkp)->key), plain);
}

TEST(Jwk, WhatIsWrittenReadsBack) {
  for (const Algorithm algorithm : {Algorithm::es256, Algorithm::es384, Algorithm::rs256, Algorithm::ps256, Algorithm::eddsa}) {
    const Jwk jwk{"kid", algorithm, crypto::PrivateKey::generate(algorithm).public_key()};
    const json::Value written = to_json(jwk);
    EXPECT_EQ(*written.find_string("use"), "sig");
    const auto read = parse_jwk(written);
    ASSERT_TRUE(read) << json::write(written);
    EXPECT_EQ(read->kid, "kid");
    EXPECT_EQ(read->algorithm, algorithm);
    EXPECT_EQ(thumbprint(read->key), thumbprint(jwk.key));
  }
}

// ---- sets

TEST(KeySet, KeepsTheUsableKeysInOrder) {
  const json::Value set{{"keys", json::Array{with(kEc, "kid", "a"), json::Value{{"kty", "oct"}, {"k", "x"}}, "no key", with(kRsa, "kid", "b"), with(kOkp, "use", "enc")}}};
  const auto keys = KeySet::parse(json::write(set));
  ASSERT_TRUE(keys);
  ASSERT_EQ(keys->keys().size(), 2U);
  EXPECT_EQ(keys->keys()[0].kid, "a");
  EXPECT_EQ(keys->keys()[1].kid, "b");
}

TEST(KeySet, WithNothingUsableIsEmptyButASet) {
  const auto keys = KeySet::parse(R"({"keys":[{"kty":"oct","k":"x"}]})");
  ASSERT_TRUE(keys);
  EXPECT_TRUE(keys->empty());
}

TEST(KeySet, WhatIsNoSetIsAbsent) {
  json::Array many;
  for (int i = 0; i < 101; ++i) many.push_back(kOkp);
  for (const std::string& text : {std::string(), std::string("<html>"), std::string("[]"), std::string("{}"), std::string(R"({"keys":{}})"), std::string(R"({"keys":[],"keys":[]})"),
                                  std::string(R"({"keys":[]}x)"), std::string(200'000, '[') + std::string(200'000, ']'), json::write(json::Value{{"keys", std::move(many)}})})
    EXPECT_FALSE(KeySet::parse(text)) << text.substr(0, 40);
}

TEST(KeySet, AKeyIsFoundOnlyWhenKidTypeAndAlgorithmAgree) {
  const KeySet keys({*parse_jwk(with(kEc, "kid", "ec")), *parse_jwk(with(with(kRsa, "kid", "rsa"), "alg", "RS256"))});
  EXPECT_NE(keys.find("ec", Algorithm::es256), nullptr);
  EXPECT_EQ(keys.find("ec", Algorithm::rs256), nullptr);
  EXPECT_EQ(keys.find("ec", Algorithm::es384), nullptr);
  EXPECT_NE(keys.find("rsa", Algorithm::rs256), nullptr);
  EXPECT_EQ(keys.find("rsa", Algorithm::ps256), nullptr) << "the key says RS256";
  EXPECT_EQ(keys.find("Ec", Algorithm::es256), nullptr);
  EXPECT_NE(keys.find(std::nullopt, Algorithm::es256), nullptr);
  EXPECT_EQ(keys.find(std::nullopt, Algorithm::eddsa), nullptr);
}

TEST(KeySet, OfKeysThatShareAKidTheTypeDecides) {
  const KeySet keys({*parse_jwk(with(kEc, "kid", "k")), *parse_jwk(with(kOkp, "kid", "k"))});
  EXPECT_EQ(keys.find("k", Algorithm::es256)->key.parameters().kty, "EC");
  EXPECT_EQ(keys.find("k", Algorithm::eddsa)->key.parameters().kty, "OKP");
}

TEST(KeySet, AKeyWithoutKidIsNotTheOneThatATokenNames) {
  const KeySet keys({*parse_jwk(kEc)});
  EXPECT_EQ(keys.find("named", Algorithm::es256), nullptr);
  EXPECT_NE(keys.find(std::nullopt, Algorithm::es256), nullptr);
}

}  // namespace
}  // namespace writ::jose
