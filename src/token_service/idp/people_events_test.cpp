// Whoever ends a session tells the receivers of security events, before it ends (docs/reference/signals.md).

#include <gtest/gtest.h>

#include "token_service/idp/idp_fixture.h"
#include "token_service/idp/session_administration.h"

namespace writ::token_service::idp {
namespace {

struct Told final : signals::PeopleEvents {
  explicit Told(const registry::Revocations& taken_away) : revocations(taken_away) {}
  Task<Result<void, Unavailable>> tell(registry::User user, std::vector<signals::Event> events) override {
    for (const auto& event : events) told.push_back(user.id + " " + event.type.substr(event.type.rfind('/') + 1) + " by " + *event.members.find_string("initiating_entity"));
    lived = lived && !revocations.is_session_ended(sid);
    if (failing) co_return unexpected(Unavailable{"outbox"});
    co_return Result<void, Unavailable>{};
  }
  const registry::Revocations& revocations;
  std::string sid;
  std::vector<std::string> told;
  bool failing = false, lived = true;
};

struct EndedSession : testing::Test {
  World world;
  Told told{*world.revocations};
  Session session = world.begin_session();
  void SetUp() override { world.idp.people_events = &told, told.sid = session.id; }
};

TEST_F(EndedSession, IsToldBeforeItEnds) {
  ASSERT_TRUE(run(end_session(world.idp, session.id, SessionEnd::revoked, "admin", "")));
  EXPECT_EQ(told.told, std::vector<std::string>{"usr_alice session-revoked by admin"});
  EXPECT_TRUE(told.lived);
  EXPECT_TRUE(world.revocations->is_session_ended(session.id));
}

TEST_F(EndedSession, IsToldAsThePersonsOwnWhenTheySignOut) {
  ASSERT_TRUE(run(end_session(world.idp, session.id, SessionEnd::signed_out, "usr_alice", "")));
  EXPECT_EQ(told.told, std::vector<std::string>{"usr_alice session-revoked by user"});
}

TEST_F(EndedSession, EndsHereEvenWhenItCannotBeTold) {
  told.failing = true;
  EXPECT_FALSE(run(end_session(world.idp, session.id, SessionEnd::revoked, "admin", ""))) << "whoever asked hears of it";
  EXPECT_TRUE(world.revocations->is_session_ended(session.id));
}

}  // namespace
}  // namespace writ::token_service::idp
