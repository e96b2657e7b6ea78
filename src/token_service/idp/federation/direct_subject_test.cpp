// An upstream provider's ID token as subject token of the exchange.
#include "token_service/idp/federation/direct_subject.h"

#include "token_service/idp/federation/federation_fixture.h"
#include "token_service/idp/token_exchange_grant.h"

namespace writ::token_service::idp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DirectSubjectToken : public FederatedWorld {
 protected:
  DirectSubjectToken() { provider.claims = good_claims("cursor-at-corp"); }
  Outcome exchange(const std::string& token, const char* agent = "cursor", Pairs more = {}) {
    Pairs pairs = {{"grant_type", std::string(oauth::kGrantTokenExchange)}, {"requested_token_type", std::string(oauth::kTokenTypeIdJag)}, {"audience", kOwnRas}, {"resource", kNotes},
                   {"subject_token", token}, {"subject_token_type", std::string(oauth::kTokenTypeIdToken)}};
    pairs.insert(pairs.end(), more.begin(), more.end());
    const auto request = token_request(world, std::move(pairs));
    const auto client = world.client(agent);
    TokenExchangeGrant grant(world.idp);
    return decide(grant, request, client);
  }
  Outcome exchange() { return exchange(provider.sign(provider.claims)); }
  static const audit::Record& record_of(const Outcome& outcome) {
    return std::holds_alternative<Granted>(outcome) ? std::get<Granted>(outcome).record : std::get<Refused>(outcome).record;
  }
};

TEST_F(DirectSubjectToken, GivesAnIdJagWithoutASecondSignIn) {
  const auto outcome = exchange();
  ASSERT_EQ(reason_of(outcome), "granted");
  const auto claims = claims_in(text_member(std::get<Granted>(outcome).body, "access_token"));
  EXPECT_EQ(*claims.find_string("sub"), carol()->id);
  EXPECT_EQ(*claims.find_string("acr"), "c2");
  EXPECT_EQ(*claims.find_int("auth_time"), to_unix_seconds(kNow) - 60);
  EXPECT_EQ(*claims.find_string("sid"), upstream_session_name(kUpstream, "", "up-session-1")) << "so that the provider's logout ends what this gives";
  EXPECT_EQ(record_of(outcome).session, *claims.find_string("sid"));
  EXPECT_EQ(record_of(outcome).user, carol()->id);
  EXPECT_THAT(people.changes, ElementsAre("create by corp"));
  carry_out(outcome);
  EXPECT_THAT(world.sessions->all(), IsEmpty()) << "there is no session here";
}

TEST_F(DirectSubjectToken, IsDecidedByTheGroupsThatItNames) {
  world.allow([](const policy::Question& question) {
    return std::find(question.principal.groups.begin(), question.principal.groups.end(), "eng") != question.principal.groups.end();
  });
  EXPECT_EQ(reason_of(exchange()), "granted");
  provider.claims.set("iat", to_unix_seconds(kNow) - 4), provider.claims.set("groups", json::Array{"sales-dept"});
  EXPECT_EQ(reason_of(exchange()), "no_permit");
  EXPECT_THAT(groups_of_carol(), ElementsAre("sales"));
}

TEST_F(DirectSubjectToken, AnOlderTokenDoesNotBringBackAGroupThatWasTakenAway) {
  const std::string older = provider.sign(provider.claims);
  EXPECT_EQ(reason_of(exchange(older)), "granted");
  provider.claims.set("iat", to_unix_seconds(kNow) - 1), provider.claims.set("groups", json::Array{});
  EXPECT_EQ(reason_of(exchange()), "granted");
  EXPECT_THAT(groups_of_carol(), IsEmpty());
  EXPECT_EQ(reason_of(exchange(older)), "granted");
  EXPECT_THAT(groups_of_carol(), IsEmpty());
}

TEST_F(DirectSubjectToken, EndsWithTheProvidersSession) {
  ASSERT_EQ(reason_of(exchange()), "granted");
  const auto now = to_unix_seconds(kNow);
  const json::Value logout{{"iss", kUpstream}, {"aud", "writ-at-corp"}, {"iat", now}, {"exp", now + 60}, {"jti", "l1"}, {"sid", "up-session-1"},
                           {"events", json::Value{{"http://schemas.openid.net/event/backchannel-logout", json::Object{}}}}};
  EXPECT_EQ(send("POST", "/idp/federation/corp/backchannel-logout", "", form::write({{"logout_token", jose::sign(provider.key, "logout+jwt", logout)}})).status, 200);
  EXPECT_EQ(reason_of(exchange()), "session_ended");
  provider.claims.set("sid", "up-session-2");
  EXPECT_EQ(reason_of(exchange()), "granted");
}

struct Row {
  const char* name;
  std::function<void(FederatedWorld&)> before;
  const char* reason;
};


class RefusedDirectSubject : public DirectSubjectToken, public testing::WithParamInterface<Row> {};
TEST_P(RefusedDirectSubject, SaysWhyInTheRecordAndTheSameToEverybody) {
  GetParam().before(*this);
  const auto outcome = exchange();
  EXPECT_EQ(reason_of(outcome), GetParam().reason);
  if (reason_of(outcome) == "granted" || reason_of(outcome) == "unavailable") return;
  EXPECT_EQ(error_of(outcome), "invalid_grant");
  EXPECT_THAT(std::string(std::get<Refused>(outcome).error.description), testing::HasSubstr("the subject token is not accepted"));
}
const auto claim = [](const char* name, json::Value value) { return [=](FederatedWorld& world) { world.provider.claims.set(name, value); }; };
const auto without = [](const char* name) { return [=](FederatedWorld& world) { world.provider.claims.erase(name); }; };
const auto seconds = [](const char* name, std::int64_t offset) { return claim(name, to_unix_seconds(kNow) + offset); };
INSTANTIATE_TEST_SUITE_P(
    Rules36, RefusedDirectSubject,
    testing::Values(
        Row{"good", [](FederatedWorld&) {}, "granted"},
        Row{"aud_absent", without("aud"), "subject_token_audience"}, Row{"aud_of_the_idp_itself", claim("aud", "writ-at-corp"), "subject_token_audience"},
        Row{"aud_of_another_agent", claim("aud", "unmapped-at-corp"), "subject_token_audience"}, Row{"aud_unknown", claim("aud", "x"), "subject_token_audience"},
        Row{"aud_list_of_one", claim("aud", json::Array{"cursor-at-corp"}), "granted"}, Row{"aud_list_of_two", claim("aud", json::Array{"cursor-at-corp", "x"}), "subject_token_audience"},
        Row{"aud_a_number", claim("aud", 7), "subject_token_audience"}, Row{"azp_of_another", claim("azp", "x"), "subject_token_audience"},
        Row{"iss_unknown", claim("iss", "https://nobody.example"), "subject_token_signature"}, Row{"iss_of_another_connector", claim("iss", kOtherUpstream), "subject_token_audience"},
        Row{"iss_absent", without("iss"), "subject_token_signature"},
        Row{"connector_disabled", [](FederatedWorld& w) { w.edit_connector([](auto& c) { c.active = false; }); }, "subject_token_issuer"},
        Row{"mapping_taken_back", [](FederatedWorld& w) { w.edit_connector([](auto& c) { c.subject_clients.clear(); }); }, "subject_token_audience"},
        Row{"iat_just_young_enough", [](FederatedWorld& w) { seconds("iat", -3600)(w), seconds("exp", 60)(w); }, "granted"},
        Row{"iat_too_old", [](FederatedWorld& w) { seconds("iat", -3601)(w), seconds("exp", 60)(w); }, "subject_token_too_old"},
        Row{"iat_ahead", seconds("iat", 60), "subject_token_times"}, Row{"iat_absent", without("iat"), "subject_token_times"}, Row{"expired", seconds("exp", -31), "subject_token_times"},
        Row{"exp_a_text", claim("exp", "x"), "subject_token_times"}, Row{"sub_absent", without("sub"), "subject_token_malformed"},
        Row{"access_token", [](FederatedWorld& w) { w.provider.type = "at+jwt"; }, "subject_token_wrong_type"}, Row{"id_jag", [](FederatedWorld& w) { w.provider.type = "oauth-id-jag+jwt"; }, "subject_token_wrong_type"},
        Row{"logout_token", claim("events", json::Object{}), "subject_token_wrong_type"},
        Row{"keys_unavailable", [](FederatedWorld& w) {
              w.provider.metadata.set("jwks_uri", "https://login.corp.example/none");
            }, "unavailable"},
        Row{"nobody_here", [](FederatedWorld& w) { w.edit_connector([](auto& c) { c.just_in_time = false; }); }, "subject_not_admitted"},
        Row{"groups_elsewhere", claim("_claim_names", json::Value{{"groups", "s"}}), "subject_not_admitted"}, Row{"unverified_address", claim("email_verified", false), "subject_not_admitted"},
        Row{"disabled", [](FederatedWorld& w) {
              w.world.change([](registry::Objects& o) { o.users[2].links.push_back({kUpstream, "", "up-carol"}); });
            }, "user_disabled"},
        Row{"before_the_users_not_before", [](FederatedWorld& w) {
              w.world.change([](registry::Objects& o) { o.users[0].links.push_back({kUpstream, "", "up-carol"}), o.users[0].not_before = kNow - Seconds{4}; });
            }, "subject_token_before_not_before"},
        Row{"provider_down", [](FederatedWorld& w) { w.provider.is_down = true; }, "unavailable"},
        Row{"directory_down", [](FederatedWorld& w) { w.people.failure = PersonChangeFailure(Unavailable{"store"}); }, "unavailable"}),
    [](const auto& row) { return row.param.name; });

TEST_F(DirectSubjectToken, ATokenForSomebodyElseAsksNothingOfTheProvider) {
  provider.claims.set("aud", "x");
  exchange();
  EXPECT_THAT(provider.requests, IsEmpty());
}

TEST_F(DirectSubjectToken, ARequestThatIsRefusedAnywayCreatesNobody) {
  EXPECT_EQ(reason_of(exchange(provider.sign(provider.claims), "cursor", {{"actor_token", "x"}})), "actor_token_present");
  EXPECT_THAT(people.changes, IsEmpty());
}

TEST_F(DirectSubjectToken, EveryBitOfTheSignatureCounts) {
  const std::string token = provider.sign(provider.claims);
  const auto dot = token.rfind('.');
  auto signature = *base64url::decode(token.substr(dot + 1));
  for (std::size_t i = 0; i < signature.size() * 8; i += 61) {
    signature[i / 8] = static_cast<char>(signature[i / 8] ^ (1 << (i % 8)));
    EXPECT_EQ(reason_of(exchange(token.substr(0, dot + 1) + base64url::encode(signature))), "subject_token_signature") << i;
    signature[i / 8] = static_cast<char>(signature[i / 8] ^ (1 << (i % 8)));
  }
}

}  // namespace
}  // namespace writ::token_service::idp
