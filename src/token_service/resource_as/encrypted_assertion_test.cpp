// ID-JAGs that are encrypted to this server (EMA-19; pending change 102 of the draft).
#include "token_service/resource_as/encrypted_assertion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/withdrawn_keys.h"
#include "token_service/resource_as/world_fixture.h"

namespace writ::token_service::resource_as::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class TwoKeys final : public AssertionKeys {
 public:
  std::vector<jose::DecryptionKey> current() const override { return {{"enc-old", key_named("enc-old").key}, {"enc-new", key_named("enc-new").key}}; }
};
const TwoKeys& our_keys() {
  static const TwoKeys keys;
  return keys;
}

World world_that(bool required) {
  return World([required](Settings& settings) { settings.assertion_keys = &our_keys(), settings.encryption_required = required; });
}
std::string encrypted_to(const char* kid, const std::string& id_jag) {
  return jose::encrypt(jose::public_half({kid, key_named(kid).key}), oauth::kTypIdJag, id_jag);
}
Answer redeem(World& world, const std::string& assertion) {
  return world.send(World::post("/token", World::grant_form(assertion, {}), World::basic("cursor-at-ras", kSecret)));
}
std::string last_reason(const World& world) { return world.log.records().back().reason; }

TEST(EncryptedIdJag, IsOpenedAndThenJudgedAsAnyOther) {
  World world = world_that(false);
  const Answer answer = redeem(world, encrypted_to("enc-new", world.good_id_jag()));
  EXPECT_EQ(answer.response.status, 200) << last_reason(world);
  EXPECT_EQ(redeem(world, encrypted_to("enc-old", world.good_id_jag())).response.status, 200) << "with an earlier key, too";
  EXPECT_EQ(redeem(world, world.good_id_jag()).response.status, 200) << "and without encryption, where that is not required";
}

TEST(EncryptedIdJag, IsStillSingleUse) {
  World world = world_that(false);
  const std::string id_jag = world.good_id_jag();
  EXPECT_EQ(redeem(world, id_jag).response.status, 200);
  EXPECT_EQ(redeem(world, encrypted_to("enc-new", id_jag)).error(), "invalid_grant");
  EXPECT_EQ(last_reason(world), "replayed");
}

TEST(EncryptedIdJag, ProvesNothingByBeingEncrypted) {
  World world = world_that(true);
  EXPECT_EQ(redeem(world, encrypted_to("enc-new", World::signed_id_jag(world.good_claims(), "stranger"))).error(), "invalid_grant");
  EXPECT_NE(last_reason(world), "issued");
  EXPECT_EQ(redeem(world, encrypted_to("enc-new", "not a token")).error(), "invalid_grant");
  EXPECT_EQ(redeem(world, encrypted_to("enc-new", encrypted_to("enc-new", world.good_id_jag()))).error(), "invalid_grant") << "once is enough";
}

TEST(EncryptedIdJag, OfAnotherKeyIsRefused) {
  World world = world_that(false);
  EXPECT_EQ(redeem(world, jose::encrypt(jose::public_half({"enc-new", key_named("somebody").key}), oauth::kTypIdJag, world.good_id_jag())).error(), "invalid_grant");
  EXPECT_EQ(last_reason(world), "jwe_cannot_decrypt");
  EXPECT_EQ(redeem(world, encrypted_to("unknown", world.good_id_jag())).error(), "invalid_grant");
  EXPECT_EQ(last_reason(world), "jwe_unknown_key");
}

TEST(EncryptedIdJag, IsRefusedWhereNobodyCanOpenIt) {
  World world;
  EXPECT_EQ(redeem(world, encrypted_to("enc-new", world.good_id_jag())).error(), "invalid_grant");
  EXPECT_EQ(last_reason(world), "jwe_unknown_key");
  EXPECT_THAT(world.server->metadata_text(), Not(HasSubstr("id_jag_encryption")));
  EXPECT_THAT(world.server->key_set_text(), Not(HasSubstr("\"enc\"")));
}

TEST(EncryptedIdJag, IsTheOnlyKindWhereItIsRequired) {
  World world = world_that(true);
  EXPECT_EQ(redeem(world, world.good_id_jag()).error(), "invalid_grant");
  EXPECT_EQ(last_reason(world), "assertion_not_encrypted");
  EXPECT_EQ(redeem(world, encrypted_to("enc-new", world.good_id_jag())).response.status, 200);
}

TEST(EncryptedIdJag, IsAnnouncedWithTheNewestKey) {
  World world = world_that(true);
  EXPECT_THAT(world.server->metadata_text(), HasSubstr(R"("id_jag_encryption_alg_values_supported":["ECDH-ES+A256KW","ECDH-ES"])"));
  EXPECT_THAT(world.server->metadata_text(), HasSubstr(R"("id_jag_encryption_enc_values_supported":["A256GCM"])"));
  EXPECT_THAT(world.server->metadata_text(), HasSubstr(R"("id_jag_encryption_required":true)"));
  const auto chosen = jose::choose_encryption_key(world.server->key_set_text());
  ASSERT_TRUE(chosen);
  EXPECT_EQ(chosen->kid, "enc-new");
  EXPECT_EQ(jose::KeySet::parse(world.server->key_set_text())->keys().size(), 1U) << "whoever verifies does not see it";
}

// ---- keys of the own identity provider that somebody else has

TEST(WithdrawnKey, OfOurIdentityProviderSignsNothingAnyMore) {
  World world;
  const std::string id_jag = world.good_id_jag();
  ASSERT_TRUE(run(world.revocations->revoke_token(registry::withdrawn_key_name(kIdp, "idp"), from_unix_seconds(kNow + 3600))));
  EXPECT_EQ(redeem(world, id_jag).error(), "invalid_grant") << "although our copy of its keys still has the key";
  EXPECT_EQ(last_reason(world), "unknown_key");
}
TEST(WithdrawnKey, IsThatOfOneIssuer) {
  World world;
  ASSERT_TRUE(run(world.revocations->revoke_token(registry::withdrawn_key_name(kForeignIdp, "idp"), from_unix_seconds(kNow + 3600))));
  EXPECT_EQ(redeem(world, world.good_id_jag()).response.status, 200);
}

}  // namespace
}  // namespace writ::token_service::resource_as::test
