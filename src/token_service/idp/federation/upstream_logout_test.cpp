#include "token_service/idp/federation/upstream_logout.h"

#include "token_service/idp/federation/federation_fixture.h"

namespace writ::token_service::idp {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class UpstreamLogout : public FederatedWorld {
 protected:
  json::Value logout_claims() {
    const auto now = to_unix_seconds(world.clock.time);
    return json::Value{{"iss", kUpstream}, {"aud", "writ-at-corp"}, {"iat", now}, {"exp", now + 120}, {"jti", "lt-1"}, {"sub", "up-carol"}, {"sid", "up-session-1"},
                       {"events", json::Value{{"http://schemas.openid.net/event/backchannel-logout", json::Object{}}}}};
  }
  http::Response post_text(const std::string& token, const char* connector = "corp") {
    return send("POST", std::string("/idp/federation/") + connector + "/backchannel-logout", "", form::write({{"logout_token", token}}));
  }
  http::Response post(const json::Value& claims, const char* type = "logout+jwt") { return post_text(jose::sign(provider.key, type, claims)); }
  // The new session's id.
  std::string sign_in() {
    std::set<std::string> before;
    for (const auto& session : world.sessions->all()) before.insert(session.id);
    go_upstream(), come_back();
    for (const auto& session : world.sessions->all()) {
      if (!before.contains(session.id)) return session.id;
    }
    ADD_FAILURE() << "nobody signed in: " << last_reason();
    return {};
  }
  bool is_live(const std::string& sid) { return check_live(world.sessions->find(sid), *world.registry.get(), *world.revocations, world.idp_settings, world.clock.time).has_value(); }
};

TEST_F(UpstreamLogout, EndsTheSessionThatItNamesAtOnceAndNoOther) {
  const std::string first = sign_in();
  provider.claims.set("sid", "up-session-2");
  const std::string second = sign_in();
  EXPECT_EQ(post(logout_claims()).status, 200);
  EXPECT_FALSE(is_live(first));
  EXPECT_TRUE(is_live(second));
  EXPECT_TRUE(world.revocations->is_session_ended(upstream_session_name(kUpstream, "", "up-session-1"))) << "what direct subject tokens gave ends too";
  EXPECT_EQ(world.log.records().back().user, carol()->id);
}

TEST_F(UpstreamLogout, WithoutASessionEndsEverythingOfThePerson) {
  const std::string sid = sign_in();
  json::Value claims = logout_claims();
  claims.erase("sid");
  world.advance(1);
  EXPECT_EQ(post(claims).status, 200);
  EXPECT_FALSE(is_live(sid));
  EXPECT_EQ(carol()->not_before, world.clock.time);
}

struct Row {
  const char* name;
  std::function<void(json::Value&)> change;
  const char* reason;   // "": accepted
};
class LogoutTokens : public UpstreamLogout, public testing::WithParamInterface<Row> {};
TEST_P(LogoutTokens, AreJudgedForTheirReason) {
  const std::string sid = sign_in();
  json::Value claims = logout_claims();
  GetParam().change(claims);
  const bool is_good = std::string(GetParam().reason).empty();
  EXPECT_EQ(post(claims).status, is_good ? 200 : 400);
  EXPECT_EQ(is_live(sid), !is_good);
  if (!is_good) {
    EXPECT_EQ(last_reason(), GetParam().reason);
  }
}
const auto set = [](const char* name, json::Value value) { return [=](json::Value& claims) { claims.set(name, value); }; };
const auto without = [](const char* name) { return [=](json::Value& claims) { claims.erase(name); }; };
INSTANTIATE_TEST_SUITE_P(
    BackChannelLogout26, LogoutTokens,
    testing::Values(
        Row{"good", [](json::Value&) {}, ""}, Row{"by_session_alone", without("sub"), ""}, Row{"by_subject_alone", without("sid"), ""},
        Row{"names_nobody", [](json::Value& claims) { claims.erase("sub"), claims.erase("sid"); }, "logout_token_names_nobody"}, Row{"sid_a_number", set("sid", 7), "logout_token_names_nobody"},
        Row{"sub_a_list", set("sub", json::Array{"up-carol"}), "logout_token_names_nobody"},
        Row{"iss_absent", without("iss"), "logout_token_issuer"}, Row{"iss_of_another", set("iss", kOtherUpstream), "logout_token_issuer"}, Row{"iss_a_number", set("iss", 1), "logout_token_issuer"},
        Row{"aud_absent", without("aud"), "logout_token_audience"}, Row{"aud_of_another", set("aud", "cursor-at-corp"), "logout_token_audience"},
        Row{"aud_us_and_another", set("aud", json::Array{"writ-at-corp", "x"}), "logout_token_audience"},
        Row{"iat_absent", without("iat"), "logout_token_times"}, Row{"exp_absent", without("exp"), "logout_token_times"}, Row{"expired", set("exp", to_unix_seconds(kNow) - 31), "logout_token_times"},
        Row{"lives_a_day", set("exp", to_unix_seconds(kNow) + 86'400), "logout_token_times"}, Row{"exp_a_text", set("exp", "1"), "logout_token_times"},
        Row{"jti_absent", without("jti"), "logout_token_jti"}, Row{"jti_empty", set("jti", ""), "logout_token_jti"}, Row{"jti_a_number", set("jti", 1), "logout_token_jti"},
        Row{"events_absent", without("events"), "logout_token_events"}, Row{"events_a_list", set("events", json::Array{}), "logout_token_events"},
        Row{"another_event", set("events", json::Value{{"http://example/x", json::Object{}}}), "logout_token_events"},
        Row{"event_no_object", set("events", json::Value{{"http://schemas.openid.net/event/backchannel-logout", true}}), "logout_token_events"},
        Row{"nonce_present", set("nonce", "n"), "logout_token_has_nonce"}, Row{"nonce_null", set("nonce", nullptr), "logout_token_has_nonce"}),
    [](const auto& row) { return row.param.name; });

TEST_F(UpstreamLogout, TakesEachTokenOnce) {
  EXPECT_EQ(post(logout_claims()).status, 200);
  const std::string sid = sign_in();
  EXPECT_EQ(post(logout_claims()).status, 400);
  EXPECT_EQ(last_reason(), "logout_token_replayed");
  EXPECT_TRUE(is_live(sid));
}

TEST_F(UpstreamLogout, TakesNoTokenOfAnotherKindOrKey) {
  const std::string sid = sign_in();
  EXPECT_EQ(post(provider.claims, "JWT").status, 400) << "an ID token";
  EXPECT_EQ(post(logout_claims(), "at+jwt").status, 400);
  EXPECT_EQ(last_reason(), "logout_token_wrong_type");
  const jose::SigningKey stranger{"up1", crypto::Algorithm::rs256, crypto::PrivateKey::generate(crypto::Algorithm::rs256)};
  EXPECT_EQ(post_text(jose::sign(stranger, "logout+jwt", logout_claims())).status, 400);
  EXPECT_EQ(last_reason(), "logout_token_signature");
  EXPECT_EQ(post_text("x").status, 400);
  EXPECT_EQ(last_reason(), "logout_token_malformed");
  EXPECT_EQ(send("POST", "/idp/federation/corp/backchannel-logout", "", "").status, 400);
  EXPECT_EQ(post_text("x", "nobody").status, 404);
  EXPECT_TRUE(is_live(sid));
}

TEST_F(UpstreamLogout, SigningOutHereLeadsToTheProviderAndOnToTheApplication) {
  const auto session = *world.sessions->find(sign_in());
  const auto hint = world.id_token(session, "cursor-idp");
  const auto out = get("/logout", {{"id_token_hint", hint}, {"post_logout_redirect_uri", kCallback}, {"state", "bye"}});
  const std::string address = location_of(out);
  EXPECT_THAT(address, StartsWith("https://login.corp.example/logout?"));
  EXPECT_EQ(parameter(address, "post_logout_redirect_uri"), "https://id.acme.example/idp/federation/corp/signed-out");
  EXPECT_FALSE(is_live(session.id));
  const std::string carried = parameter(address, "state");
  EXPECT_EQ(location_of(get("/federation/corp/signed-out", {{"state", carried}})), std::string(kCallback) + "?state=bye");
  // An open redirect would be a present for phishers.
  for (const std::string& forged : {base64url::encode("https://evil.example") + carried.substr(carried.find('.')), std::string("x"), std::string("."), carried + "A"}) {
    const auto page = get("/federation/corp/signed-out", {{"state", forged}});
    EXPECT_EQ(page.status, 200) << forged;
    EXPECT_THAT(page.body, HasSubstr("You are signed out"));
  }
  EXPECT_EQ(get("/federation/other/signed-out", {{"state", carried}}).status, 200) << "for that connector only";
}

TEST_F(UpstreamLogout, StaysHereWhereTheConnectorWantsIt) {
  edit_connector([](auto& connector) { connector.sign_out_upstream = false; });
  const auto hint = world.id_token(*world.sessions->find(sign_in()), "cursor-idp");
  EXPECT_EQ(get("/logout", {{"id_token_hint", hint}}).status, 200);
}

}  // namespace
}  // namespace writ::token_service::idp
