// Project Wycheproof's vectors against our verification: what is marked valid must verify, all else must not (J3, J4).

#include <gtest/gtest.h>

#include "crypto/key.h"
#include "encoding/json.h"
#include "encoding/shared_files_fixture.h"

namespace writ::crypto {
namespace {

std::string unhex(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) bytes += static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16));
  return bytes;
}
// Wycheproof writes big numbers with the sign byte of a Java BigInteger.
std::string unhex_number(std::string_view text, std::size_t width = 0) {
  std::string bytes = unhex(text);
  bytes.erase(0, bytes.find_first_not_of('\0'));
  return width > bytes.size() ? std::string(width - bytes.size(), '\0') + bytes : bytes;
}

json::Value load(const std::filesystem::path& file) {
  auto value = json::parse(test::read_file(file), {.bytes_max = 4 << 20, .depth_max = 32, .members_max = 100'000});
  EXPECT_TRUE(value) << file;
  return value ? std::move(*value) : json::Value();
}

using MakeKey = Result<PublicKey, KeyProblem> (*)(const json::Value& group);

Result<PublicKey, KeyProblem> ec_key(const json::Value& group) {
  const json::Value& key = *group.find("publicKey");
  return PublicKey::from_ec("P-256", unhex_number(*key.find_string("wx"), 32), unhex_number(*key.find_string("wy"), 32));
}
Result<PublicKey, KeyProblem> ed_key(const json::Value& group) { return PublicKey::from_ed25519(unhex(*group.find("publicKey")->find_string("pk"))); }
Result<PublicKey, KeyProblem> rsa_key(const json::Value& group) {
  const json::Value& key = *group.find("publicKey");
  return PublicKey::from_rsa(unhex_number(*key.find_string("modulus")), unhex_number(*key.find_string("publicExponent")));
}

// Our PS256 is the one parameter set of RFC 7518 §3.5; every other valid PSS signature is none of ours.
bool is_ps256(const json::Value& group) {
  return *group.find_string("sha") == "SHA-256" && *group.find_string("mgfSha") == "SHA-256" && *group.find_int("sLen") == 32;
}

struct File {
  std::string name;
  Algorithm algorithm;
  MakeKey make_key;
  int cases, valid;   // valid for us
};
void PrintTo(const File& file, std::ostream* out) { *out << file.name; }

class Wycheproof : public testing::TestWithParam<File> {};
TEST_P(Wycheproof, EveryCaseIsAnsweredAsMarked) {
  const auto folder = test::shared_folder("security/wycheproof");
  WRIT_SKIP_WITHOUT(folder);
  const json::Value file = load(*folder / (GetParam().name + ".json"));
  int cases = 0;
  int valid = 0;
  for (const json::Value& group : *file.find_array("testGroups")) {
    const auto key = GetParam().make_key(group);
    ASSERT_TRUE(key) << to_string(key.error());
    const bool is_ours = GetParam().algorithm != Algorithm::ps256 || is_ps256(group);
    for (const json::Value& row : *group.find_array("tests")) {
      const bool expected = is_ours && *row.find_string("result") == "valid";
      EXPECT_EQ(key->verify(GetParam().algorithm, unhex(*row.find_string("msg")), unhex(*row.find_string("sig"))), expected)
          << "tcId " << *row.find_int("tcId") << " " << *row.find_string("comment");
      ++cases;
      valid += expected ? 1 : 0;
    }
  }
  EXPECT_EQ(cases, GetParam().cases);
  EXPECT_EQ(valid, GetParam().valid);
}

INSTANTIATE_TEST_SUITE_P(Files, Wycheproof, testing::Values(
    File{"ecdsa_secp256r1_sha256_p1363_test", Algorithm::es256, ec_key, 262, 173},
    File{"ed25519_test", Algorithm::eddsa, ed_key, 151, 88},
    File{"rsa_pss_2048_sha256_mgf1_32_test", Algorithm::ps256, rsa_key, 108, 63},
    File{"rsa_pss_3072_sha256_mgf1_32_test", Algorithm::ps256, rsa_key, 108, 63},
    File{"rsa_pss_4096_sha256_mgf1_32_test", Algorithm::ps256, rsa_key, 108, 63},
    File{"rsa_pss_2048_sha384_mgf1_48_test", Algorithm::ps256, rsa_key, 141, 0},
    File{"rsa_pss_4096_sha512_mgf1_32_test", Algorithm::ps256, rsa_key, 177, 0},
    File{"rsa_pss_4096_sha512_mgf1_64_test", Algorithm::ps256, rsa_key, 179, 0},
    File{"rsa_pss_misc_test", Algorithm::ps256, rsa_key, 150, 1}), [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace writ::crypto
