// Sign-in at an upstream provider as browser, provider and application see it: requests in, responses out, no sockets.
#include "token_service/idp/federation/authentication_request.h"
#include "token_service/idp/federation/federation_fixture.h"
#include "token_service/idp/federation/pending_sign_in.h"

namespace writ::token_service::idp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class FederatedSignIn : public FederatedWorld {
 protected:
  Session only_session() {
    EXPECT_EQ(world.sessions->all().size(), 1u);
    return world.sessions->all().empty() ? Session{} : world.sessions->all().front();
  }
};

TEST_F(FederatedSignIn, LeadsToTheProviderAndBackToTheApplicationWithACode) {
  const std::string address = go_upstream();
  EXPECT_THAT(address, StartsWith("https://login.corp.example/authorize?"));
  EXPECT_EQ(parameter(address, "client_id"), "writ-at-corp");
  EXPECT_EQ(parameter(address, "redirect_uri"), "https://id.acme.example/idp/federation/corp/callback");
  EXPECT_EQ(parameter(address, "scope"), "openid profile email");
  EXPECT_EQ(parameter(address, "code_challenge_method"), "S256");
  const auto response = come_back();
  EXPECT_THAT(location_of(response), StartsWith(std::string(kCallback) + "?code="));
  EXPECT_EQ(parameter(location_of(response), "state"), "app-state");
  const Session session = only_session();
  EXPECT_EQ(session.user_id, carol()->id);
  EXPECT_EQ(session.acr, "c2");
  EXPECT_THAT(session.amr, ElementsAre("pwd", "mfa"));
  EXPECT_EQ(session.auth_time, kNow - Seconds{60}) << "when the person showed himself there, not here";
  EXPECT_EQ(session.upstream.sid, "up-session-1");
  EXPECT_THAT(groups_of_carol(), ElementsAre("eng"));
  EXPECT_THAT(people.changes, ElementsAre("create by corp"));
  const auto record = world.log.records().back();
  EXPECT_EQ(record.reason, "federated");
  EXPECT_EQ(record.issuer, kUpstream);
}

TEST_F(FederatedSignIn, GivesTheCodeWithTheVerifierAndTheSecretToTheTokenEndpointAlone) {
  const std::string address = go_upstream();
  come_back();
  const auto asked = std::find_if(provider.requests.begin(), provider.requests.end(), [](const auto& request) { return request.method == "POST"; });
  ASSERT_NE(asked, provider.requests.end());
  EXPECT_EQ(*asked->headers.find("Authorization"), "Basic " + base64::encode("writ-at-corp:up+secret"));
  const auto parameters = form::parse(asked->body);
  EXPECT_EQ(*parameters->find("code"), "up-code");
  EXPECT_EQ(base64url::encode(crypto::sha256_bytes(*parameters->find("code_verifier"))), parameter(address, "code_challenge"));
  EXPECT_EQ(parameters->find("client_secret"), nullptr);
}

TEST_F(FederatedSignIn, PassesOnHowTheApplicationWantsThePersonToShowHimself) {
  edit_connector([](auto& connector) { connector.acr = {{"c3", "mfa"}, {"c1", "pwd"}}; });
  const std::string address = go_upstream({{"prompt", "login consent"}, {"max_age", "60"}, {"acr_values", "mfa other"}, {"login_hint", "carol@corp.example"}});
  EXPECT_EQ(parameter(address, "prompt"), "login");
  EXPECT_EQ(parameter(address, "max_age"), "60");
  EXPECT_EQ(parameter(address, "acr_values"), "c3");
  EXPECT_EQ(parameter(address, "login_hint"), "carol@corp.example");
}

TEST_F(FederatedSignIn, KeepsTheAuthenticationContextUnknownWhenTheProviderDoesNotSay) {
  go_upstream();
  for (const char* name : {"auth_time", "acr", "amr"}) provider.claims.erase(name);
  come_back();
  const Session session = only_session();
  EXPECT_EQ(session.auth_time, Instant{});
  EXPECT_EQ(authentication_of(session, kNow).age, Seconds{36500LL * 24 * 3600}) << "a sign-in that nobody dates is too old for every rule that asks";
  EXPECT_EQ(world.id_claims(session, "cursor-idp").find("auth_time"), nullptr);
}

TEST_F(FederatedSignIn, SurvivesARestartAndEndsWhenItsConnectorSays) {
  edit_connector([](auto& connector) { connector.session_max_seconds = 600; });
  go_upstream();
  come_back();
  const auto reopened = SessionStore::open(world.documents, world.idp_settings.session_absolute_seconds);
  ASSERT_TRUE(reopened);
  const auto session = (*reopened)->find(only_session().id);
  EXPECT_EQ(session->upstream.connector, "corp");
  const auto problem = [&](std::int64_t after) {
    const auto live = check_live(session, *world.registry.get(), *world.revocations, world.idp_settings, kNow + Seconds{after});
    return live ? std::string() : std::string(to_string(live.error()));
  };
  EXPECT_EQ(problem(599), "");
  EXPECT_EQ(problem(600), "session_too_old");
}

// ---- groups are read again at each sign-in

TEST_F(FederatedSignIn, ReadsTheGroupsAgainEachTimeAndWritesOnlyWhatIsNew) {
  go_upstream(), come_back();
  go_upstream(), come_back();
  EXPECT_THAT(people.changes, ElementsAre("create by corp")) << "nothing new, nothing written";
  provider.claims.set("groups", json::Array{"sales-dept"});
  go_upstream(), come_back();
  EXPECT_THAT(groups_of_carol(), ElementsAre("sales"));
  provider.claims.erase("groups");
  go_upstream(), come_back();
  EXPECT_THAT(groups_of_carol(), IsEmpty());
}

TEST_F(FederatedSignIn, TakesGroupsThatOnlyUserinfoHas) {
  provider.claims.erase("groups");
  provider.userinfo.set("groups", json::Array{"engineering"});
  go_upstream(), come_back();
  EXPECT_THAT(groups_of_carol(), ElementsAre("eng"));
  const auto asked = std::find_if(provider.requests.begin(), provider.requests.end(), [](const auto& request) { return request.url.ends_with("/userinfo"); });
  EXPECT_EQ(*asked->headers.find("Authorization"), "Bearer up-access");
}

TEST_F(FederatedSignIn, AsksNoUserinfoWhereTheConnectorDoesNotWantIt) {
  edit_connector([](auto& connector) { connector.userinfo = false; });
  go_upstream(), come_back();
  EXPECT_EQ(provider.count("https://login.corp.example/userinfo"), 0);
  EXPECT_THAT(groups_of_carol(), ElementsAre("eng"));
}

// ---- more groups than fit into a token (Entra)

const std::string kGroupsUrl = "https://login.corp.example/v1.0/me/transitiveMemberOf/microsoft.graph.group?$select=id&$top=999";
const std::string kNextGroupsUrl = "https://login.corp.example/v1.0/me/transitiveMemberOf/microsoft.graph.group?$skiptoken=x";

json::Value page_of(std::vector<std::string> ids, std::string next = "") {
  json::Array values;
  for (std::string& id : ids) values.push_back(json::Value{{"id", std::move(id)}});
  json::Value page{{"value", std::move(values)}};
  if (!next.empty()) page.set("@odata.nextLink", std::move(next));
  return page;
}

class GroupOverage : public FederatedSignIn {
 protected:
  GroupOverage() {
    edit_connector([](auto& connector) { connector.group_overage = true; });
    provider.claims.erase("groups");
    provider.claims.set("_claim_names", json::Value{{"groups", "src1"}});
    provider.claims.set("_claim_sources", json::Value{{"src1", json::Value{{"endpoint", "https://evil.example/groups"}}}});
  }
};

TEST_F(GroupOverage, IsAskedForPageByPageWithTheSignInsOwnToken) {
  provider.pages = {{kGroupsUrl, page_of({"unknown-1"}, kNextGroupsUrl)}, {kNextGroupsUrl, page_of({"engineering"})}};
  go_upstream(), come_back();
  EXPECT_THAT(groups_of_carol(), ElementsAre("eng"));
  for (const auto& request : provider.requests) {
    EXPECT_EQ(request.url.find("evil.example"), std::string::npos) << "what the token names is not asked";
    if (request.url.find("/v1.0/") != std::string::npos) {
      EXPECT_EQ(*request.headers.find("Authorization"), "Bearer up-access");
    }
  }
}

TEST_F(GroupOverage, IsAskedForByTheOtherHintToo) {
  provider.claims.erase("_claim_names");
  provider.claims.set("hasgroups", true);
  provider.pages = {{kGroupsUrl, page_of({"engineering"})}};
  go_upstream(), come_back();
  EXPECT_THAT(groups_of_carol(), ElementsAre("eng"));
}

struct OveragePage {
  const char* name;
  std::map<std::string, json::Value> pages;
};
class BadGroupOverage : public GroupOverage, public testing::WithParamInterface<OveragePage> {};
TEST_P(BadGroupOverage, SignsNobodyIn) {
  provider.pages = GetParam().pages;
  go_upstream();
  EXPECT_EQ(come_back().status, 503);
  EXPECT_THAT(world.sessions->all(), IsEmpty());
  for (const auto& request : provider.requests) EXPECT_EQ(request.url.find("evil.example"), std::string::npos);
}
INSTANTIATE_TEST_SUITE_P(Rows, BadGroupOverage,
                         testing::Values(OveragePage{"not_there", {}}, OveragePage{"no_list", {{kGroupsUrl, json::Value{{"value", "engineering"}}}}},
                                         OveragePage{"a_group_without_id", {{kGroupsUrl, json::Value{{"value", json::Array{json::Value{{"name", "engineering"}}}}}}}},
                                         OveragePage{"second_page_not_there", {{kGroupsUrl, page_of({"engineering"}, kNextGroupsUrl)}}},
                                         OveragePage{"next_page_elsewhere", {{kGroupsUrl, page_of({"engineering"}, "https://evil.example/v1.0/")}}},
                                         OveragePage{"next_page_is_no_text", {{kGroupsUrl, json::Value{{"value", json::Array{}}, {"@odata.nextLink", 1}}}}},
                                         OveragePage{"pages_without_end", {{kGroupsUrl, page_of({}, kGroupsUrl)}}}),
                         [](const auto& row) { return std::string(row.param.name); });

// ---- refusals, row by row: one change to a good sign-in

struct Row {
  const char* name;
  std::function<void(FederatedWorld&)> before;   // after the browser left
  Pairs answer;                                  // {} : a good one
  const char* reason;
};


class RefusedFederation : public FederatedWorld, public testing::WithParamInterface<Row> {};

TEST_P(RefusedFederation, SaysWhyInTheRecordAndGivesNothing) {
  go_upstream();
  if (GetParam().before) GetParam().before(*this);
  Pairs answer = {{"code", "up-code"}, {"state", state}, {"iss", kUpstream}};
  for (const auto& [name, value] : GetParam().answer) {
    std::erase_if(answer, [&, &field = name](const auto& pair) { return pair.first == field; });
    if (value == "(twice)") answer.insert(answer.end(), {{name, "a"}, {name, "a"}});
    else if (!value.empty()) answer.emplace_back(name, value);
  }
  const auto response = come_back(answer);
  EXPECT_EQ(response.headers.find("Location"), nullptr);
  EXPECT_THAT(response.body, HasSubstr("role=\"alert\"")) << "the person is told, and may try again";
  EXPECT_EQ(last_reason(), GetParam().reason);
  EXPECT_EQ(world.log.records().back().effect, audit::Effect::deny);
  EXPECT_THAT(world.sessions->all(), IsEmpty());
  EXPECT_EQ(response.body.find("up-code"), std::string::npos) << "T11: nothing of the answer is repeated";
}

const auto claim = [](const char* name, json::Value value) { return [=](FederatedWorld& world) { world.provider.claims.set(name, value); }; };
INSTANTIATE_TEST_SUITE_P(
    OB131, RefusedFederation,
    testing::Values(
        Row{"state_absent", {}, {{"state", ""}}, "upstream_state_unknown"}, Row{"state_of_nobody", {}, {{"state", std::string(43, 'A')}}, "upstream_state_unknown"},
        Row{"state_malformed", {}, {{"state", "../x"}}, "upstream_state_unknown"}, Row{"state_twice", {}, {{"state", "(twice)"}}, "upstream_state_unknown"},
        Row{"another_browser", [](FederatedWorld& w) { w.cookies.clear(); }, {}, "upstream_state_unknown"},
        Row{"cookie_changed", [](FederatedWorld& w) { for (auto& [name, value] : w.cookies) value[value.size() / 2] = value[value.size() / 2] == 'A' ? 'B' : 'A'; }, {}, "upstream_state_unknown"},
        Row{"too_late", [](FederatedWorld& w) { w.world.advance(600); }, {}, "upstream_state_unknown"},
        Row{"connector_disabled_meanwhile", [](FederatedWorld& w) { w.edit_connector([](auto& c) { c.active = false; }); }, {}, "upstream_connector_mismatch"},
        Row{"iss_absent_though_promised", {}, {{"iss", ""}}, "upstream_iss_mismatch"}, Row{"iss_of_another", {}, {{"iss", kOtherUpstream}}, "upstream_iss_mismatch"},
        Row{"iss_with_a_slash", {}, {{"iss", std::string(kUpstream) + "/"}}, "upstream_iss_mismatch"}, Row{"iss_twice", {}, {{"iss", "(twice)"}}, "upstream_state_unknown"},
        Row{"code_absent", {}, {{"code", ""}}, "upstream_no_code"}, Row{"code_twice", {}, {{"code", "(twice)"}}, "upstream_state_unknown"},
        Row{"cancelled", {}, {{"code", ""}, {"error", "access_denied"}}, "upstream_access_denied"}, Row{"error", {}, {{"error", "server_error"}}, "upstream_error"},
        Row{"error_of_another_provider", {}, {{"error", "access_denied"}, {"iss", kOtherUpstream}}, "upstream_iss_mismatch"},
        Row{"secret_gone", [](FederatedWorld& w) { w.secrets.is_gone = true; }, {}, "upstream_secret_unavailable"},
        Row{"code_refused", [](FederatedWorld& w) { w.provider.token_status = 400; }, {}, "upstream_refused_code"},
        Row{"provider_down", [](FederatedWorld& w) { w.provider.is_down = true; }, {}, "upstream_unreachable"},
        Row{"no_id_token", [](FederatedWorld& w) { w.provider.token_answer = json::Value{{"access_token", "a"}, {"token_type", "Bearer"}}; }, {}, "upstream_no_id_token"},
        Row{"id_token_is_none", [](FederatedWorld& w) { w.provider.token_answer = json::Value{{"id_token", "eyJhbGciOiJub25lIn0.e30."}}; }, {}, "upstream_token_malformed"},
        Row{"id_token_of_a_stranger", [](FederatedWorld& w) {
              const jose::SigningKey stranger{"up1", crypto::Algorithm::rs256, crypto::PrivateKey::generate(crypto::Algorithm::rs256)};
              w.provider.token_answer = json::Value{{"id_token", jose::sign(stranger, "JWT", w.provider.claims)}};
            }, {}, "upstream_token_signature"},
        Row{"nonce_of_another_sign_in", claim("nonce", "n"), {}, "upstream_token_nonce"}, Row{"for_another_client", claim("aud", "cursor-at-corp"), {}, "upstream_token_audience"},
        Row{"expired", claim("exp", to_unix_seconds(kNow) - 31), {}, "upstream_token_times"}, Row{"at_hash_wrong", claim("at_hash", "AAAA"), {}, "upstream_token_access_token_hash"},
        Row{"an_access_token_instead", [](FederatedWorld& w) { w.provider.type = "at+jwt"; }, {}, "upstream_token_wrong_type"},
        Row{"userinfo_fails", [](FederatedWorld& w) { w.provider.userinfo_status = 500; }, {}, "upstream_userinfo_failed"},
        Row{"userinfo_of_another", [](FederatedWorld& w) { w.provider.userinfo = json::Value{{"sub", "up-mallory"}}; }, {}, "upstream_userinfo_of_another"},
        Row{"userinfo_of_nobody", [](FederatedWorld& w) { w.provider.userinfo = json::Value{{"name", "x"}}; }, {}, "upstream_userinfo_of_another"},
        Row{"userinfo_is_no_json", [](FederatedWorld& w) { w.provider.userinfo_type = "application/jwt"; }, {}, "upstream_answer_malformed"},
        Row{"groups_elsewhere", claim("_claim_names", json::Value{{"groups", "src1"}}), {}, "upstream_groups_elsewhere"},
        Row{"unverified_address", claim("email_verified", false), {}, "email_not_verified"}, Row{"name_taken", claim("preferred_username", "alice"), {}, "collision_name_taken"},
        Row{"directory_refuses", [](FederatedWorld& w) { w.people.failure = PersonChangeFailure(ChangeRefused{"no"}); }, {}, "collision_change_refused"}),
    [](const auto& row) { return row.param.name; });

TEST_F(FederatedSignIn, ThatTheDirectoryCannotTakeNowIsNone) {
  go_upstream();
  people.failure = PersonChangeFailure(Unavailable{"store"});
  EXPECT_EQ(come_back().status, 503);
  EXPECT_THAT(world.sessions->all(), IsEmpty());
}

TEST_F(FederatedSignIn, ThatCannotBeRecordedIsNone) {
  go_upstream();
  world.log.fail_from_now_on(true);
  EXPECT_EQ(come_back().status, 503);
  EXPECT_THAT(world.sessions->all(), IsEmpty());
}

TEST_F(FederatedSignIn, AnAnswerIsTakenOnce) {
  go_upstream();
  come_back();
  come_back();
  EXPECT_EQ(last_reason(), "upstream_state_unknown");
}

TEST_F(FederatedSignIn, AnAnswerAtAnotherConnectorsAddressIsNone) {
  go_upstream();
  get("/federation/other/callback", {{"code", "c"}, {"state", state}, {"iss", kOtherUpstream}});
  EXPECT_EQ(last_reason(), "upstream_connector_mismatch") << "mix-up";
}

// A6: what an administrator disabled stays disabled, whatever the person does.
TEST_F(FederatedSignIn, DoesNotBringBackWhoWasDisabledOrRemoved) {
  go_upstream(), come_back();
  const std::string id = carol()->id;
  world.change([&](registry::Objects& objects) { objects.users.edit_each([&](auto& user) { user.active = user.active && user.id != id; }); });
  go_upstream(), come_back();
  EXPECT_EQ(last_reason(), "user_disabled");
  EXPECT_EQ(world.log.records().back().user, id);
  EXPECT_FALSE(carol()->active);
  world.change([&](registry::Objects& objects) { objects.users.erase_if([&](const auto& user) { return user.id == id; }); });
  edit_connector([](auto& connector) { connector.just_in_time = false; });
  go_upstream(), come_back();
  EXPECT_EQ(last_reason(), "user_unknown");
}

TEST_F(FederatedSignIn, WhatTheBrowserCarriesIsCheckedAgainWhenItComesBack) {
  go_upstream();
  world.change([](registry::Objects& objects) { objects.agents.front().active = false; });
  const auto response = come_back();
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.headers.find("Location"), nullptr);
}

TEST_F(FederatedSignIn, MaxAgeOfTheApplicationIsHeldAgainstTheProvidersAuthTime) {
  go_upstream({{"max_age", "10"}});
  come_back();
  EXPECT_EQ(last_reason(), "upstream_token_authentication_too_old");
  go_upstream({{"max_age", "10"}});
  provider.claims.erase("auth_time");
  come_back();
  EXPECT_EQ(last_reason(), "upstream_token_auth_time_missing");
}

// ---- the page, and which provider it is

TEST_F(FederatedSignIn, ThePageOffersEveryActiveProviderAndThePassword) {
  const auto page = get("/authorize", asked());
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr(">Continue with Corp Login</a>"));
  EXPECT_THAT(page.body, HasSubstr(">Continue with other</a>"));
  EXPECT_THAT(page.body, HasSubstr("name=\"email\""));
  EXPECT_THAT(page.body, HasSubstr("name=\"password\""));
  edit_connector([](auto& connector) { connector.active = false; });
  EXPECT_THAT(get("/authorize", asked()).body, Not(HasSubstr("Corp Login")));
}

TEST_F(FederatedSignIn, AnAddressFindsItsProvider) {
  EXPECT_THAT(location_of(get("/authorize", asked({{"login_hint", "carol@CORP.example"}}))), StartsWith("https://login.corp.example/authorize?"));
  const auto typed = get("/federation/start", {{"email", "carol@corp.example"}, {"continue", form::write(asked())}});
  EXPECT_EQ(typed.status, 200) << "no redirect behind a form: browsers hold it against form-action";
  EXPECT_THAT(typed.body, HasSubstr("http-equiv=\"refresh\" content=\"0;url=https://login.corp.example/authorize?"));
  EXPECT_THAT(typed.body, HasSubstr("login_hint=carol%40corp.example"));
  for (const char* email : {"carol@unknown.example", "carol", "@corp.example", "a@b@corp.example"}) {
    EXPECT_EQ(get("/federation/start", {{"email", email}}).status, 400) << email;
  }
}

TEST_F(FederatedSignIn, TheOnlyWayInIsTakenAtOnceUnlessSomethingWentWrong) {
  world.change([](registry::Objects& objects) {
    objects.identity_connectors.pop_back();
    objects.users.edit_each([](auto& user) { user.password_hash.clear(); });
  });
  EXPECT_THAT(location_of(get("/authorize", asked())), StartsWith("https://login.corp.example/authorize?"));
  go_upstream();
  const auto page = come_back({{"error", "access_denied"}, {"state", state}, {"iss", kUpstream}});
  EXPECT_EQ(page.status, 400);
  EXPECT_THAT(page.body, HasSubstr("Continue with Corp Login"));
  EXPECT_THAT(page.body, Not(HasSubstr("name=\"password\""))) << "nobody has one";
}

TEST_F(FederatedSignIn, PromptNoneNeverLeavesForAProvider) {
  EXPECT_EQ(parameter(location_of(get("/authorize", asked({{"prompt", "none"}, {"login_hint", "carol@corp.example"}}))), "error"), "login_required");
}

TEST_F(FederatedSignIn, NothingIsStartedWithAProviderThatIsDownDisabledOrUnknown) {
  EXPECT_EQ(get("/federation/start", {{"connector", "nobody"}}).status, 400);
  EXPECT_EQ(get("/federation/start", {{"connector", "other"}}).status, 503);
  edit_connector([](auto& connector) { connector.active = false; });
  EXPECT_EQ(get("/federation/start", {{"connector", "corp"}}).status, 400);
  EXPECT_EQ(get("/federation/corp/elsewhere", {}).status, 404);
}

TEST_F(FederatedSignIn, ManyBeginningsDoNotFillTheBrowser) {
  for (int i = 0; i < 20; ++i) go_upstream();
  EXPECT_LE(cookies.size(), 6u);
  EXPECT_THAT(location_of(come_back()), StartsWith(kCallback)) << "the latest one still works";
}

}  // namespace
}  // namespace writ::token_service::idp
