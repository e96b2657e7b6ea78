#include <gtest/gtest.h>

#include "jose/jwt.h"

namespace writ::jose {
namespace {

TEST(Jwt, SignedAndVerified) {
  const SigningKey key{"k1", crypto::Algorithm::es256, crypto::PrivateKey::generate(crypto::Algorithm::es256)};
  const std::string token = sign(key, "at+jwt", json::Value{{"sub", "alice"}});
  auto unverified = UnverifiedJwt::parse(token);
  ASSERT_TRUE(unverified);
  EXPECT_TRUE(unverified->has_type("application/AT+JWT"));
  const auto set = KeySet::parse(json::write(to_json(KeySet({key.public_jwk()}))));
  ASSERT_TRUE(set);
  const crypto::Algorithm allowed[] = {crypto::Algorithm::es256};
  const auto verified = VerifiedJwt::verify(*unverified, *set, allowed);
  ASSERT_TRUE(verified) << to_string(verified.error());
  EXPECT_EQ(*verified->claims().find_string("sub"), "alice");
}

}  // namespace
}  // namespace writ::jose
