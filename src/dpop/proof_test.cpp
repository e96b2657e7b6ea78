// Every check of RFC 9449 §4.3: absent, of a wrong type, of a wrong value, twice. One change to a good proof per row.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "dpop/proof_fixture.h"

namespace writ::dpop::test {
namespace {

Expectations expected() { return {"POST", kUrl, kToken, from_unix_seconds(kNow), Seconds{300}}; }

std::string outcome(const std::string& text, const Expectations& expectations) {
  const auto proof = parse_proof(text);
  if (!proof) return std::string(to_string(proof.error()));
  const auto used = check_use(*proof, expectations);
  return used ? "accepted" : std::string(to_string(used.error()));
}

struct Row {
  const char* name;
  std::function<void(Made&)> change;
  const char* outcome;
};
class ProofCheck : public testing::TestWithParam<Row> {};

TEST_P(ProofCheck, comes_out_so) {
  Made made;
  GetParam().change(made);
  EXPECT_EQ(outcome(made.text(), expected()), GetParam().outcome);
}

Row header(const char* name, const char* member, const std::string& value, const char* outcome) {
  return {name, [=](Made& m) { set(m.header, member, value); }, outcome};
}
Row claim(const char* name, const char* member, const std::string& value, const char* outcome) {
  return {name, [=](Made& m) { set(m.claims, member, value); }, outcome};
}
Row no_header(const char* name, const char* member, const char* outcome) { return {name, [=](Made& m) { remove(m.header, member); }, outcome}; }
Row no_claim(const char* name, const char* member, const char* outcome) { return {name, [=](Made& m) { remove(m.claims, member); }, outcome}; }
Row twice(const char* name, const char* member) { return {name, [=](Made& m) { repeat(m.header, member), repeat(m.claims, member); }, "dpop_malformed"}; }

void sign_with(Made& made, crypto::Algorithm algorithm) {
  made.signer = crypto::PrivateKey::generate(algorithm);
  made.algorithm = algorithm;
  set(made.header, "alg", quoted(std::string(crypto::to_string(algorithm))));
  set(made.header, "jwk", json::write(jose::to_json(made.signer.public_key())));
}
Row signed_with(const char* name, crypto::Algorithm algorithm) { return {name, [=](Made& m) { sign_with(m, algorithm); }, "accepted"}; }

// The public key with one member changed; null takes it out.
Row jwk(const char* name, const char* member, const json::Value& value, const char* outcome) {
  return {name,
          [=](Made& m) {
            const json::Value whole = jose::to_json(key().public_key());
            json::Object members;
            for (const auto& known : *whole.as_object())
              if (known.name != member) members.push_back(known);
            if (!value.is_null()) members.push_back({member, value});
            set(m.header, "jwk", json::write(json::Value(members)));
          },
          outcome};
}

const std::string kOtherPoint = base64url::encode(std::string(32, '\x07'));
const char* const kHttpUrl = R"("http://writ.example/idp/token")";

INSTANTIATE_TEST_SUITE_P(
    EachCheck, ProofCheck,
    testing::Values(
        Row{"good", [](Made&) {}, "accepted"},
        // typ
        no_header("typ_absent", "typ", "dpop_wrong_type"), header("typ_number", "typ", "1", "dpop_wrong_type"),
        header("typ_plain_jwt", "typ", R"("JWT")", "dpop_wrong_type"), header("typ_access_token", "typ", R"("at+jwt")", "dpop_wrong_type"),
        header("typ_client_assertion", "typ", R"("client-authentication+jwt")", "dpop_wrong_type"),
        header("typ_in_capitals", "typ", R"("DPoP+JWT")", "accepted"), twice("typ_twice", "typ"),
        // alg
        no_header("alg_absent", "alg", "dpop_algorithm_not_allowed"), header("alg_number", "alg", "7", "dpop_algorithm_not_allowed"),
        header("alg_none", "alg", R"("none")", "dpop_algorithm_not_allowed"), header("alg_symmetric", "alg", R"("HS256")", "dpop_algorithm_not_allowed"),
        header("alg_of_another_curve", "alg", R"("ES384")", "dpop_key_unusable"), header("alg_of_another_kind", "alg", R"("RS256")", "dpop_key_unusable"),
        twice("alg_twice", "alg"), signed_with("alg_es384", crypto::Algorithm::es384), signed_with("alg_rs256", crypto::Algorithm::rs256),
        signed_with("alg_ps256", crypto::Algorithm::ps256), signed_with("alg_eddsa", crypto::Algorithm::eddsa),
        // jwk
        no_header("jwk_absent", "jwk", "dpop_key_absent"), header("jwk_text", "jwk", R"("key")", "dpop_key_absent"),
        header("jwk_array", "jwk", "[]", "dpop_key_absent"), header("jwk_empty", "jwk", "{}", "dpop_key_unusable"),
        header("jwk_symmetric", "jwk", R"({"kty":"oct","k":"AAAA"})", "dpop_key_unusable"), twice("jwk_twice", "jwk"),
        jwk("jwk_with_private_part", "d", json::Value("AAAA"), "dpop_key_private"), jwk("jwk_without_x", "x", json::Value(), "dpop_key_unusable"),
        jwk("jwk_x_number", "x", json::Value(5), "dpop_key_unusable"), jwk("jwk_off_the_curve", "y", json::Value(kOtherPoint), "dpop_key_unusable"),
        jwk("jwk_for_encryption", "use", json::Value("enc"), "dpop_key_unusable"), jwk("jwk_of_another_algorithm", "alg", json::Value("ES384"), "dpop_key_unusable"),
        jwk("jwk_of_this_algorithm", "alg", json::Value("ES256"), "accepted"), jwk("jwk_with_kid", "kid", json::Value("a"), "accepted"),
        // what tells a reader to look elsewhere
        header("crit", "crit", R"(["x"])", "dpop_malformed"),
        // jti
        no_claim("jti_absent", "jti", "dpop_jti_invalid"), claim("jti_number", "jti", "1", "dpop_jti_invalid"),
        claim("jti_empty", "jti", R"("")", "dpop_jti_invalid"), claim("jti_too_long", "jti", quoted(std::string(257, 'a')), "dpop_jti_invalid"),
        claim("jti_longest", "jti", quoted(std::string(256, 'a')), "accepted"), twice("jti_twice", "jti"),
        // htm
        no_claim("htm_absent", "htm", "dpop_htm_invalid"), claim("htm_number", "htm", "1", "dpop_htm_invalid"),
        claim("htm_other", "htm", R"("GET")", "dpop_wrong_method"), claim("htm_in_small_letters", "htm", R"("post")", "dpop_wrong_method"),
        twice("htm_twice", "htm"),
        // htu
        no_claim("htu_absent", "htu", "dpop_htu_invalid"), claim("htu_array", "htu", "[]", "dpop_htu_invalid"),
        claim("htu_relative", "htu", R"("/idp/token")", "dpop_htu_invalid"), claim("htu_names_a_user", "htu", R"("https://u@writ.example/idp/token")", "dpop_htu_invalid"),
        claim("htu_other_path", "htu", R"("https://writ.example/ras/token")", "dpop_wrong_url"), claim("htu_other_host", "htu", R"("https://evil.example/idp/token")", "dpop_wrong_url"),
        claim("htu_other_scheme", "htu", kHttpUrl, "dpop_wrong_url"), claim("htu_other_port", "htu", R"("https://writ.example:8443/idp/token")", "dpop_wrong_url"),
        claim("htu_with_slash", "htu", R"("https://writ.example/idp/token/")", "dpop_wrong_url"),
        claim("htu_with_query_and_fragment", "htu", R"("https://writ.example/idp/token?a=b#c")", "accepted"),
        claim("htu_in_capitals_with_port", "htu", R"("HTTPS://WRIT.example:443/idp/token")", "accepted"),
        claim("htu_path_in_capitals", "htu", R"("https://writ.example/IDP/token")", "dpop_wrong_url"),
        claim("htu_escaped_letter", "htu", R"("https://writ.example/%69dp/token")", "accepted"),
        claim("htu_escaped_slash", "htu", R"("https://writ.example/idp%2Ftoken")", "dpop_wrong_url"),
        claim("htu_dot_segments", "htu", R"("https://writ.example/x/../idp/token")", "dpop_wrong_url"), twice("htu_twice", "htu"),
        // iat
        no_claim("iat_absent", "iat", "dpop_iat_invalid"), claim("iat_text", "iat", quoted(std::to_string(kNow)), "dpop_iat_invalid"),
        claim("iat_fraction", "iat", "1800000000.5", "dpop_iat_invalid"), claim("iat_negative", "iat", "-1", "dpop_iat_invalid"),
        claim("iat_just_old_enough", "iat", std::to_string(kNow - 300), "accepted"), claim("iat_too_old", "iat", std::to_string(kNow - 301), "dpop_too_old"),
        claim("iat_just_new_enough", "iat", std::to_string(kNow + 300), "accepted"), claim("iat_too_new", "iat", std::to_string(kNow + 301), "dpop_too_new"),
        twice("iat_twice", "iat"),
        // ath
        no_claim("ath_absent", "ath", "dpop_ath_invalid"), claim("ath_number", "ath", "1", "dpop_ath_invalid"), claim("ath_empty", "ath", R"("")", "dpop_wrong_token"),
        claim("ath_of_another_token", "ath", quoted(base64url::encode(crypto::sha256_bytes("another"))), "dpop_wrong_token"),
        claim("ath_padded", "ath", quoted(base64url::encode(crypto::sha256_bytes(kToken)) + "="), "dpop_wrong_token"), twice("ath_twice", "ath"),
        // nonce; whether it is ours is the verifier's question
        claim("nonce_number", "nonce", "1", "dpop_nonce_invalid"), claim("nonce_empty", "nonce", R"("")", "dpop_nonce_invalid"),
        claim("nonce_too_long", "nonce", quoted(std::string(257, 'n')), "dpop_nonce_invalid"), claim("nonce_there", "nonce", R"("n")", "accepted"),
        Row{"nonce_twice", [](Made& m) { set(m.claims, "nonce", R"("n")"), repeat(m.claims, "nonce"); }, "dpop_malformed"},
        // signature
        Row{"signed_by_another_key", [](Made& m) { m.signer = crypto::PrivateKey::generate(crypto::Algorithm::es256); }, "dpop_bad_signature"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Proof, is_refused_with_any_bit_of_its_signature_flipped) {
  const std::string text = Made().text();
  const std::size_t dot = text.rfind('.');
  const auto signature = base64url::decode(text.substr(dot + 1));
  ASSERT_TRUE(signature);
  for (std::size_t bit = 0; bit < signature->size() * 8; ++bit) {
    std::string flipped = *signature;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    EXPECT_EQ(outcome(text.substr(0, dot + 1) + base64url::encode(flipped), expected()), "dpop_bad_signature") << bit;
  }
}

TEST(Proof, is_refused_when_cut_at_any_byte) {
  const std::string text = Made().text();
  for (std::size_t bytes = 0; bytes < text.size(); ++bytes) EXPECT_NE(outcome(text.substr(0, bytes), expected()), "accepted") << bytes;
  EXPECT_EQ(outcome(text + ".x", expected()), "dpop_malformed");
  EXPECT_EQ(outcome(text + ", " + text, expected()), "dpop_malformed");
  EXPECT_EQ(outcome(std::string(8 * 1024 + 1, 'a'), expected()), "dpop_malformed");
}

TEST(Proof, without_an_access_token_needs_no_ath) {
  Made made;
  remove(made.claims, "ath");
  Expectations at_token_endpoint = expected();
  at_token_endpoint.access_token.reset();
  EXPECT_EQ(outcome(made.text(), at_token_endpoint), "accepted");
}

// RFC 7638 §3.1 has this key and this value.
TEST(Proof, thumbprint_is_that_of_the_standard) {
  const auto key = json::parse(
      R"({"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"})");
  ASSERT_TRUE(key);
  const auto jwk = jose::parse_jwk(*key);
  ASSERT_TRUE(jwk);
  EXPECT_EQ(jose::thumbprint(jwk->key), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
  EXPECT_TRUE(is_thumbprint("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
  for (const char* other : {"", "x", "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9X", "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs=", "NzbLsXh8uDCcd-6MNwXF4W/7noWXFZAfHkxZsRGC9Xs"})
    EXPECT_FALSE(is_thumbprint(other)) << other;
}

TEST(ComparableUrl, has_one_spelling) {
  struct Url {
    const char* text;
    std::optional<std::string> comparable;
  };
  for (const auto& [text, comparable] : {Url{"https://a.example", "https://a.example/"}, Url{"https://A.example:443/b%2fc?d#e", "https://a.example/b%2Fc"},
                                         Url{"http://[::1]:80/%7Ex", "http://[::1]/~x"}, Url{"http://a.example:8080/", "http://a.example:8080/"},
                                         Url{"ftp://a.example/", std::nullopt}, Url{"https://u@a.example/", std::nullopt}, Url{"a.example", std::nullopt},
                                         Url{"https://a.example/%2", std::nullopt}})
    EXPECT_EQ(comparable_url(text), comparable) << text;
}

}  // namespace
}  // namespace writ::dpop::test
