#include "crypto/pkcs11_token.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "crypto/pkcs11_fixture.h"

namespace writ::crypto {
namespace {

class InAToken : public testing::Test {
 protected:
  std::shared_ptr<Pkcs11Token> open() {
    auto opened = Pkcs11Token::open(hsm_.place());
    EXPECT_TRUE(opened) << (opened ? "" : opened.error());
    return opened ? *opened : nullptr;
  }
  static std::string problem_of(const Result<std::string, Unavailable>& signature) { return signature ? "signed" : signature.error().what; }
  static void wait_for_the_next_attempt() { std::this_thread::sleep_for(std::chrono::milliseconds{1050}); }
  SoftHsm hsm_;
};

TEST_F(InAToken, KeysOfEveryAlgorithmSignWhatTheirPublicKeysVerify) {
  const auto token = open();
  for (const Algorithm algorithm : {Algorithm::es256, Algorithm::es384, Algorithm::rs256, Algorithm::ps256, Algorithm::eddsa}) {
    const auto key = Pkcs11Token::generate(token, algorithm, "k");
    ASSERT_TRUE(key) << to_string(algorithm) << ": " << key.error().what;
    // Often: an integer of a signature begins with a zero in one of 128.
    for (int i = 0; i < (algorithm == Algorithm::es256 ? 400 : 5); ++i) {
      const std::string message = "message " + std::to_string(i);
      const auto signature = key->sign(algorithm, message);
      ASSERT_TRUE(signature) << signature.error().what;
      EXPECT_TRUE(key->public_key().verify(algorithm, message, *signature)) << to_string(algorithm);
      EXPECT_FALSE(key->public_key().verify(algorithm, message + ".", *signature));
    }
  }
}

TEST_F(InAToken, OneRsaKeyDoesBothOfItsAlgorithms) {
  const auto key = Pkcs11Token::generate(open(), Algorithm::rs256, "k");
  ASSERT_TRUE(key);
  const auto plain = key->sign(Algorithm::rs256, "m"), salted = key->sign(Algorithm::ps256, "m");
  ASSERT_TRUE(plain && salted);
  EXPECT_TRUE(key->public_key().verify(Algorithm::rs256, "m", *plain));
  EXPECT_TRUE(key->public_key().verify(Algorithm::ps256, "m", *salted));
  EXPECT_FALSE(key->public_key().verify(Algorithm::ps256, "m", *plain));
}

TEST_F(InAToken, AKeyIsFoundAgainByItsIdAfterAnotherStart) {
  std::string id;
  PublicKey public_key = PrivateKey::generate(Algorithm::es256).public_key();
  {
    const auto key = Pkcs11Token::generate(open(), Algorithm::es256, "k");
    ASSERT_TRUE(key);
    id = key->id(), public_key = key->public_key();
  }
  const auto signature = Pkcs11Key(open(), id, public_key).sign(Algorithm::es256, "m");
  ASSERT_TRUE(signature) << signature.error().what;
  EXPECT_TRUE(public_key.verify(Algorithm::es256, "m", *signature));
}

TEST_F(InAToken, AnExistingKeyIsFoundByItsLabel) {
  const auto token = open();
  const auto made = Pkcs11Token::generate(token, Algorithm::es256, "theirs");
  ASSERT_TRUE(made);
  const auto found = Pkcs11Token::find(token, Algorithm::es256, "theirs");
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_EQ(found->id(), made->id());
  const auto problem = [&](Algorithm algorithm, const char* label) {
    const auto key = Pkcs11Token::find(token, algorithm, label);
    return std::string(key ? "found" : key.error().what);
  };
  EXPECT_EQ(problem(Algorithm::es256, "other"), "the PKCS#11 token has no private key of the configured `key_label`");
  EXPECT_EQ(problem(Algorithm::es384, "theirs"), "the PKCS#11 token has no public key beside the key of the configured `key_label` that fits the configured algorithm");
  EXPECT_EQ(problem(Algorithm::rs256, "theirs"), "the PKCS#11 token has no public key beside the key of the configured `key_label` that fits the configured algorithm");
  ASSERT_TRUE(Pkcs11Token::generate(token, Algorithm::es256, "theirs"));
  EXPECT_EQ(problem(Algorithm::es256, "theirs"), "the PKCS#11 token has several private keys of the configured `key_label`");
}

TEST_F(InAToken, AnotherKeyUnderTheSameIdSignsNothing) {
  const auto token = open();
  const auto key = Pkcs11Token::generate(token, Algorithm::es256, "k");
  ASSERT_TRUE(key);
  const Pkcs11Key swapped(token, key->id(), PrivateKey::generate(Algorithm::es256).public_key());
  EXPECT_EQ(problem_of(swapped.sign(Algorithm::es256, "m")), "the PKCS#11 token holds another key than the one that is published");
  const Pkcs11Key gone(token, "nobody's id", key->public_key());
  EXPECT_FALSE(gone.sign(Algorithm::es256, "m"));
  EXPECT_EQ(problem_of(key->sign(Algorithm::es256, "m")), "signed") << "a key that is missing takes the others down with it";
}

TEST_F(InAToken, ThreadsSignAtTheSameTime) {
  const auto key = Pkcs11Token::generate(open(), Algorithm::es256, "k");
  ASSERT_TRUE(key);
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 50; ++k) {
        const std::string message = std::to_string(i) + "/" + std::to_string(k);
        const auto signature = key->sign(Algorithm::es256, message);
        good += signature && key->public_key().verify(Algorithm::es256, message, *signature);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 400);
}

TEST_F(InAToken, ATokenThatWentAwayIsUnavailableAndComesBackByItself) {
  const auto key = Pkcs11Token::generate(open(), Algorithm::es256, "k");
  ASSERT_TRUE(key);
  ASSERT_TRUE(key->sign(Algorithm::es256, "m"));
  wait_for_the_next_attempt();
  hsm_.take_away();
  EXPECT_EQ(problem_of(key->sign(Algorithm::es256, "m")), "the PKCS#11 token is not there");
  EXPECT_EQ(problem_of(key->sign(Algorithm::es256, "m")), "the PKCS#11 token is not there") << "and is not looked for at every request";
  hsm_.bring_back();
  wait_for_the_next_attempt();
  EXPECT_EQ(problem_of(key->sign(Algorithm::es256, "m")), "signed");
}

TEST_F(InAToken, WhileItComesAndGoesNoThreadGetsAWrongSignature) {
  const auto key = Pkcs11Token::generate(open(), Algorithm::es256, "k");
  ASSERT_TRUE(key);
  std::atomic<bool> stop{false};
  std::atomic<int> good{0}, wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        const auto signature = key->sign(Algorithm::es256, "m");
        if (signature) ++(key->public_key().verify(Algorithm::es256, "m", *signature) ? good : wrong);
        else std::this_thread::sleep_for(std::chrono::milliseconds{5});
      }
    });
  }
  wait_for_the_next_attempt();
  hsm_.take_away();
  wait_for_the_next_attempt();
  hsm_.bring_back();
  wait_for_the_next_attempt();
  const int before = good;
  std::this_thread::sleep_for(std::chrono::milliseconds{300});
  stop = true;
  for (auto& thread : threads) thread.join();
  EXPECT_GT(good, before) << "it signs again";
  EXPECT_EQ(wrong, 0);
}

TEST_F(InAToken, WhatCannotBeOpenedSaysWhy) {
  const auto problem = [](Pkcs11Place place) {
    const auto opened = Pkcs11Token::open(std::move(place));
    return opened ? std::string("opened") : opened.error();
  };
  auto place = hsm_.place();
  place.module = "/nowhere/module.so";
  EXPECT_NE(problem(place).find("cannot load the PKCS#11 module `/nowhere/module.so`"), std::string::npos) << problem(place);
  place = hsm_.place();
  place.label = "other";
  EXPECT_EQ(problem(place), "cannot use PKCS#11 token `other` of `" + place.module + "`: the PKCS#11 token is not there");
  place = hsm_.place();
  place.serial = "0000000000000000";
  EXPECT_NE(problem(place).find("is not there"), std::string::npos) << "both must fit";
  place = hsm_.place();
  place.pin = []() -> Result<Secret, std::string> { return unexpected(std::string("cannot read `pin`")); };
  EXPECT_EQ(problem(place), "cannot use PKCS#11 token `writ` of `" + place.module + "`: cannot read `pin`");
  hsm_.pin = "1111";
  EXPECT_NE(problem(hsm_.place()).find("refuses the PIN"), std::string::npos) << problem(hsm_.place());
  hsm_.pin = "1";
  EXPECT_NE(problem(hsm_.place()).find("PIN"), std::string::npos);
}

// A token counts wrong PINs and locks itself after a few.
TEST_F(InAToken, ARefusedPinIsNotTriedAgainButAnotherOneIs) {
  const auto key = Pkcs11Token::generate(open(), Algorithm::es256, "k");
  ASSERT_TRUE(key);
  wait_for_the_next_attempt();
  hsm_.take_away();
  EXPECT_FALSE(key->sign(Algorithm::es256, "m"));
  hsm_.bring_back();
  hsm_.pin = "9999";
  wait_for_the_next_attempt();
  EXPECT_NE(problem_of(key->sign(Algorithm::es256, "m")).find("refuses the PIN"), std::string::npos);
  hsm_.pin = "4321";
  wait_for_the_next_attempt();
  EXPECT_EQ(problem_of(key->sign(Algorithm::es256, "m")), "signed") << "the file was put right";
}

TEST_F(InAToken, ARefusedPinIsNotTriedEvenWhereItWouldBeRightByNow) {
  const auto key = Pkcs11Token::generate(open(), Algorithm::es256, "k");
  ASSERT_TRUE(key);
  wait_for_the_next_attempt();
  hsm_.take_away();
  EXPECT_FALSE(key->sign(Algorithm::es256, "m"));
  hsm_.bring_back();
  hsm_.pin = "9999";
  wait_for_the_next_attempt();
  EXPECT_NE(problem_of(key->sign(Algorithm::es256, "m")).find("refuses the PIN"), std::string::npos);
  ASSERT_EQ(std::system("softhsm2-util --init-token --token writ --label writ --so-pin 8765 --pin 9999 >/dev/null 2>&1"), 0);
  wait_for_the_next_attempt();
  EXPECT_NE(problem_of(key->sign(Algorithm::es256, "m")).find("refuses the PIN"), std::string::npos) << "had it been given, the token would have let us in, to find no key there";
}

}  // namespace
}  // namespace writ::crypto
