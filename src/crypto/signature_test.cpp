#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "crypto/ecdsa_signature.h"
#include "crypto/key.h"

namespace writ::crypto {
namespace {

using namespace std::string_view_literals;

class SigningAndVerifying : public testing::TestWithParam<Algorithm> {
 protected:
  const Algorithm algorithm_ = GetParam();
  const PrivateKey key_ = PrivateKey::generate(algorithm_);
};

TEST_P(SigningAndVerifying, RoundTripAlsoThroughPemAndParameters) {
  for (int i = 0; i < 3; ++i) {   // the second and third use contexts that were prepared by the first
    const std::string signature = key_.sign(algorithm_, "message");
    EXPECT_TRUE(key_.public_key().verify(algorithm_, "message", signature));
    EXPECT_FALSE(key_.public_key().verify(algorithm_, "messagf", signature));
  }
  const auto loaded = PrivateKey::from_pem(key_.to_pem());
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(key_.public_key().verify(algorithm_, "message", loaded->sign(algorithm_, "message")));
  EXPECT_TRUE(loaded->public_key().verify(algorithm_, "", key_.sign(algorithm_, "")));
}

TEST_P(SigningAndVerifying, EveryFlippedBitOfTheSignatureIsRefused) {
  const std::string signature = key_.sign(algorithm_, "message");
  for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
    std::string flipped = signature;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(key_.public_key().verify(algorithm_, "message", flipped)) << "bit " << bit;
  }
}

TEST_P(SigningAndVerifying, EveryOtherLengthIsRefused) {
  const std::string signature = key_.sign(algorithm_, "message");
  for (std::size_t length = 0; length < signature.size(); ++length)
    EXPECT_FALSE(key_.public_key().verify(algorithm_, "message", signature.substr(0, length))) << length;
  EXPECT_FALSE(key_.public_key().verify(algorithm_, "message", signature + '\0'));
  EXPECT_FALSE(key_.public_key().verify(algorithm_, "message", '\0' + signature));
  EXPECT_FALSE(key_.public_key().verify(algorithm_, "message", signature + signature));
}

TEST_P(SigningAndVerifying, AnotherKeyOrAlgorithmDoesNotVerify) {
  const std::string signature = key_.sign(algorithm_, "message");
  EXPECT_FALSE(PrivateKey::generate(algorithm_).public_key().verify(algorithm_, "message", signature));
  for (const Algorithm other : {Algorithm::es256, Algorithm::es384, Algorithm::rs256, Algorithm::ps256, Algorithm::eddsa}) {
    if (other == algorithm_) continue;
    EXPECT_FALSE(key_.public_key().verify(other, "message", signature)) << to_string(other);
  }
}

TEST_P(SigningAndVerifying, TrivialSignaturesAreRefused) {
  const std::size_t size = key_.sign(algorithm_, "message").size();
  std::string one(size, '\0');
  one.back() = 1;
  for (const std::string& trivial : {std::string(size, '\0'), std::string(size, '\xFF'), one}) EXPECT_FALSE(key_.public_key().verify(algorithm_, "message", trivial));
}

TEST_P(SigningAndVerifying, ManyThreadsShareAKey) {
  const PublicKey public_key = key_.public_key();
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        const std::string message = std::to_string(t * 100 + i);
        if (public_key.verify(algorithm_, message, key_.sign(algorithm_, message))) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 100);
}

INSTANTIATE_TEST_SUITE_P(Algorithms, SigningAndVerifying,
                         testing::Values(Algorithm::es256, Algorithm::es384, Algorithm::rs256, Algorithm::ps256, Algorithm::eddsa),
                         [](const auto& row) { return std::string(to_string(row.param)); });

// More keys than a thread keeps contexts for, and keys that go away: a context must never answer for another key.
TEST(PreparedContexts, AreNeverMistakenForThoseOfAnotherKey) {
  const PrivateKey first = PrivateKey::generate(Algorithm::es256);
  const std::string signature = first.sign(Algorithm::es256, "message");
  for (int i = 0; i < 100; ++i) {
    const PrivateKey other = PrivateKey::generate(Algorithm::es256);
    EXPECT_FALSE(other.public_key().verify(Algorithm::es256, "message", signature));
    EXPECT_TRUE(other.public_key().verify(Algorithm::es256, "message", other.sign(Algorithm::es256, "message")));
  }
  EXPECT_TRUE(first.public_key().verify(Algorithm::es256, "message", signature));
}

// ---- encodings of ECDSA signatures (J3, J4), on a group of order 0x7F01 to see every branch

constexpr std::string_view kOrder = "\x7F\x01"sv;

struct JoseCase {
  std::string name;
  std::string_view jose;
  std::optional<std::string_view> der;
};
void PrintTo(const JoseCase& row, std::ostream* out) { *out << row.name; }
class EcdsaFromJose : public testing::TestWithParam<JoseCase> {};
TEST_P(EcdsaFromJose, Der) { EXPECT_EQ(der_from_jose(GetParam().jose, kOrder), GetParam().der); }
INSTANTIATE_TEST_SUITE_P(Rfc7518, EcdsaFromJose, testing::Values(
    JoseCase{"plain", "\x01\x02\x03\x04"sv, "\x30\x08\x02\x02\x01\x02\x02\x02\x03\x04"sv},
    JoseCase{"short_integers_lose_zeros", "\x00\x02\x00\x04"sv, "\x30\x06\x02\x01\x02\x02\x01\x04"sv},
    JoseCase{"high_bit_gains_a_zero", "\x00\x82\x00\x84"sv, "\x30\x08\x02\x02\x00\x82\x02\x02\x00\x84"sv},
    JoseCase{"one_below_the_order", "\x7F\x00\x7F\x00"sv, "\x30\x08\x02\x02\x7F\x00\x02\x02\x7F\x00"sv},
    JoseCase{"r_is_zero", "\x00\x00\x00\x01"sv, std::nullopt},
    JoseCase{"s_is_zero", "\x00\x01\x00\x00"sv, std::nullopt},
    JoseCase{"r_is_the_order", "\x7F\x01\x00\x01"sv, std::nullopt},
    JoseCase{"s_is_the_order", "\x00\x01\x7F\x01"sv, std::nullopt},
    JoseCase{"s_is_above_the_order", "\x00\x01\xFF\xFF"sv, std::nullopt},
    JoseCase{"a_byte_short", "\x01\x02\x03"sv, std::nullopt},
    JoseCase{"a_byte_long", "\x01\x02\x03\x04\x00"sv, std::nullopt},
    JoseCase{"nothing", ""sv, std::nullopt},
    JoseCase{"der", "\x30\x06\x02\x01\x02\x02\x01\x04"sv, std::nullopt}), [](const auto& row) { return row.param.name; });

struct DerCase {
  std::string name;
  std::string_view der;
  std::optional<std::string_view> jose;
};
void PrintTo(const DerCase& row, std::ostream* out) { *out << row.name; }
class EcdsaFromDer : public testing::TestWithParam<DerCase> {};
TEST_P(EcdsaFromDer, Jose) { EXPECT_EQ(jose_from_der(GetParam().der, 2), GetParam().jose); }
INSTANTIATE_TEST_SUITE_P(X690, EcdsaFromDer, testing::Values(
    DerCase{"plain", "\x30\x08\x02\x02\x01\x02\x02\x02\x03\x04"sv, "\x01\x02\x03\x04"sv},
    DerCase{"short_integers_gain_zeros", "\x30\x06\x02\x01\x02\x02\x01\x04"sv, "\x00\x02\x00\x04"sv},
    DerCase{"high_bit_loses_its_zero", "\x30\x0A\x02\x03\x00\x81\x02\x02\x03\x00\x83\x04"sv, "\x81\x02\x83\x04"sv},
    DerCase{"negative", "\x30\x06\x02\x01\x82\x02\x01\x04"sv, std::nullopt},
    DerCase{"needless_zero", "\x30\x07\x02\x02\x00\x02\x02\x01\x04"sv, std::nullopt},
    DerCase{"too_wide", "\x30\x09\x02\x03\x01\x02\x03\x02\x02\x01\x04"sv, std::nullopt},
    DerCase{"empty_integer", "\x30\x05\x02\x00\x02\x01\x04"sv, std::nullopt},
    DerCase{"long_form_length", "\x30\x81\x06\x02\x01\x02\x02\x01\x04"sv, std::nullopt},
    DerCase{"byte_behind", "\x30\x06\x02\x01\x02\x02\x01\x04\x00"sv, std::nullopt},
    DerCase{"byte_behind_inside", "\x30\x07\x02\x01\x02\x02\x01\x04\x00"sv, std::nullopt},
    DerCase{"only_one_integer", "\x30\x03\x02\x01\x02"sv, std::nullopt},
    DerCase{"cut", "\x30\x06\x02\x01\x02\x02\x01"sv, std::nullopt},
    DerCase{"other_tag", "\x31\x06\x02\x01\x02\x02\x01\x04"sv, std::nullopt},
    DerCase{"nothing", ""sv, std::nullopt}), [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace writ::crypto
