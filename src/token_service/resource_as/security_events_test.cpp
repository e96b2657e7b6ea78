// What a foreign issuer said since (EN-27, EN-55): refused ID-JAGs, ended tokens, and what stays.

#include <gtest/gtest.h>

#include "signals/subject_session.h"
#include "token_service/resource_as/world_fixture.h"

namespace writ::token_service::resource_as::test {
namespace {

struct ForeignSubject : testing::Test {
  World world;
  json::Value claims(std::int64_t issued_at = kNow) {
    json::Value all = world.good_claims();
    all.set("iss", kForeignIdp).set("sub", "00u1").set("iat", issued_at).set("jti", crypto::random_token());
    return all;
  }
  Answer redeem(const json::Value& all) { return world.redeem(World::signed_id_jag(all, "foreign")); }
  void end(const std::string& session, std::int64_t until) {
    ASSERT_TRUE(run(world.revocations->end_sessions_until(session, until, from_unix_seconds(kNow + 9'000))));
  }
  std::string subject(std::string_view name = "00u1", std::string_view tenant = "") { return signals::subject_session(kForeignIdp, tenant, name); }
  bool is_active(const std::string& token) {
    const Answer answer = world.send(World::post("/introspect", {{"token", token}}, World::basic("cursor-at-ras", kSecret)));
    return *answer.body.find_bool("active");
  }
};

TEST_F(ForeignSubject, GetsNothingForAnIdJagOfBeforeTheEvent) {
  end(subject(), kNow);
  EXPECT_EQ(redeem(claims(kNow)).error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "issued_before_event");
  EXPECT_EQ(redeem(claims(kNow - 100)).error(), "invalid_grant");
  world.clock.seconds += 1;
  EXPECT_EQ(redeem(claims(kNow + 1)).response.status, 200) << "what the issuer gives after its event is meant";
}

TEST_F(ForeignSubject, LosesTheTokensOfBeforeTheEvent) {
  const std::string before = redeem(claims(kNow - 20)).text("access_token"), after = redeem(claims(kNow)).text("access_token");
  ASSERT_TRUE(is_active(before) && is_active(after));
  end(subject(), kNow - 10);
  EXPECT_FALSE(is_active(before));
  EXPECT_EQ(world.last_record().reason, "session_ended");
  EXPECT_TRUE(is_active(after)) << "by the ID-JAG's time, not by the event's arrival";
}

TEST_F(ForeignSubject, IsNotItsNamesakeElsewhere) {
  end(subject("00u2"), kNow);
  end(subject("00u1", "t-1"), kNow);
  end(signals::subject_session(kIdp, "", "00u1"), kNow);
  end(signals::subject_session(kIdp, "", "usr_alice"), kNow);
  EXPECT_EQ(redeem(claims()).response.status, 200);
  // Alice signs in at our own IdP too: its session is another one.
  end(subject(), kNow);
  EXPECT_EQ(world.redeem(world.good_id_jag()).response.status, 200);
}

TEST_F(ForeignSubject, SignsInAnewAfterItsIssuerOrderedIt) {
  end(signals::sign_in_session(kForeignIdp, "", "00u1"), kNow - 30);
  json::Value all = claims();
  all.set("auth_time", kNow - 30);
  EXPECT_EQ(redeem(all).error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "signed_in_before_revocation") << "a fresh ID-JAG of an old sign-in";
  all.set("jti", "another").set("auth_time", kNow - 29);
  EXPECT_EQ(redeem(all).response.status, 200);
  json::Value unknown = claims(kNow - 30);
  unknown.erase("auth_time");
  EXPECT_EQ(redeem(unknown).error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "signed_in_before_revocation") << "without auth_time, iat counts";
  unknown.set("iat", kNow - 29).set("jti", "third");
  EXPECT_EQ(redeem(unknown).response.status, 200);
}

TEST_F(ForeignSubject, CannotTakeTheNameOfASubjectsSession) {
  // A `sid` of its issuer's choosing reaches no token.
  json::Value all = claims();
  all.set("sid", subject("00u2") + "@1");
  end(subject("00u2"), kNow);
  const Answer answer = redeem(all);
  ASSERT_EQ(answer.response.status, 200);
  EXPECT_EQ(*world.claims_of_access_token(answer).find_string("sid"), signals::since(subject(), kNow));
}

}  // namespace
}  // namespace writ::token_service::resource_as::test
