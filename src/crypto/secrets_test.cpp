// Hashes, randomness, passwords and sealed values.

#include <gtest/gtest.h>

#include <chrono>
#include <set>

#include "crypto/hash.h"
#include "crypto/password.h"
#include "crypto/random.h"
#include "crypto/seal.h"

namespace writ::crypto {
namespace {

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) text += {kDigits[static_cast<unsigned char>(byte) >> 4], kDigits[static_cast<unsigned char>(byte) & 15]};
  return text;
}

TEST(Hash, KnownAnswers) {
  EXPECT_EQ(hex(sha256_bytes("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256_bytes("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const Sha256 array = sha256("abc");
  EXPECT_EQ(std::string(array.begin(), array.end()), sha256_bytes("abc"));
}

TEST(Hmac, KnownAnswersAndNoMemoryOfTheLastKey) {
  // RFC 4231, test case 2
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  // An empty key must not fall back on the previous one.
  EXPECT_EQ(hex(hmac_sha256("", "")), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(ConstantTimeEqual, ComparesAllBytesAndLengths) {
  EXPECT_TRUE(constant_time_equal("", ""));
  EXPECT_TRUE(constant_time_equal("same", "same"));
  EXPECT_FALSE(constant_time_equal("same", "sama"));
  EXPECT_FALSE(constant_time_equal("same", "tame"));
  EXPECT_FALSE(constant_time_equal("same", "same "));
  EXPECT_FALSE(constant_time_equal("", "x"));
}

TEST(Random, TokensAreLongAndDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(random_token()).second);
  EXPECT_EQ(random_token().size(), 22U);
  EXPECT_EQ(random_token(32).size(), 43U);
  EXPECT_EQ(random_bytes(0), "");
  EXPECT_EQ(random_bytes(100'000).size(), 100'000U);
}

TEST(Password, VerifiesOnlyTheOneThatWasHashed) {
  const std::string hash = hash_password(Secret("correct horse"));
  EXPECT_TRUE(hash.starts_with("$argon2id$v=19$m=65536,t=3,p=1$")) << hash;
  EXPECT_TRUE(verify_password(Secret("correct horse"), hash));
  EXPECT_FALSE(verify_password(Secret("correct horsf"), hash));
  EXPECT_FALSE(verify_password(Secret("correct horse "), hash));
  EXPECT_FALSE(verify_password(Secret(std::string("correct horse\0x", 15)), hash));
  EXPECT_FALSE(verify_password(Secret(""), hash));
  EXPECT_NE(hash, hash_password(Secret("correct horse"))) << "salted";
}

TEST(Password, NoPasswordMatchesTheUnmatchableHash) {
  EXPECT_FALSE(verify_password(Secret(""), unmatchable_password_hash()));
  EXPECT_EQ(unmatchable_password_hash().substr(0, 31), hash_password(Secret("x")).substr(0, 31)) << "costs the same";
}

TEST(Password, HashesThatAreMalformedOrTooDearAreRefusedAtOnce) {
  const std::string good = hash_password(Secret("x"));
  const std::string tail = good.substr(good.find("$m=") + std::string("$m=65536,t=3,p=1").size());
  const auto start = std::chrono::steady_clock::now();
  for (const std::string& bad : {std::string(), std::string("x"), std::string("$argon2id$"), "$argon2i$v=19$m=65536,t=3,p=1" + tail, "$argon2id$v=16$m=65536,t=3,p=1" + tail,
                                 "$argon2id$v=19$m=4294967295,t=3,p=1" + tail, "$argon2id$v=19$m=99999999999,t=3,p=1" + tail, "$argon2id$v=19$m=65536,t=4000000000,p=1" + tail,
                                 "$argon2id$v=19$m=65536,t=3,p=255" + tail, "$argon2id$v=19$m=-1,t=3,p=1" + tail, good.substr(0, 40), good + std::string("\0x", 2)})
    EXPECT_FALSE(verify_password(Secret("x"), bad)) << bad;
  EXPECT_FALSE(verify_password(Secret(std::string(1025, 'x')), good));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

class Seal : public testing::Test {
 protected:
  const SealingKey key_{Secret(std::string(32, 'k'))};
  const std::string sealed_ = key_.seal("the secret", "purpose");
};

TEST_F(Seal, OpensForItsPurposeAndKeyOnly) {
  const auto opened = key_.open(sealed_, "purpose");
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->reveal(), "the secret");
  EXPECT_FALSE(key_.open(sealed_, "purposf"));
  EXPECT_FALSE(key_.open(sealed_, ""));
  EXPECT_FALSE(SealingKey(Secret(std::string(32, 'l'))).open(sealed_, "purpose"));
}

TEST_F(Seal, EmptyAndLargeValuesOpenToo) {
  const std::string large(1 << 20, 'x');
  EXPECT_EQ(key_.open(key_.seal(large, "p"), "p")->reveal(), large);
  EXPECT_EQ(key_.open(key_.seal("", ""), "")->reveal(), "");
}

TEST_F(Seal, EveryFlippedBitAndEveryCutIsRefused) {
  for (std::size_t bit = 0; bit < sealed_.size() * 8; ++bit) {
    std::string flipped = sealed_;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(key_.open(flipped, "purpose")) << "bit " << bit;
  }
  for (std::size_t length = 0; length < sealed_.size(); ++length) EXPECT_FALSE(key_.open(sealed_.substr(0, length), "purpose")) << length;
  EXPECT_FALSE(key_.open(sealed_ + '\0', "purpose"));
}

TEST_F(Seal, TheSameValueIsNeverSealedAlike) {
  EXPECT_NE(key_.seal("the secret", "purpose"), sealed_);
  EXPECT_EQ(sealed_.find("the secret"), std::string::npos);
}

}  // namespace
}  // namespace writ::crypto
