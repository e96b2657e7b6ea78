#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "crypto/key.h"
#include "crypto/password.h"
#include "crypto/seal.h"

namespace writ::crypto {
namespace {

class SigningAndVerifying : public testing::TestWithParam<Algorithm> {};

TEST_P(SigningAndVerifying, RoundTrip) {
  const PrivateKey key = PrivateKey::generate(GetParam());
  for (int i = 0; i < 3; ++i) {
    const std::string signature = key.sign(GetParam(), "message");
    EXPECT_TRUE(key.public_key().verify(GetParam(), "message", signature));
    EXPECT_FALSE(key.public_key().verify(GetParam(), "messagf", signature));
  }
  const auto loaded = PrivateKey::from_pem(key.to_pem());
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(key.public_key().verify(GetParam(), "message", loaded->sign(GetParam(), "message")));
}

INSTANTIATE_TEST_SUITE_P(Algorithms, SigningAndVerifying,
                         testing::Values(Algorithm::es256, Algorithm::es384, Algorithm::rs256, Algorithm::ps256, Algorithm::eddsa),
                         [](const auto& row) { return std::string(to_string(row.param)); });

TEST(Password, RoundTrip) {
  const std::string hash = hash_password(Secret("correct horse"));
  EXPECT_TRUE(verify_password(Secret("correct horse"), hash));
  EXPECT_FALSE(verify_password(Secret("correct horsf"), hash));
}

TEST(Seal, OpensForItsPurposeOnly) {
  const SealingKey key(Secret(std::string(32, 'k')));
  const std::string sealed = key.seal("secret", "purpose");
  const auto opened = key.open(sealed, "purpose");
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->reveal(), "secret");
  EXPECT_FALSE(key.open(sealed, "other"));
}

}  // namespace
}  // namespace writ::crypto
