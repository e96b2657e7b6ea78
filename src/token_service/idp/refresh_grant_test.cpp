#include "token_service/idp/refresh_grant.h"

#include "token_service/idp/idp_fixture.h"

namespace writ::token_service::idp {
namespace {

struct Refresh {
  World world;
  Session session = world.begin_session();
  NewFamily begun = world.begin_refresh(session);
  std::string token = begun.token;
  std::string agent = "cursor", device, device_user;
  Pairs parameters;

  Outcome decide() {
    Pairs pairs = parameters;
    if (!token.empty()) pairs.emplace_back("refresh_token", token);
    TokenRequest request = token_request(world, std::move(pairs));
    RefreshGrant grant(world.idp);
    return idp::decide(grant, request, world.client(agent.c_str(), device, device_user));
  }
  // Refreshes and goes on with what came back.
  std::string refresh() {
    const Outcome outcome = decide();
    EXPECT_EQ(reason_of(outcome), "granted");
    carry_out(outcome);
    return token = text_member(std::get<Granted>(outcome).body, "refresh_token");
  }
  const RefreshFamily family() { return world.refresh_tokens->find(begun.token)->family; }
};

TEST(Refresh, gives_new_tokens_about_the_same_sign_in) {
  Refresh refresh;
  refresh.world.advance(600);
  const Outcome outcome = refresh.decide();
  ASSERT_EQ(reason_of(outcome), "granted");
  const auto& body = std::get<Granted>(outcome).body;
  const auto claims = claims_in(text_member(body, "id_token"));
  EXPECT_EQ(*claims.find_string("sub"), "usr_alice");
  EXPECT_EQ(*claims.find_string("aud"), "cursor-idp");
  EXPECT_EQ(*claims.find_string("sid"), refresh.session.id);
  EXPECT_EQ(*claims.find_int("auth_time"), to_unix_seconds(kNow));          // of the sign-in, not of the refresh
  EXPECT_EQ(*claims.find_int("iat"), to_unix_seconds(kNow) + 600);
  EXPECT_FALSE(claims.find("nonce"));                                        // OIDC Core §12.2
  EXPECT_NE(text_member(body, "refresh_token"), refresh.begun.token);
}

TEST(RefreshRotation, each_token_works_once_and_its_successor_goes_on) {
  Refresh refresh;
  const std::string second = refresh.refresh();
  const std::string third = refresh.refresh();
  EXPECT_NE(second, third);
  EXPECT_EQ(refresh.family().generations.size(), 3u);
}

TEST(RefreshRotation, a_lost_answer_is_repeated_within_thirty_seconds_with_the_same_successor) {
  Refresh refresh;
  const std::string second = refresh.refresh();
  refresh.world.advance(30);   // just inside
  refresh.token = refresh.begun.token;
  EXPECT_EQ(refresh.refresh(), second);
  EXPECT_EQ(refresh.family().generations.size(), 2u);
  EXPECT_FALSE(refresh.family().revoked);
  refresh.token = second;
  refresh.refresh();
}

TEST(RefreshRotation, two_requests_at_the_same_moment_get_the_same_successor) {
  Refresh refresh;
  const Outcome one = refresh.decide();
  const Outcome two = refresh.decide();
  carry_out(one);
  carry_out(two);
  EXPECT_EQ(text_member(std::get<Granted>(one).body, "refresh_token"), text_member(std::get<Granted>(two).body, "refresh_token"));
}

TEST(RefreshRotation, a_family_revoked_between_decision_and_write_gives_nothing) {
  Refresh refresh;
  const Outcome outcome = refresh.decide();
  EXPECT_TRUE(run(refresh.world.refresh_tokens->revoke_family(refresh.begun.family.id, kNow + Seconds{9})));
  EXPECT_FALSE(run(std::get<Granted>(outcome).after_commit()));
}

struct ReuseRow {
  const char* name;
  std::function<void(Refresh&)> before;   // then the first token is presented again
};
class RefreshReuse : public testing::TestWithParam<ReuseRow> {};
TEST_P(RefreshReuse, takes_the_whole_family_before_it_is_answered) {
  Refresh refresh;
  refresh.refresh();
  GetParam().before(refresh);
  const std::string newest = refresh.token;
  refresh.token = refresh.begun.token;
  const Outcome outcome = refresh.decide();
  EXPECT_EQ(reason_of(outcome), "refresh_token_reused");
  EXPECT_EQ(error_of(outcome), "invalid_grant");
  EXPECT_EQ(std::get<Refused>(outcome).record.event, audit::Event::refresh_reuse);
  EXPECT_TRUE(refresh.world.revocations->is_token_revoked(refresh.begun.family.id));
  refresh.token = newest;
  EXPECT_EQ(reason_of(refresh.decide()), "refresh_token_revoked");
}
INSTANTIATE_TEST_SUITE_P(Rows, RefreshReuse, testing::Values(
    ReuseRow{"thirty_seconds_and_a_bit_later", [](Refresh& r) { r.world.clock.time += Milliseconds{30'001}; }},
    ReuseRow{"after_the_successor_was_used", [](Refresh& r) { r.refresh(); }},
    ReuseRow{"after_the_successor_was_a_subject",
             [](Refresh& r) { EXPECT_TRUE(run(r.world.refresh_tokens->mark_used(r.begun.family.id, 1))); }},
    ReuseRow{"two_generations_later", [](Refresh& r) { r.refresh(), r.refresh(); }}),
    [](const auto& row) { return std::string(row.param.name); });

struct Row {
  const char* name;
  std::function<void(Refresh&)> change;
  const char* reason;
  const char* error;
};
class RefreshRefusal : public testing::TestWithParam<Row> {};
TEST_P(RefreshRefusal, names_its_reason_and_revokes_nothing) {
  Refresh refresh;
  GetParam().change(refresh);
  const bool revoked_before = refresh.family().revoked;
  const Outcome outcome = refresh.decide();
  EXPECT_EQ(reason_of(outcome), GetParam().reason);
  EXPECT_EQ(error_of(outcome), GetParam().error);
  EXPECT_EQ(refresh.family().revoked, revoked_before);
}
void bind_to_device(Refresh& r) {
  r.begun = r.world.begin_refresh(r.session, "writ-cli", "dev_1");
  r.token = r.begun.token, r.agent = "writ-cli";
}
INSTANTIATE_TEST_SUITE_P(Rows, RefreshRefusal, testing::Values(
    Row{"absent", [](Refresh& r) { r.token.clear(); }, "missing_parameter", "invalid_request"},
    Row{"unknown", [](Refresh& r) { r.token = "wrt_none"; }, "refresh_token_unknown", "invalid_grant"},
    Row{"one_character_more", [](Refresh& r) { r.token += "A"; }, "refresh_token_unknown", "invalid_grant"},
    Row{"its_own_digest", [](Refresh& r) { r.token = digest_of(r.token); }, "refresh_token_unknown", "invalid_grant"},
    Row{"of_another_client", [](Refresh& r) { r.agent = "unmapped"; }, "refresh_token_of_another_client", "invalid_grant"},
    Row{"rotated_one_of_another_client",
        [](Refresh& r) {
          r.refresh(), r.refresh();
          r.token = r.begun.token, r.agent = "unmapped";
        },
        "refresh_token_of_another_client", "invalid_grant"},
    Row{"revoked", [](Refresh& r) { EXPECT_TRUE(run(r.world.refresh_tokens->revoke_family(r.begun.family.id, kNow + Seconds{9}))); },
        "refresh_token_revoked", "invalid_grant"},
    Row{"session_signed_out", [](Refresh& r) { EXPECT_TRUE(run(r.world.sessions->end(r.session.id))); }, "session_ended", "invalid_grant"},
    Row{"session_idle", [](Refresh& r) { r.world.advance(12 * 3600); }, "session_idle", "invalid_grant"},
    Row{"at_the_absolute_end", [](Refresh& r) { r.world.advance(7 * 24 * 3600); }, "refresh_token_expired", "invalid_grant"},
    Row{"user_disabled", [](Refresh& r) { r.world.change([](auto& objects) { objects.users[0].active = false; }); }, "user_disabled",
        "invalid_grant"},
    Row{"agent_disabled", [](Refresh& r) { r.world.change([](auto& objects) { objects.agents[0].active = false; }); }, "agent_disabled",
        "unauthorized_client"},
    Row{"user_not_before_after_the_session",
        [](Refresh& r) { r.world.change([](auto& objects) { objects.users[0].not_before = kNow + Seconds{1}; }); },
        "session_before_not_before", "invalid_grant"},
    Row{"wider_scope", [](Refresh& r) { r.parameters = {{"scope", "openid email"}}; }, "scope_wider_than_granted", "invalid_scope"},
    Row{"malformed_scope", [](Refresh& r) { r.parameters = {{"scope", "openid\temail"}}; }, "scope_malformed", "invalid_scope"},
    Row{"bound_to_a_device_and_no_key", bind_to_device, "device_key_required", "unauthorized_client"},
    Row{"bound_to_another_device",
        [](Refresh& r) {
          bind_to_device(r);
          r.device = "dev_2", r.device_user = "usr_alice";
        },
        "device_key_mismatch", "invalid_grant"},
    Row{"unbound_presented_with_a_device_key",
        [](Refresh& r) {
          r.begun = r.world.begin_refresh(r.session, "writ-cli");
          r.token = r.begun.token, r.agent = "writ-cli", r.device = "dev_1", r.device_user = "usr_alice";
        },
        "device_key_mismatch", "invalid_grant"},
    Row{"device_of_somebody_else",
        [](Refresh& r) {
          bind_to_device(r);
          r.device = "dev_1", r.device_user = "usr_bob";
        },
        "subject_of_another_device_user", "invalid_grant"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Refresh, with_the_right_device_key_goes_on) {
  Refresh refresh;
  bind_to_device(refresh);
  refresh.device = "dev_1", refresh.device_user = "usr_alice";
  refresh.refresh();
}

TEST(Refresh, may_ask_for_less_and_still_keeps_what_was_granted) {
  Refresh refresh;
  refresh.parameters = {{"scope", "openid"}};
  const Outcome outcome = refresh.decide();
  ASSERT_EQ(reason_of(outcome), "granted");
  EXPECT_EQ(text_member(std::get<Granted>(outcome).body, "scope"), "openid");
  EXPECT_EQ(refresh.family().scope, "openid offline_access");
}

TEST(Refresh, a_session_in_use_lives_on_until_its_absolute_end) {
  Refresh refresh;
  for (int i = 0; i < 13; ++i) {
    refresh.world.advance(12 * 3600 - 1);
    refresh.refresh();
  }
  refresh.world.advance(12 * 3600 + 13);
  EXPECT_EQ(reason_of(refresh.decide()), "refresh_token_expired");
}

TEST(RefreshSuccessor, needs_both_the_token_and_the_familys_key) {
  const auto one = begin_family({}, kNow), two = begin_family({}, kNow);
  EXPECT_NE(successor_of(one.token, one.family), successor_of(one.token, two.family));
  EXPECT_NE(successor_of(one.token, one.family), successor_of(two.token, one.family));
  EXPECT_EQ(successor_of(one.token, one.family), successor_of(one.token, one.family));
}

}  // namespace
}  // namespace writ::token_service::idp
