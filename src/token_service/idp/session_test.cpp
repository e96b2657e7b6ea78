#include "token_service/idp/session.h"

#include "token_service/idp/idp_fixture.h"
#include "token_service/idp/subject_identifier.h"

namespace writ::token_service::idp {
namespace {

struct Row {
  const char* name;
  std::function<void(World&, std::optional<Session>&)> change;
  const char* expected;
};
class SessionLiveness : public testing::TestWithParam<Row> {};
TEST_P(SessionLiveness, has_one_reason_for_each_end) {
  World world;
  std::optional<Session> session = world.begin_session();
  GetParam().change(world, session);
  const auto live = check_live(session, *world.registry.get(), *world.revocations, world.idp_settings, world.clock.time);
  EXPECT_EQ(live ? "live" : to_string(live.error()), GetParam().expected);
}
constexpr std::int64_t kIdle = 12 * 3600, kAbsolute = 7 * 24 * 3600;
INSTANTIATE_TEST_SUITE_P(Rows, SessionLiveness, testing::Values(
    Row{"fresh", [](World&, auto&) {}, "live"},
    Row{"none", [](World&, auto& s) { s.reset(); }, "session_unknown"},
    Row{"ended_here", [](World&, auto& s) { s->ended = true; }, "session_ended"},
    Row{"ended_everywhere", [](World& w, auto& s) { EXPECT_TRUE(run(w.revocations->end_session(s->id, kNow + Seconds{9}))); }, "session_ended"},
    Row{"almost_idle", [](World& w, auto&) { w.clock.time += Seconds{kIdle} - Milliseconds{1}; }, "live"},
    Row{"idle", [](World& w, auto&) { w.advance(kIdle); }, "session_idle"},
    Row{"used_lately", [](World& w, auto& s) { w.advance(kIdle), s->last_seen = w.clock.time; }, "live"},
    Row{"almost_too_old", [](World& w, auto& s) { w.advance(kAbsolute - 1), s->last_seen = w.clock.time; }, "live"},
    Row{"too_old", [](World& w, auto& s) { w.advance(kAbsolute), s->last_seen = w.clock.time; }, "session_too_old"},
    Row{"user_removed", [](World&, auto& s) { s->user_id = "usr_none"; }, "user_unknown"},
    Row{"user_disabled", [](World&, auto& s) { s->user_id = "usr_gone"; }, "user_disabled"},
    Row{"not_before_at_its_start", [](World& w, auto&) { w.change([](auto& o) { o.users[0].not_before = kNow; }); }, "live"},
    Row{"not_before_after_its_start", [](World& w, auto&) { w.change([](auto& o) { o.users[0].not_before = kNow + Milliseconds{1}; }); },
        "session_before_not_before"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(AuthenticationAge, is_never_negative_when_the_clock_stepped_back) {
  World world;
  const Session session = world.begin_session();
  EXPECT_EQ(authentication_of(session, kNow + Seconds{90}).age, Seconds{90});
  EXPECT_EQ(authentication_of(session, kNow - Seconds{90}).age, Seconds{0});
}

struct SubjectRow {
  const char* name;
  const char* form;
  std::function<void(registry::User&)> change;
  const char* expected;   // null: no identifier
};
class SubjectIdentifier : public testing::TestWithParam<SubjectRow> {};
TEST_P(SubjectIdentifier, is_the_configured_one_or_none) {
  auto user = good_objects().users[0];
  GetParam().change(user);
  const auto identifier = subject_identifier(GetParam().form, user, kOtherRas, good_settings());
  EXPECT_EQ(identifier, GetParam().expected ? std::optional<std::string>(GetParam().expected) : std::nullopt);
}
const auto kUnchanged = [](registry::User&) {};
INSTANTIATE_TEST_SUITE_P(Rows, SubjectIdentifier, testing::Values(
    SubjectRow{"user_id", "user_id", kUnchanged, "usr_alice"},
    SubjectRow{"email", "email", kUnchanged, "alice@acme.example"},
    SubjectRow{"email_absent", "email", [](registry::User& u) { u.email.clear(); }, nullptr},
    SubjectRow{"upstream", "upstream_sub", kUnchanged, "up-alice"},
    SubjectRow{"upstream_absent", "upstream_sub", [](registry::User& u) { u.links.clear(); }, nullptr},
    SubjectRow{"upstream_ambiguous", "upstream_sub", [](registry::User& u) { u.links.push_back({"https://x.example", "", "y"}); }, nullptr},
    SubjectRow{"tag", "attribute:employee", kUnchanged, "e-17"},
    SubjectRow{"tag_with_two_values", "attribute:badges", kUnchanged, nullptr},
    SubjectRow{"tag_absent", "attribute:none", kUnchanged, nullptr},
    SubjectRow{"attribute", "attribute:department", kUnchanged, "research"},
    SubjectRow{"attribute_empty", "attribute:title", kUnchanged, nullptr},
    SubjectRow{"password_hash_is_no_attribute", "attribute:password_hash", kUnchanged, nullptr},
    SubjectRow{"unknown_form", "nickname", kUnchanged, nullptr},
    SubjectRow{"no_form", "", kUnchanged, nullptr}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(SubjectIdentifierPairwise, is_stable_per_audience_and_tells_nothing_across_audiences) {
  const auto objects = good_objects();
  const auto of = [&](int user, const char* audience) {
    return subject_identifier("pairwise", objects.users[static_cast<std::size_t>(user)], audience, good_settings());
  };
  EXPECT_EQ(of(0, kOwnRas), of(0, kOwnRas));
  EXPECT_NE(of(0, kOwnRas), of(0, kOtherRas));
  EXPECT_NE(of(0, kOwnRas), of(1, kOwnRas));
  EXPECT_EQ(of(0, kOwnRas)->find("alice"), std::string::npos);
  Settings without = good_settings();
  without.pairwise_secret = Secret();
  EXPECT_FALSE(subject_identifier("pairwise", objects.users[0], kOwnRas, without));
}

TEST(SignInThrottle, counts_an_ipv6_subscriber_once_and_ipv4_addresses_each) {
  EXPECT_EQ(SignInThrottle::source_of("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(SignInThrottle::source_of("2001:db8:1:2:3:4:5:6"), SignInThrottle::source_of("2001:db8:1:2:ffff::1"));
  EXPECT_NE(SignInThrottle::source_of("2001:db8:1:2:3:4:5:6"), SignInThrottle::source_of("2001:db8:1:3:3:4:5:6"));
  EXPECT_EQ(SignInThrottle::source_of("2001:db8::1"), SignInThrottle::source_of("2001:db8::2"));
}

void attempt(SignInThrottle& throttle, const std::string& address, SignInThrottle::Outcome outcome = SignInThrottle::Outcome::failed) {
  EXPECT_EQ(std::get<GoAhead>(throttle.admit(address, kNow)).wait, Milliseconds{0});
  throttle.settled(address, outcome, kNow);
}

TEST(SignInThrottle, costs_nothing_for_those_who_know_their_passwords) {
  SignInThrottle throttle;
  for (int i = 0; i < 1000; ++i) attempt(throttle, "192.0.2.7", SignInThrottle::Outcome::succeeded);
}

TEST(SignInThrottle, counts_guesses_of_the_same_moment_before_any_of_them_is_answered) {
  SignInThrottle throttle;
  int at_once = 0, later = 0, refused = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto turn = throttle.admit("192.0.2.7", kNow);
    if (const auto* go = std::get_if<GoAhead>(&turn)) ++(go->wait.count() == 0 ? at_once : later);
    else ++refused;
  }
  EXPECT_EQ(at_once, 11);
  EXPECT_EQ(later, 12);      // 250 ms to 3 s
  EXPECT_EQ(refused, 977);
}

TEST(SignInThrottle, bounds_the_passwords_being_checked_at_a_time) {
  SignInThrottle throttle({.pending_max = 2});
  EXPECT_TRUE(std::holds_alternative<GoAhead>(throttle.admit("192.0.2.1", kNow)));
  EXPECT_TRUE(std::holds_alternative<GoAhead>(throttle.admit("192.0.2.2", kNow)));
  EXPECT_TRUE(std::holds_alternative<TooMany>(throttle.admit("192.0.2.3", kNow)));
  throttle.settled("192.0.2.1", SignInThrottle::Outcome::succeeded, kNow);
  EXPECT_TRUE(std::holds_alternative<GoAhead>(throttle.admit("192.0.2.3", kNow)));
}

TEST(SignInThrottle, forgives_after_its_window) {
  SignInThrottle throttle;
  for (int i = 0; i < 10; ++i) attempt(throttle, "192.0.2.7");
  EXPECT_EQ(std::get<GoAhead>(throttle.admit("192.0.2.7", kNow)).wait, Milliseconds{0});
  EXPECT_EQ(std::get<GoAhead>(throttle.admit("192.0.2.7", kNow)).wait, Milliseconds{250});
  EXPECT_EQ(std::get<GoAhead>(throttle.admit("192.0.2.7", kNow + Seconds{300})).wait, Milliseconds{0});
  EXPECT_EQ(std::get<GoAhead>(throttle.admit("192.0.2.7", kNow + Seconds{300})).wait, Milliseconds{0});
}

TEST(SignInThrottle, keeps_a_bounded_number_of_sources) {
  SignInThrottle throttle({.sources_max = 100});
  for (int i = 0; i < 10'000; ++i) attempt(throttle, "10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256));
  EXPECT_TRUE(std::holds_alternative<GoAhead>(throttle.admit("192.0.2.7", kNow)));
}

}  // namespace
}  // namespace writ::token_service::idp
