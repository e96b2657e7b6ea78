#include "jose/jwe.h"

#include <gtest/gtest.h>

#include "crypto/key_encryption.h"
#include "encoding/base64url.h"
#include "jose/jwk.h"

namespace writ::jose {
namespace {

constexpr const char* kJwt = "eyJhbGciOiJFUzI1NiJ9.e30.AAAA";

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out += static_cast<char>(value);
  return out;
}
std::string unhex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}
// A P-256 key from its JWK members, as SEC1 in PEM.
crypto::PrivateKey private_key(const char* x, const char* y, const char* d) {
  const std::string point = "\x04" + *base64url::decode(x) + *base64url::decode(y);
  const std::string oid("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10);
  std::string body = bytes({2, 1, 1, 4, 32}) + *base64url::decode(d) + bytes({0xa0, 10}) + oid + bytes({0xa1, 68, 3, 66, 0}) + point;
  const std::string pem = "-----BEGIN EC PRIVATE KEY-----\n" + base64::encode(bytes({0x30, static_cast<int>(body.size())}) + body) + "\n-----END EC PRIVATE KEY-----\n";
  return *crypto::PrivateKey::from_pem(Secret(pem));
}

// RFC 7518, Appendix C
const crypto::PrivateKey& alice() {
  static const auto key = private_key("gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0", "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps", "0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo");
  return key;
}
const crypto::PrivateKey& bob() {
  static const auto key = private_key("weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ", "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck", "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw");
  return key;
}

TEST(KeyAgreement, IsThatOfTheSpecificationsExample) {
  const auto agreed = crypto::agree(alice(), bob().public_key());
  ASSERT_TRUE(agreed);
  EXPECT_EQ(agreed->reveal(), bytes({158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156, 251, 49, 110, 163, 218, 128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196}));
  EXPECT_EQ(base64url::encode(crypto::derive_key(*agreed, "A128GCM", "Alice", "Bob", 16).reveal()), "VqqN6vgjbSBcIijNcacQGg");
  EXPECT_EQ(crypto::agree(bob(), alice().public_key())->reveal(), agreed->reveal());
}
TEST(KeyAgreement, NeedsTwoKeysOfOneCurve) {
  EXPECT_FALSE(crypto::agree(alice(), crypto::PrivateKey::generate(crypto::Algorithm::es384).public_key()));
  EXPECT_FALSE(crypto::agree(alice(), crypto::PrivateKey::generate(crypto::Algorithm::eddsa).public_key()));
}

TEST(KeyWrap, IsThatOfTheSpecificationsExample) {   // RFC 3394 §4.6
  const Secret under(unhex("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"));
  const std::string key = unhex("00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F");
  const std::string wrapped = unhex("28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21");
  EXPECT_EQ(crypto::wrap_key(under, Secret(key)), wrapped);
  EXPECT_EQ(crypto::unwrap_key(under, wrapped)->reveal(), key);
  for (std::size_t i = 0; i < wrapped.size(); ++i) {
    std::string damaged = wrapped;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_FALSE(crypto::unwrap_key(under, damaged)) << i;
    EXPECT_FALSE(crypto::unwrap_key(under, wrapped.substr(0, i))) << i;
  }
}

const std::vector<DecryptionKey>& our_keys() {
  static const std::vector<DecryptionKey> keys = {{"e1", crypto::PrivateKey::generate(crypto::Algorithm::es256)},
                                                  {"e2", crypto::PrivateKey::generate(crypto::Algorithm::es384)},
                                                  {"r1", crypto::PrivateKey::generate(crypto::Algorithm::rs256)}};
  return keys;
}
EncryptionKey to(std::size_t index, KeyManagement algorithm) {
  EncryptionKey key = public_half(our_keys()[index]);
  key.algorithm = algorithm;
  return key;
}
std::string outcome(std::string_view compact) {
  const auto opened = decrypt(compact, our_keys());
  return opened ? *opened : std::string(to_string(opened.error()));
}

TEST(Jwe, OpensWhatWasEncryptedToUs) {
  for (const auto& [index, algorithm] : {std::pair<std::size_t, KeyManagement>(0, KeyManagement::ecdh_es), {0, KeyManagement::ecdh_es_a256kw}, {1, KeyManagement::ecdh_es}, {1, KeyManagement::ecdh_es_a256kw},
                                         {2, KeyManagement::rsa_oaep_256}}) {
    const std::string compact = encrypt(to(index, algorithm), "oauth-id-jag+jwt", kJwt);
    EXPECT_TRUE(is_encrypted(compact));
    EXPECT_EQ(outcome(compact), kJwt) << to_string(algorithm);
    const auto header = json::parse(*base64url::decode(compact.substr(0, compact.find('.'))));
    EXPECT_EQ(*header->find_string("cty"), "JWT");
    EXPECT_EQ(*header->find_string("enc"), "A256GCM");
    EXPECT_EQ(*header->find_string("kid"), our_keys()[index].kid);
  }
}

TEST(Jwe, EveryPartIsAuthenticated) {
  for (const std::size_t index : {0U, 2U}) {
    const std::string compact = encrypt(public_half(our_keys()[index]), "oauth-id-jag+jwt", kJwt);
    const std::size_t header = compact.find('.');
    for (std::size_t i = 0; i < compact.size(); ++i) {
      if (compact[i] == '.') continue;
      std::string damaged = compact;
      damaged[i] = damaged[i] == 'A' ? 'B' : 'A';
      EXPECT_NE(outcome(damaged), kJwt) << i;
      if (i > header) {
        EXPECT_TRUE(outcome(damaged) == "jwe_cannot_decrypt" || outcome(damaged) == "jwe_not_compact") << outcome(damaged);
      }
      EXPECT_NE(outcome(compact.substr(0, i)), kJwt) << i;
    }
  }
}

TEST(Jwe, ForSomebodyElseIsNotOpened) {
  const DecryptionKey other{"e1", crypto::PrivateKey::generate(crypto::Algorithm::es256)};
  EXPECT_EQ(outcome(encrypt(public_half(other), "t", kJwt)), "jwe_cannot_decrypt");
  const DecryptionKey rsa{"r1", crypto::PrivateKey::generate(crypto::Algorithm::rs256)};
  EXPECT_EQ(outcome(encrypt(public_half(rsa), "t", kJwt)), "jwe_cannot_decrypt");
  const DecryptionKey unknown{"e9", our_keys()[0].key};
  EXPECT_EQ(outcome(encrypt(public_half(unknown), "t", kJwt)), "jwe_unknown_key");
}

// ---- headers, one change each; nothing of these is ever decrypted

struct Row {
  const char* name;
  std::string header;
  const char* outcome;
};
class JweHeader : public testing::TestWithParam<Row> {};
TEST_P(JweHeader, IsReadStrictly) {
  const std::string rest = "." + base64url::encode(std::string(40, 'k')) + "." + base64url::encode(std::string(12, 'n')) + ".AAAA." + base64url::encode(std::string(16, 't'));
  EXPECT_EQ(outcome(base64url::encode(GetParam().header) + rest), GetParam().outcome);
}
const std::string kEpk = R"("epk":{"kty":"EC","crv":"P-256","x":"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0","y":"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps"})";
std::string header(const std::string& alg, const std::string& more = "," + kEpk, const std::string& enc = "A256GCM") {
  return R"({"alg":")" + alg + R"(","enc":")" + enc + R"(","cty":"JWT","kid":"e1")" + more + "}";
}
INSTANTIATE_TEST_SUITE_P(
    OneChange, JweHeader,
    testing::Values(Row{"unchanged", header("ECDH-ES+A256KW"), "jwe_cannot_decrypt"}, Row{"password", header("PBES2-HS256+A128KW", R"(,"p2c":2000000000,"p2s":"AAAA")"), "jwe_algorithm_not_allowed"},
                    Row{"rsa15", header("RSA1_5"), "jwe_algorithm_not_allowed"}, Row{"oaep_with_sha1", header("RSA-OAEP"), "jwe_algorithm_not_allowed"}, Row{"direct", header("dir"), "jwe_algorithm_not_allowed"},
                    Row{"symmetric", header("A256KW"), "jwe_algorithm_not_allowed"}, Row{"none", header("none"), "jwe_algorithm_not_allowed"}, Row{"a128kw", header("ECDH-ES+A128KW"), "jwe_algorithm_not_allowed"},
                    Row{"cbc", header("ECDH-ES+A256KW", "," + kEpk, "A256CBC-HS512"), "jwe_encryption_not_allowed"}, Row{"compressed", header("ECDH-ES+A256KW", R"(,"zip":"DEF",)" + kEpk), "jwe_has_crit"},
                    Row{"critical", header("ECDH-ES+A256KW", R"(,"crit":["exp"],)" + kEpk), "jwe_has_crit"}, Row{"kid_is_a_number", R"({"alg":"ECDH-ES","enc":"A256GCM","cty":"JWT","kid":1})", "jwe_bad_kid"},
                    Row{"not_nested", R"({"alg":"ECDH-ES","enc":"A256GCM","kid":"e1"})", "jwe_not_nested"}, Row{"alg_twice", R"({"alg":"ECDH-ES","alg":"ECDH-ES","enc":"A256GCM","cty":"JWT"})", "jwe_header_not_json"},
                    Row{"no_ephemeral_key", header("ECDH-ES+A256KW", ""), "jwe_bad_ephemeral_key"},
                    Row{"ephemeral_key_off_the_curve", header("ECDH-ES+A256KW", R"(,"epk":{"kty":"EC","crv":"P-256","x":"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0","y":"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0"})"), "jwe_bad_ephemeral_key"},
                    Row{"ephemeral_key_is_rsa", header("ECDH-ES+A256KW", R"(,"epk":{"kty":"RSA","n":"AQAB","e":"AQAB"})"), "jwe_bad_ephemeral_key"},
                    Row{"a_wrapped_key_where_none_is", header("ECDH-ES"), "jwe_not_compact"}, Row{"rsa_for_a_curve", header("RSA-OAEP-256"), "jwe_unknown_key"},
                    Row{"party_is_no_base64url", header("ECDH-ES+A256KW", R"(,"apu":"=",)" + kEpk), "jwe_header_not_json"}, Row{"not_json", "x", "jwe_header_not_json"}),
    [](const auto& row) { return row.param.name; });

TEST(Jwe, OtherSerialisationsAreNone) {
  for (const char* text : {"", ".", "....", "a.b.c", "a.b.c.d", "a.b.c.d.e.f", "{\"ciphertext\":\"\"}", "e30=..AA.AA.AA"}) EXPECT_TRUE(outcome(text) == "jwe_not_compact" || outcome(text) == "jwe_header_not_json") << text;
  EXPECT_EQ(outcome(std::string(40'000, 'A') + "...."), "jwe_too_large");
}

TEST(EncryptionKeys, AreChosenFromAPublishedSet) {
  const auto set = [](std::vector<json::Value> keys) { return json::write(json::Value{{"keys", json::Array(keys.begin(), keys.end())}}); };
  const json::Value ec = to_json(public_half(our_keys()[0])), rsa = to_json(public_half(our_keys()[2])), signing = to_json(Jwk{"s", std::nullopt, our_keys()[0].key.public_key()});
  EXPECT_EQ(choose_encryption_key(set({signing, ec}))->kid, "e1");
  EXPECT_EQ(choose_encryption_key(set({rsa, ec}))->algorithm, KeyManagement::rsa_oaep_256);
  json::Value direct = ec, plain = ec, other = ec;
  direct.set("alg", "ECDH-ES"), plain.erase("use"), plain.erase("alg"), other.set("alg", "ECDH-ES+A128KW");
  EXPECT_EQ(choose_encryption_key(set({direct}))->algorithm, KeyManagement::ecdh_es);
  EXPECT_EQ(choose_encryption_key(set({plain}))->algorithm, KeyManagement::ecdh_es_a256kw);
  EXPECT_FALSE(choose_encryption_key(set({other})));
  EXPECT_FALSE(choose_encryption_key(set({signing})));
  EXPECT_FALSE(choose_encryption_key(set({})));
  EXPECT_FALSE(choose_encryption_key("{}"));
}

}  // namespace
}  // namespace writ::jose
