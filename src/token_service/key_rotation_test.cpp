#include "token_service/key_rotation.h"

#include <gtest/gtest.h>

#include "adapters/memory/documents.h"

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

TEST_F(RotatingKeysTest, RotatesByItselfWithAge) {
  const auto keys = open();
  const RotationRules rules;
  ASSERT_TRUE(run(keys->tick(kStart + rules.age_max - rules.publish_before)));
  EXPECT_EQ(keys->list(kStart + rules.age_max).size(), 2U);
}

}  // namespace
}  // namespace writ::token_service
