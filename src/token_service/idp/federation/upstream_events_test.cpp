#include "token_service/idp/federation/upstream_events.h"

#include "token_service/idp/federation/federation_fixture.h"

namespace writ::token_service::idp {
namespace {

class UpstreamEvents : public FederatedWorld {
 protected:
  std::string sign_in() {
    go_upstream(), come_back();
    EXPECT_EQ(world.sessions->all().size(), 1u);
    return world.sessions->all().at(0).id;
  }
  signals::Obeyed end(signals::Identifier user, std::int64_t until) {
    signals::Subject subject;
    subject.user = std::move(user), subject.has_user = true;
    auto ended = run(end_upstream_access(world.idp, good_connector(), std::move(subject), until, "192.0.2.9"));
    EXPECT_TRUE(ended);
    return ended ? *ended : signals::Obeyed{};
  }
  std::int64_t now() const { return to_unix_seconds(world.clock.time); }
  bool is_live(const std::string& sid) { return check_live(world.sessions->find(sid), *world.registry.get(), *world.revocations, world.idp_settings, world.clock.time).has_value(); }
};

TEST_F(UpstreamEvents, EndTheSessionsThatBeganThere) {
  const std::string sid = sign_in();
  const auto obeyed = end(signals::iss_sub(kUpstream, "up-carol"), now());
  EXPECT_EQ(obeyed.reason, "access_ended");
  EXPECT_EQ(obeyed.user_id, carol()->id);
  EXPECT_FALSE(is_live(sid));
  EXPECT_EQ(carol()->not_before, from_unix_seconds(now())) << "its tokens of before are no subject tokens any more";
}

TEST_F(UpstreamEvents, LeaveWhatBeganAfterwards) {
  const std::string sid = sign_in();
  EXPECT_EQ(end(signals::iss_sub(kUpstream, "up-carol"), now() - 10).reason, "access_ended");
  EXPECT_TRUE(is_live(sid));
}

TEST_F(UpstreamEvents, NameTheirOwnPeopleAlone) {
  const std::string sid = sign_in();
  EXPECT_EQ(end(signals::iss_sub(kOtherUpstream, "up-carol"), now()).reason, "subject_unknown");
  EXPECT_EQ(end(signals::iss_sub(kUpstream, "up-nobody"), now()).reason, "subject_unknown");
  EXPECT_EQ(end(signals::opaque("up-carol"), now()).reason, "subject_unknown");
  EXPECT_EQ(end(signals::email("alice@larkspur.example"), now()).reason, "subject_unknown") << "somebody who never came from there";
  EXPECT_TRUE(is_live(sid));
  EXPECT_EQ(end(signals::email("Carol@corp.example"), now()).reason, "access_ended");
  EXPECT_FALSE(is_live(sid));
}

TEST_F(UpstreamEvents, AreNotAcknowledgedWhenTheyCannotBeKept) {
  sign_in();
  people.failure = Unavailable{"store"};
  signals::Subject subject;
  subject.user = signals::iss_sub(kUpstream, "up-carol"), subject.has_user = true;
  EXPECT_FALSE(run(end_upstream_access(world.idp, good_connector(), std::move(subject), now(), "")));
}

}  // namespace
}  // namespace writ::token_service::idp
