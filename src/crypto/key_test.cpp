#include "crypto/key.h"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "crypto/openssl.h"
#include "encoding/base64url.h"

namespace writ::crypto {
namespace {

// RFC 7517 appendix A.1
const std::string kX = *base64url::decode("MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4");
const std::string kY = *base64url::decode("4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM");

std::string problem_of(const Result<PublicKey, KeyProblem>& key) { return key ? "accepted" : std::string(to_string(key.error())); }
std::string problem_of(const Result<PrivateKey, KeyProblem>& key) { return key ? "accepted" : std::string(to_string(key.error())); }

TEST(Algorithms, AreNamedExactly) {
  for (const Algorithm algorithm : {Algorithm::es256, Algorithm::es384, Algorithm::rs256, Algorithm::ps256, Algorithm::eddsa})
    EXPECT_EQ(parse_algorithm(to_string(algorithm)), algorithm);
  EXPECT_EQ(parse_algorithm("Ed25519"), Algorithm::eddsa);
  for (const char* name : {"", "none", "None", "NONE", "nOnE", "HS256", "HS384", "HS512", "es256", "ES256 ", " ES256", "RS1", "RS512", "ES512", "ES256K", "dir", "RSA-OAEP"})
    EXPECT_EQ(parse_algorithm(name), std::nullopt) << name;
}

TEST(EcKey, PointsAreCheckedAgainstTheCurve) {
  EXPECT_EQ(problem_of(PublicKey::from_ec("P-256", kX, kY)), "accepted");
  std::string other_y = kY;
  other_y.back() ^= 1;
  EXPECT_EQ(problem_of(PublicKey::from_ec("P-256", kX, other_y)), "not_on_curve");
  EXPECT_EQ(problem_of(PublicKey::from_ec("P-256", kY, kX)), "not_on_curve");
  EXPECT_EQ(problem_of(PublicKey::from_ec("P-256", std::string(32, '\0'), std::string(32, '\0'))), "not_on_curve");
  EXPECT_EQ(problem_of(PublicKey::from_ec("P-256", std::string(32, '\xFF'), std::string(32, '\xFF'))), "not_on_curve");
}

TEST(EcKey, CoordinatesHaveTheFullSizeOfTheCurve) {
  EXPECT_EQ(problem_of(PublicKey::from_ec("P-256", kX.substr(1), kY)), "malformed");
  EXPECT_EQ(problem_of(PublicKey::from_ec("P-256", '\0' + kX, kY)), "malformed");
  EXPECT_EQ(problem_of(PublicKey::from_ec("P-256", kX, "")), "malformed");
  EXPECT_EQ(problem_of(PublicKey::from_ec("P-384", kX, kY)), "malformed");
}

TEST(EcKey, OtherCurvesAreUnsupported) {
  for (const char* curve : {"P-521", "secp256k1", "P-224", "p-256", "prime256v1", ""}) EXPECT_EQ(problem_of(PublicKey::from_ec(curve, kX, kY)), "unsupported") << curve;
}

class RsaKey : public testing::Test {
 protected:
  const PublicKey key_ = PrivateKey::generate(Algorithm::rs256).public_key();
  const std::string n_ = key_.parameters().n;
  const std::string e_ = key_.parameters().e;
};

TEST_F(RsaKey, ModulusAndExponentAreBounded) {
  EXPECT_EQ(problem_of(PublicKey::from_rsa(n_, e_)), "accepted");
  EXPECT_EQ(problem_of(PublicKey::from_rsa(n_.substr(128), e_)), n_[128] == 0 ? "malformed" : "too_small");
  std::string bits_2047 = n_;
  bits_2047[0] = static_cast<char>(0x7F);
  EXPECT_EQ(problem_of(PublicKey::from_rsa(bits_2047, e_)), "too_small");
  EXPECT_EQ(problem_of(PublicKey::from_rsa('\x01' + std::string(1023, '\0') + '\x01', e_)), "unsupported");
  EXPECT_EQ(problem_of(PublicKey::from_rsa(n_, "\x03")), "accepted");
  EXPECT_EQ(problem_of(PublicKey::from_rsa(n_, "\x01")), "malformed");
  EXPECT_EQ(problem_of(PublicKey::from_rsa(n_, std::string("\x01\x00", 2))), "malformed");
  EXPECT_EQ(problem_of(PublicKey::from_rsa(n_, std::string("\x01\x00\x00\x00\x01", 5))), "unsupported");
}

TEST_F(RsaKey, IntegersHaveOneSpelling) {
  EXPECT_EQ(problem_of(PublicKey::from_rsa('\0' + n_, e_)), "malformed");
  EXPECT_EQ(problem_of(PublicKey::from_rsa(n_, '\0' + e_)), "malformed");
  EXPECT_EQ(problem_of(PublicKey::from_rsa("", e_)), "malformed");
  EXPECT_EQ(problem_of(PublicKey::from_rsa(n_, "")), "malformed");
  std::string even = n_;
  even.back() = static_cast<char>(even.back() & ~1);
  EXPECT_EQ(problem_of(PublicKey::from_rsa(even, e_)), "malformed");
}

// Powers of 65537 modulo the small primes are what makes a ROCA modulus; 65537^k itself is the plainest of them.
TEST_F(RsaKey, RocaModuliAreWeak) {
  std::string power = "\x01";
  // 65537 = 2^16 + 1: multiplying adds the number shifted by two bytes.
  for (int i = 0; i < 128; ++i) {
    std::string sum(power.size() + 2, '\0');
    unsigned int carry = 0;
    for (std::size_t k = 0; k < sum.size(); ++k) {
      unsigned int byte = carry;
      if (k < power.size()) byte += static_cast<unsigned char>(power[power.size() - 1 - k]);
      if (k >= 2) byte += static_cast<unsigned char>(power[power.size() - 1 - (k - 2)]);
      sum[sum.size() - 1 - k] = static_cast<char>(byte & 0xFF);
      carry = byte >> 8;
    }
    power = carry != 0 ? static_cast<char>(carry) + sum : sum;
  }
  EXPECT_EQ(problem_of(PublicKey::from_rsa(power, e_)), "weak");
}

TEST(Ed25519Key, LengthAndOrderAreChecked) {
  const std::string x = PrivateKey::generate(Algorithm::eddsa).public_key().parameters().x;
  EXPECT_EQ(problem_of(PublicKey::from_ed25519(x)), "accepted");
  EXPECT_EQ(problem_of(PublicKey::from_ed25519(x.substr(1))), "malformed");
  EXPECT_EQ(problem_of(PublicKey::from_ed25519(x + "x")), "malformed");
  std::string identity(32, '\0');
  EXPECT_EQ(problem_of(PublicKey::from_ed25519(identity)), "weak");
  identity[0] = 1;
  EXPECT_EQ(problem_of(PublicKey::from_ed25519(identity)), "weak");
  identity[31] = '\x80';
  EXPECT_EQ(problem_of(PublicKey::from_ed25519(identity)), "weak");
}

TEST(Fits, TiesKeysToAlgorithms) {
  const PublicKey ec = *PublicKey::from_ec("P-256", kX, kY);
  EXPECT_TRUE(ec.fits(Algorithm::es256));
  EXPECT_FALSE(ec.fits(Algorithm::es384));
  const PrivateKey rsa = PrivateKey::generate(Algorithm::ps256);
  EXPECT_TRUE(rsa.fits(Algorithm::rs256));
  EXPECT_TRUE(rsa.fits(Algorithm::ps256));
  EXPECT_FALSE(rsa.fits(Algorithm::eddsa));
}

// ---- PEM, made with OpenSSL at hand

std::string pem_of(EVP_PKEY* key, bool encrypted = false, bool public_only = false) {
  const Bio sink(BIO_new(BIO_s_mem()));
  char password[] = "password";
  if (public_only) {
    EXPECT_EQ(PEM_write_bio_PUBKEY(sink.get(), key), 1);
  } else {
    EXPECT_EQ(PEM_write_bio_PKCS8PrivateKey(sink.get(), key, encrypted ? EVP_aes_128_cbc() : nullptr, password, encrypted ? 8 : 0, nullptr, nullptr), 1);
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(sink.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

TEST(Pem, KeysThatWeCannotUseAreNamed) {
  const KeyHandle small(EVP_RSA_gen(1024));
  EXPECT_EQ(problem_of(PrivateKey::from_pem(Secret(pem_of(small.get())))), "too_small");
  const KeyHandle other_curve(EVP_EC_gen("secp256k1"));
  EXPECT_EQ(problem_of(PrivateKey::from_pem(Secret(pem_of(other_curve.get())))), "unsupported");
  const KeyHandle exchange(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"));
  EXPECT_EQ(problem_of(PrivateKey::from_pem(Secret(pem_of(exchange.get())))), "unsupported");
}

TEST(Pem, WhatIsNoPrivateKeyIsMalformedAndAsksNobodyForAPassphrase) {
  const KeyHandle key(EVP_EC_gen("P-256"));
  const std::string good = pem_of(key.get());
  EXPECT_EQ(problem_of(PrivateKey::from_pem(Secret(good))), "accepted");
  EXPECT_EQ(problem_of(PrivateKey::from_pem(Secret(pem_of(key.get(), true)))), "malformed");
  EXPECT_EQ(problem_of(PrivateKey::from_pem(Secret(pem_of(key.get(), false, true)))), "malformed");
  EXPECT_EQ(problem_of(PrivateKey::from_pem(Secret(""))), "malformed");
  EXPECT_EQ(problem_of(PrivateKey::from_pem(Secret("not a key"))), "malformed");
  for (std::size_t length = 0; length < good.size() - 1; length += 7) EXPECT_FALSE(PrivateKey::from_pem(Secret(good.substr(0, length)))) << length;
}

TEST(Pem, FailuresLeaveNothingInTheErrorQueue) {
  EXPECT_FALSE(PrivateKey::from_pem(Secret("not a key")));
  EXPECT_FALSE(PublicKey::from_ec("P-256", kY, kX));
  const PrivateKey key = PrivateKey::generate(Algorithm::rs256);
  EXPECT_FALSE(key.public_key().verify(Algorithm::rs256, "message", std::string(256, 'x')));
  EXPECT_EQ(ERR_peek_error(), 0U);
}

}  // namespace
}  // namespace writ::crypto
