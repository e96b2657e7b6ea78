#include "token_service/key_rotation.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "adapters/memory/documents.h"
#include "crypto/pkcs11_fixture.h"

namespace writ::token_service {
namespace {

const Instant kStart = from_unix_seconds(1'795'000'000);
const Secret kSealing(std::string(32, 'k'));

KeyTimes times(const char* kid, Instant active_from) { return {kid, active_from, active_from}; }

TEST(KeyRotation, TheNewestKeyWhoseTimeHasComeSigns) {
  const std::vector<KeyTimes> keys = {times("a", kStart), times("b", kStart + Seconds{600})};
  EXPECT_EQ(active_key(keys, kStart + Seconds{599}), 0U);
  EXPECT_EQ(active_key(keys, kStart + Seconds{600}), 1U);
}

TEST(KeyRotation, AnEarlierKeyIsPublishedUntilWhatItSignedHasExpired) {
  const RotationRules rules;
  const std::vector<KeyTimes> keys = {times("a", kStart), times("b", kStart + Seconds{600})};
  EXPECT_TRUE(is_published(keys, 0, rules, kStart + Seconds{600} + rules.keep_after - Milliseconds{1}));
  EXPECT_FALSE(is_published(keys, 0, rules, kStart + Seconds{600} + rules.keep_after));
  EXPECT_TRUE(is_published(keys, 1, rules, kStart));   // before its use
}

TEST(KeyRotation, ASuccessorIsMadeInTimeToBePublishedBeforeUse) {
  const RotationRules rules;
  const std::vector<KeyTimes> keys = {times("a", kStart)};
  EXPECT_FALSE(needs_successor(keys, rules, kStart + rules.age_max - rules.publish_before - Milliseconds{1}));
  EXPECT_TRUE(needs_successor(keys, rules, kStart + rules.age_max - rules.publish_before));
  EXPECT_TRUE(needs_successor({}, rules, kStart));
}

class RotatingKeysTest : public testing::Test {
 protected:
  memory::MemoryDocuments documents_;
  std::unique_ptr<RotatingKeys> open(const Secret& sealing = kSealing, std::string use = "idp") {
    auto opened = RotatingKeys::open(documents_, crypto::SealingKey(sealing), use, {}, kStart);
    return opened ? std::move(*opened) : nullptr;
  }
};

TEST_F(RotatingKeysTest, TheSameKeyComesBackAfterARestart) {
  const std::string kid = open()->current()->active.kid;
  EXPECT_EQ(open()->current()->active.kid, kid);
}

TEST_F(RotatingKeysTest, UsesHaveKeysOfTheirOwn) { EXPECT_NE(open()->current()->active.kid, open(kSealing, "ras")->current()->active.kid); }

TEST_F(RotatingKeysTest, DoesNotStartWithAnotherSealingKey) {
  ASSERT_TRUE(open());
  EXPECT_FALSE(open(Secret(std::string(32, 'x'))));
}

TEST_F(RotatingKeysTest, ThePrivateKeyRestsSealed) {
  ASSERT_TRUE(open());
  const auto documents = documents_.load("signing_keys");
  ASSERT_TRUE(documents);
  for (const auto& document : *documents) EXPECT_EQ(document.json.find("PRIVATE"), std::string::npos);
}

TEST_F(RotatingKeysTest, ANewKeyIsPublishedAtOnceAndSignsLater) {
  const auto keys = open();
  const std::string first = keys->current()->active.kid;
  const auto second = run(keys->rotate(kStart + Seconds{10}, false));
  ASSERT_TRUE(second);
  EXPECT_EQ(keys->current()->active.kid, first);
  EXPECT_EQ(keys->current()->published.keys().size(), 2U);
  ASSERT_TRUE(run(keys->tick(kStart + Seconds{610})));
  EXPECT_EQ(keys->current()->active.kid, *second);
  EXPECT_EQ(keys->current()->published.keys().size(), 2U);
  ASSERT_TRUE(run(keys->tick(kStart + Seconds{610 + 7200})));
  EXPECT_EQ(keys->current()->published.keys().size(), 1U);
}

TEST_F(RotatingKeysTest, AWithdrawnKeyIsGoneAtOnceAndForEver) {
  const auto keys = open();
  const std::string first = keys->current()->active.kid;
  const auto next = run(keys->withdraw(first, kStart + Seconds{10}));
  ASSERT_TRUE(next && *next);
  EXPECT_NE(**next, first);
  EXPECT_EQ(keys->current()->active.kid, **next) << "signs at once";
  ASSERT_EQ(keys->current()->published.keys().size(), 1U);
  EXPECT_EQ(keys->current()->published.keys()[0].kid, **next);
  ASSERT_TRUE(run(keys->tick(kStart + Seconds{70})));
  EXPECT_EQ(keys->held().size(), 1U);
  const auto again = open();
  EXPECT_EQ(again->current()->active.kid, **next) << "after a restart, too";
  EXPECT_EQ(again->held().size(), 1U);
  const auto stored = documents_.load("signing_keys");
  ASSERT_TRUE(stored);
  for (const auto& document : *stored) EXPECT_TRUE(document.key != first || document.json.find("sealed") == std::string::npos);
}

TEST_F(RotatingKeysTest, AnEarlierKeyIsWithdrawnWithoutAnotherOne) {
  const auto keys = open();
  const std::string first = keys->current()->active.kid;
  const auto second = run(keys->rotate(kStart + Seconds{10}, true));
  const auto signs = run(keys->withdraw(first, kStart + Seconds{20}));
  ASSERT_TRUE(signs && *signs);
  EXPECT_EQ(**signs, *second);
  EXPECT_EQ(keys->list(kStart + Seconds{20}).size(), 1U);
}

TEST_F(RotatingKeysTest, AKeyThatIsNotThereIsNotWithdrawn) {
  const auto keys = open();
  const auto withdrawn = run(keys->withdraw("nobody", kStart));
  ASSERT_TRUE(withdrawn);
  EXPECT_FALSE(*withdrawn);
  EXPECT_EQ(keys->held().size(), 1U);
}

TEST_F(RotatingKeysTest, AnotherAlgorithmInTheConfigurationMakesASuccessor) {
  const std::string first = open()->current()->active.kid;
  RotationRules rules;
  rules.algorithm = crypto::Algorithm::eddsa;
  const auto keys = std::move(*RotatingKeys::open(documents_, crypto::SealingKey(kSealing), "idp", rules, kStart));
  EXPECT_EQ(keys->current()->active.kid, first) << "others do not know a new one yet";
  ASSERT_TRUE(run(keys->tick(kStart)));
  EXPECT_EQ(keys->current()->published.keys().size(), 2U);
  ASSERT_TRUE(run(keys->tick(kStart + rules.publish_before)));
  EXPECT_EQ(keys->current()->active.algorithm, crypto::Algorithm::eddsa);
  EXPECT_EQ(keys->held().size(), 2U);
}

// ---- keys in a token

class KeysInAToken : public RotatingKeysTest {
 protected:
  Result<std::unique_ptr<RotatingKeys>, Unavailable> open_in(std::shared_ptr<crypto::Pkcs11Token> token, std::string label = "") {
    RotationRules rules;
    rules.token = std::move(token);
    rules.key_label = std::move(label);
    return RotatingKeys::open(documents_, crypto::SealingKey(kSealing), "idp", rules, kStart);
  }
  std::shared_ptr<crypto::Pkcs11Token> token() { return *crypto::Pkcs11Token::open(hsm_.place()); }
  static bool verifies(const RotatingKeys& keys) {
    const auto ring = keys.current();
    const auto signature = ring->active.sign("m");
    return signature && ring->active.public_key().verify(ring->active.algorithm, "m", *signature);
  }
  crypto::SoftHsm hsm_;
};

TEST_F(KeysInAToken, AreMadeThereComeBackAndRotate) {
  const auto place = token();
  std::string first, second;
  {
    const auto keys = open_in(place);
    ASSERT_TRUE(keys) << keys.error().what;
    first = (*keys)->current()->active.kid;
    EXPECT_TRUE((*keys)->list(kStart).front().in_token);
    EXPECT_TRUE((*keys)->held().empty()) << "nothing of it is in this process";
    EXPECT_TRUE((*keys)->has(first));
    second = *run((*keys)->rotate(kStart + Seconds{10}, false));
    EXPECT_EQ((*keys)->current()->active.kid, first);
    EXPECT_EQ((*keys)->current()->published.keys().size(), 2U);
    ASSERT_TRUE(run((*keys)->tick(kStart + Seconds{610})));
    EXPECT_EQ((*keys)->current()->active.kid, second);
    EXPECT_TRUE(verifies(**keys));
  }
  const auto again = open_in(place);
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ((*again)->current()->active.kid, first) << "at the time of the first start";
  EXPECT_TRUE(verifies(**again));
}

TEST_F(KeysInAToken, KeysOfTheStoreAreReplacedByOnesInTheTokenAndTheOtherWayRound) {
  ASSERT_TRUE(open());
  const auto place = token();
  const auto keys = open_in(place);
  ASSERT_TRUE(keys);
  ASSERT_TRUE(run((*keys)->tick(kStart)));
  ASSERT_TRUE(run((*keys)->tick(kStart + RotationRules().publish_before)));
  EXPECT_TRUE((*keys)->current()->active.in_token());
  EXPECT_EQ((*keys)->current()->published.keys().size(), 2U) << "what the earlier one signed is still good";
  EXPECT_FALSE(open()) << "a key in the token, and no token: no other key is made instead";
}

TEST_F(KeysInAToken, AnExistingKeyIsTakenOnceAndNeverAgain) {
  const auto place = token();
  const auto theirs = crypto::Pkcs11Token::generate(place, crypto::Algorithm::es256, "company");
  ASSERT_TRUE(theirs);
  const auto keys = open_in(place, "company");
  ASSERT_TRUE(keys) << keys.error().what;
  const std::string first = (*keys)->current()->active.kid;
  EXPECT_EQ((*keys)->current()->active.in_token()->id(), theirs->id());
  ASSERT_TRUE(run((*keys)->withdraw(first, kStart + Seconds{5})));
  EXPECT_NE((*keys)->current()->active.in_token()->id(), theirs->id()) << "somebody else has it";
  ASSERT_TRUE(run((*keys)->rotate(kStart + Seconds{6}, true)));
  EXPECT_NE((*keys)->current()->active.in_token()->id(), theirs->id());
  const auto other = open_in(place, "company");
  ASSERT_TRUE(other && run((*other)->rotate(kStart + Seconds{7}, true)));
  EXPECT_NE((*other)->current()->active.in_token()->id(), theirs->id()) << "nor after a restart";
  EXPECT_FALSE((*other)->has(first));
}

TEST_F(KeysInAToken, WithoutTheTokenNothingIsSignedAndTheKeySetStays) {
  const auto keys = open_in(token());
  ASSERT_TRUE(keys);
  std::this_thread::sleep_for(std::chrono::milliseconds{1050});
  hsm_.take_away();
  const auto ring = (*keys)->current();
  EXPECT_FALSE(ring->active.sign("m"));
  EXPECT_FALSE(run((*keys)->rotate(kStart, true)));
  EXPECT_EQ((*keys)->current()->published.keys().size(), 1U);
  hsm_.bring_back();
  std::this_thread::sleep_for(std::chrono::milliseconds{1050});
  EXPECT_TRUE(verifies(**keys));
}

TEST_F(KeysInAToken, DoesNotStartWhenTheTokenHasNotTheKey) {
  ASSERT_TRUE(open_in(token()));
  hsm_.add_token("empty");
  auto place = hsm_.place();
  place.label = "empty";
  EXPECT_FALSE(open_in(*crypto::Pkcs11Token::open(place)));
}

// Whoever writes to the store could else have us publish a key of his own.
TEST_F(KeysInAToken, WhatIsStoredOfAKeyInATokenCannotBeExchanged) {
  const auto place = token();
  ASSERT_TRUE(open_in(place));
  auto document = documents_.load("signing_keys")->front();
  const auto mark = document.json.find(",\"in_token\":true");
  ASSERT_NE(mark, std::string::npos) << document.json;
  document.json.erase(mark, std::string(",\"in_token\":true").size());
  ++document.version;
  ASSERT_TRUE(run(documents_.put(document)));
  EXPECT_FALSE(open_in(place));
}

TEST_F(RotatingKeysTest, RotatesByItselfWithAge) {
  const auto keys = open();
  const RotationRules rules;
  ASSERT_TRUE(run(keys->tick(kStart + rules.age_max - rules.publish_before)));
  EXPECT_EQ(keys->list(kStart + rules.age_max).size(), 2U);
}

}  // namespace
}  // namespace writ::token_service
