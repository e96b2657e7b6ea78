#include "upstreams/credentials/accounts.h"

#include "upstreams/credentials/credentials_fixture.h"

namespace writ::upstreams {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;

class LinkedAccountsTest : public CredentialsTest {
 public:
  LinkedAccountsTest() {
    use(registry::UpstreamOAuth::Grant::authorization_code);
    as.at["https://as.crm.example/jwks"] = [this](const auto&) { return ScriptedOutgoing::json(jose::to_json(jose::KeySet({as_key.public_jwk()}))); };
    as.at["https://as.crm.example/userinfo"] = [this](const auto&) { return ScriptedOutgoing::json(userinfo); };
  }
  LinkingPerson person(const char* user = "usr_alice", const char* session = "ses_1") { return {user, session, "192.0.2.7"}; }
  Result<BegunLink, LinkRefused> begin(LinkingPerson who) { return run(executor, begin_link(accounts, snapshot, "crm", std::move(who))); }
  static std::string parameter(const std::string& location, const char* name) {
    const auto query = form::parse(location.substr(location.find('?') + 1));
    const auto* value = query ? query->find(name) : nullptr;
    return value ? *value : std::string();
  }
  using Answer = std::vector<std::pair<std::string, std::string>>;
  // Linked: how it is shown. Else the reason.
  std::string finish(const BegunLink& begun, LinkingPerson who, const std::function<void(Answer&)>& change = [](Answer&) {}) {
    Answer answer{{"code", "c-1"}, {"state", begun.state}, {"iss", kAs}};
    change(answer);
    auto finished = run(executor, finish_link(accounts, snapshot, "crm", form::Parameters(std::move(answer)), begun.sealed, std::move(who)));
    settle();
    return finished ? *finished : "refused: " + finished.error().reason;
  }
  void say_who(const BegunLink& begun, const std::string& subject, const std::string& email) {
    const auto now = to_unix_seconds(clock.time);
    id_claims = json::Value{{"iss", kAs}, {"sub", subject}, {"aud", "writ-at-crm"}, {"iat", now}, {"exp", now + 300}, {"nonce", parameter(begun.location, "nonce")}, {"email", email}, {"email_verified", true}};
  }
  std::string link(const char* user = "usr_alice", const char* subject = "as-alice", const char* email = "alice@acme.example") {
    auto begun = begin(person(user));
    if (!begun) return "refused: " + begun.error().reason;
    say_who(*begun, subject, email);
    return finish(*begun, person(user));
  }
  void tick(Seconds later = Seconds{0}) {
    clock.time += later;
    accounts->tick(*snapshot, clock.time);
    settle();
    settle();
  }
  std::vector<std::string> revoked() const {
    std::vector<std::string> tokens;
    for (const auto* request : as.to(kAsRevoke)) tokens.push_back(sent(*request, "token"));
    return tokens;
  }
  json::Value userinfo{{"sub", "as-alice"}};
};

TEST_F(LinkedAccountsTest, WithoutOneThePersonIsSentToThePage) {
  EXPECT_EQ(send(), "needs account at https://writ.example/accounts?server=crm");
  EXPECT_TRUE(server.requests.empty());
}

TEST_F(LinkedAccountsTest, TheRequestHasEverythingThatProtectsTheAnswer) {
  const auto begun = begin(person());
  ASSERT_TRUE(begun);
  EXPECT_TRUE(begun->location.starts_with("https://as.crm.example/authorize?"));
  const auto of = [&](const char* name) { return parameter(begun->location, name); };
  EXPECT_EQ(of("response_type"), "code");
  EXPECT_EQ(of("client_id"), "writ-at-crm");
  EXPECT_EQ(of("redirect_uri"), "https://writ.example/accounts/callback/crm");
  EXPECT_EQ(of("scope"), "crm:read crm:write");
  EXPECT_EQ(of("resource"), kCrm);
  EXPECT_EQ(of("code_challenge_method"), "S256");
  EXPECT_EQ(of("state"), begun->state);
  EXPECT_GE(of("nonce").size(), 22u);
  say_who(*begun, "as-alice", "alice@acme.example");
  ASSERT_EQ(finish(*begun, person()), "alice@acme.example");
  const auto& exchange = *as.to(kAsToken)[0];
  EXPECT_EQ(of("code_challenge"), base64url::encode(crypto::sha256_bytes(sent(exchange, "code_verifier"))));
  EXPECT_EQ(sent(exchange, "redirect_uri"), of("redirect_uri"));
  EXPECT_EQ(sent(exchange, "code"), "c-1");
}

TEST_F(LinkedAccountsTest, ALinkedAccountIsUsedForItsOwnerAlone) {
  ASSERT_EQ(link("usr_alice"), "alice@acme.example");
  ASSERT_EQ(link("usr_bob", "as-bob", "bob@acme.example"), "bob@acme.example");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(send(request("usr_alice")), "200");
    EXPECT_EQ(send(request("usr_bob")), "200");
  }
  EXPECT_THAT(server.tokens, ElementsAre("Bearer token-1", "Bearer token-2", "Bearer token-1", "Bearer token-2", "Bearer token-1", "Bearer token-2"));
  EXPECT_THAT(reasons(), ElementsAre("linked", "linked"));
}

TEST_F(LinkedAccountsTest, OneAccountIsNotLinkedByTwoPeople) {
  ASSERT_EQ(link("usr_alice", "as-shared", "alice@acme.example"), "alice@acme.example");
  EXPECT_EQ(link("usr_bob", "as-shared", "alice@acme.example"), "refused: account_of_another_person");
  EXPECT_THAT(send(request("usr_bob")), HasSubstr("needs account"));
  EXPECT_THAT(revoked(), ElementsAre("refresh-2", "token-2")) << "what is not kept is given back";
  EXPECT_THAT(reasons(), ElementsAre("linked", "account_of_another_person"));
}

TEST_F(LinkedAccountsTest, APersonalAccountIsNeverLinked) {
  EXPECT_EQ(link("usr_alice", "as-alice", "alice@home.example"), "refused: account_of_another_domain");
  EXPECT_THAT(send(), HasSubstr("needs account"));
  EXPECT_TRUE(store->all().empty());
  EXPECT_THAT(revoked(), ElementsAre("refresh-1", "token-1"));
  EXPECT_THAT(reasons(), ElementsAre("account_of_another_domain"));
  for (const auto& record : log.records()) EXPECT_TRUE(record.more.empty()) << "whose personal account it was is nobody's business";
}

struct AnswerRow {
  const char* name;
  std::function<void(LinkedAccountsTest&, LinkedAccountsTest::Answer&)> change;
  const char* reason;
};
class Answers : public LinkedAccountsTest, public testing::WithParamInterface<AnswerRow> {};
TEST_P(Answers, AreJudgedBeforeTheirCodeIsSpent) {
  const auto begun = begin(person());
  ASSERT_TRUE(begun);
  say_who(*begun, "as-alice", "alice@acme.example");
  EXPECT_EQ(finish(*begun, person(), [&](Answer& answer) { GetParam().change(*this, answer); }), std::string("refused: ") + GetParam().reason);
  EXPECT_TRUE(as.to(kAsToken).empty());
  EXPECT_TRUE(store->all().empty());
  EXPECT_THAT(reasons(), ElementsAre(GetParam().reason));
}
const auto put = [](LinkedAccountsTest::Answer& answer, const char* name, const char* value) {
  std::erase_if(answer, [&](const auto& one) { return one.first == name; });
  if (*value) answer.emplace_back(name, value);
};
INSTANTIATE_TEST_SUITE_P(
    Rfc9207, Answers,
    testing::Values(
        AnswerRow{"state_of_another_browser", [](auto&, auto& a) { put(a, "state", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"); }, "state_unknown"},
        AnswerRow{"state_absent", [](auto&, auto& a) { put(a, "state", ""); }, "state_unknown"},
        AnswerRow{"too_late", [](auto& test, auto&) { test.clock.time += kLinkPendingFor; }, "state_unknown"},
        AnswerRow{"iss_of_another", [](auto&, auto& a) { put(a, "iss", "https://evil.example"); }, "iss_mismatch"},
        AnswerRow{"iss_with_a_slash", [](auto&, auto& a) { put(a, "iss", "https://as.crm.example/"); }, "iss_mismatch"},
        AnswerRow{"iss_absent_though_promised", [](auto&, auto& a) { put(a, "iss", ""); }, "iss_mismatch"},
        AnswerRow{"error_of_another_issuer", [](auto&, auto& a) { put(a, "error", "access_denied"), put(a, "iss", "https://evil.example"); }, "iss_mismatch"},
        AnswerRow{"cancelled", [](auto&, auto& a) { put(a, "error", "access_denied"); }, "cancelled"},
        AnswerRow{"another_error", [](auto&, auto& a) { put(a, "error", "<script>"); }, "authorization_error"},
        AnswerRow{"no_code", [](auto&, auto& a) { put(a, "code", ""); }, "no_code"},
        AnswerRow{"two_codes", [](auto&, auto& a) { a.emplace_back("code", "c-2"); }, "repeated_parameter"},
        AnswerRow{"server_has_another_issuer_now", [](auto& test, auto&) { test.oauth().issuer = "https://as2.crm.example", test.publish(); }, "state_of_another"}),
    [](const auto& row) { return row.param.name; });

TEST_F(LinkedAccountsTest, OnlyTheSessionThatBeganCanFinish) {
  const auto begun = begin(person("usr_alice", "ses_1"));
  ASSERT_TRUE(begun);
  say_who(*begun, "as-alice", "alice@acme.example");
  EXPECT_EQ(finish(*begun, person("usr_bob", "ses_1")), "refused: state_of_another") << "somebody else's account, slipped to a colleague";
  EXPECT_EQ(finish(*begun, person("usr_alice", "ses_2")), "refused: state_of_another");
  EXPECT_EQ(finish({begun->location, begun->state, ""}, person("usr_alice", "ses_1")), "refused: state_unknown");
  EXPECT_EQ(finish(*begun, person("usr_alice", "ses_1")), "alice@acme.example");
}

struct TokenRow {
  const char* name;
  std::function<void(LinkedAccountsTest&)> change;
  const char* reason;   // or how the account is shown
};
class WhoseAccount : public LinkedAccountsTest, public testing::WithParamInterface<TokenRow> {};
TEST_P(WhoseAccount, IsProvenByTheServer) {
  const auto begun = begin(person());
  ASSERT_TRUE(begun);
  say_who(*begun, "as-alice", "alice@acme.example");
  GetParam().change(*this);
  EXPECT_EQ(finish(*begun, person()), GetParam().reason);
}
INSTANTIATE_TEST_SUITE_P(
    IdTokens, WhoseAccount,
    testing::Values(
        TokenRow{"nonce_of_another", [](auto& test) { test.id_claims.set("nonce", "n"); }, "refused: upstream_token_nonce"},
        TokenRow{"for_another_client", [](auto& test) { test.id_claims.set("aud", "other"); }, "refused: upstream_token_audience"},
        TokenRow{"of_another_issuer", [](auto& test) { test.id_claims.set("iss", "https://evil.example"); }, "refused: upstream_token_issuer"},
        TokenRow{"expired", [](auto& test) { test.id_claims.set("iat", to_unix_seconds(kNow) - 900), test.id_claims.set("exp", to_unix_seconds(kNow) - 600); }, "refused: upstream_token_times"},
        TokenRow{"signed_by_another", [](auto& test) { test.as_key.key = crypto::PrivateKey::generate(crypto::Algorithm::es256), test.as.at["https://as.crm.example/jwks"] = [](const auto&) { return ScriptedOutgoing::json(jose::to_json(jose::KeySet({jose::SigningKey{"as1", crypto::Algorithm::es256, crypto::PrivateKey::generate(crypto::Algorithm::es256)}.public_jwk()}))); }; }, "refused: upstream_token_signature"},
        TokenRow{"not_verified", [](auto& test) { test.id_claims.set("email_verified", false); }, "refused: account_email_not_verified"},
        TokenRow{"no_id_token_but_userinfo", [](auto& test) { test.gives_id_token = false, test.userinfo = json::Value{{"sub", "u"}, {"email", "a@acme.example"}, {"email_verified", true}}; }, "a@acme.example"},
        TokenRow{"no_id_token_and_userinfo_of_a_personal_account", [](auto& test) { test.gives_id_token = false, test.userinfo = json::Value{{"sub", "u"}, {"email", "a@home.example"}, {"email_verified", true}}; }, "refused: account_of_another_domain"},
        TokenRow{"neither", [](auto& test) { test.gives_id_token = false, test.metadata.erase("userinfo_endpoint"); test.core->servers = std::make_shared<AuthorizationServers>(test.as, test.read_secret()); }, "refused: account_without_subject"},
        TokenRow{"userinfo_adds_what_the_id_token_lacks", [](auto& test) { test.id_claims.erase("email"), test.userinfo.set("email", "a@acme.example"); }, "a@acme.example"},
        TokenRow{"userinfo_does_not_overrule", [](auto& test) { test.id_claims.set("email", "a@home.example"), test.userinfo.set("email", "a@acme.example"); }, "refused: account_of_another_domain"},
        TokenRow{"userinfo_of_another", [](auto& test) { test.id_claims.erase("email"), test.userinfo = json::Value{{"sub", "as-bob"}, {"email", "b@acme.example"}}; }, "refused: userinfo_of_another"},
        TokenRow{"code_refused", [](auto& test) { test.refuse_with = {400, "invalid_grant"}; }, "refused: code_refused"},
        TokenRow{"token_endpoint_down", [](auto& test) { test.refuse_with = {502, ""}; }, "refused: token_endpoint_failed"}),
    [](const auto& row) { return row.param.name; });

TEST_F(LinkedAccountsTest, AServerWithoutPkceIsNotUsed) {
  metadata.set("code_challenge_methods_supported", json::Array{"plain"});
  const auto begun = begin(person());
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().reason, "no_pkce");
}

TEST_F(LinkedAccountsTest, RotatedRefreshTokensAreUsedOnceAndKept) {
  ASSERT_EQ(link(), "alice@acme.example");
  ASSERT_EQ(send(), "200");
  for (int round = 2; round <= 4; ++round) {
    clock.time += Seconds{3'600};
    ASSERT_EQ(send(), "200");
    EXPECT_EQ(sent(*as.to(kAsToken).back(), "refresh_token"), "refresh-" + std::to_string(round - 1));
    EXPECT_EQ(server.tokens.back(), "Bearer token-" + std::to_string(round));
    reopen();   // what was rotated is on disk before it is used again
  }
}

TEST_F(LinkedAccountsTest, ARefreshTokenThatIsNotRotatedStays) {
  rotates = false;
  ASSERT_EQ(link(), "alice@acme.example");
  for (int round = 0; round < 2; ++round) {
    clock.time += Seconds{3'600};
    ASSERT_EQ(send(), "200");
    EXPECT_EQ(sent(*as.to(kAsToken).back(), "refresh_token"), "refresh-1");
  }
}

TEST_F(LinkedAccountsTest, WhatWasRotatedIsUsedAlthoughTheStoreIsDownAndWrittenLater) {
  ASSERT_EQ(link(), "alice@acme.example");
  documents.fail_from_now_on(true);
  clock.time += Seconds{3'600};
  EXPECT_EQ(send(), "200");
  EXPECT_THAT(warnings, Contains(HasSubstr("could not be stored yet")));
  documents.fail_from_now_on(false);
  tick();
  reopen();
  clock.time += Seconds{3'600};
  EXPECT_EQ(send(), "200");
  EXPECT_EQ(sent(*as.to(kAsToken).back(), "refresh_token"), "refresh-2");
}

TEST_F(LinkedAccountsTest, ATokenThatTheServerRefusesIsRefreshed) {
  ASSERT_EQ(link(), "alice@acme.example");
  server.refuses = {"Bearer token-1"};
  EXPECT_EQ(send(), "200");
  EXPECT_THAT(server.tokens, ElementsAre("Bearer token-1", "Bearer token-2"));
}

TEST_F(LinkedAccountsTest, AnAccountThatIsRefusedForGoodHasToBeLinkedAgain) {
  ASSERT_EQ(link(), "alice@acme.example");
  clock.time += Seconds{3'600};
  refuse_with = {400, "invalid_grant"};
  EXPECT_EQ(send(), "needs account at https://writ.example/accounts?server=crm");
  EXPECT_EQ(store->find("usr_alice", "crm")->state, LinkedAccount::State::lost);
  EXPECT_TRUE(store->find("usr_alice", "crm")->refresh_token.empty());
  EXPECT_THAT(reasons(), ElementsAre("linked", "refresh_refused"));
  refuse_with = {0, ""};
  EXPECT_EQ(link(), "alice@acme.example");
  EXPECT_EQ(send(), "200");
}

TEST_F(LinkedAccountsTest, AServerThatIsDownLosesNoAccount) {
  ASSERT_EQ(link(), "alice@acme.example");
  clock.time += Seconds{3'600};
  refuse_with = {503, ""};
  EXPECT_THAT(send(), HasSubstr("credential: "));
  refuse_with = {401, "invalid_client"};
  clock.time += Seconds{10};
  EXPECT_THAT(send(), HasSubstr("credential: ")) << "our own credentials are wrong; the person's account is not";
  refuse_with = {0, ""};
  clock.time += Seconds{10};
  EXPECT_EQ(send(), "200");
}

TEST_F(LinkedAccountsTest, WhatRestsInTheStoreIsSealed) {
  ASSERT_EQ(link(), "alice@acme.example");
  const auto stored = documents.load("upstream_accounts");
  ASSERT_EQ(stored->size(), 1u);
  EXPECT_THAT((*stored)[0].json, Not(HasSubstr("token-1")));
  EXPECT_THAT((*stored)[0].json, Not(HasSubstr("refresh-1")));
  // A sealed value in somebody else's document opens for nobody.
  registry::Document copied = (*stored)[0];
  copied.key = "usr_bob/crm";
  for (auto at = copied.json.find("usr_alice"); at != std::string::npos; at = copied.json.find("usr_alice")) copied.json.replace(at, 9, "usr_bob");
  ASSERT_TRUE(run(executor, documents.put(copied)));
  EXPECT_FALSE(LinkedAccounts::open(documents, crypto::SealingKey(Secret("0123456789abcdef0123456789abcdef"))));
}

TEST_F(LinkedAccountsTest, UnlinkingEndsItAtOnceAndRevokesItThere) {
  ASSERT_EQ(link(), "alice@acme.example");
  ASSERT_EQ(send(), "200");
  ASSERT_TRUE(*run(executor, accounts->unlink("usr_alice", "crm", "unlinked", "192.0.2.7")));
  EXPECT_THAT(send(), HasSubstr("needs account"));
  tick();
  EXPECT_THAT(revoked(), ElementsAre("refresh-1", "token-1"));
  EXPECT_EQ(*as.to(kAsRevoke)[0]->headers.find_single("Authorization"), "Basic " + base64::encode("writ-at-crm:s3cr+et"));
  EXPECT_FALSE(store->find("usr_alice", "crm"));
  EXPECT_THAT(reasons(), ElementsAre("linked", "unlinked", "revoked"));
  EXPECT_FALSE(*run(executor, accounts->unlink("usr_alice", "crm", "unlinked", "192.0.2.7")));
}

struct OffBoardingRow {
  const char* name;
  std::function<void(registry::Objects&)> change;
  std::vector<std::string> reasons;
};
class OffBoarding : public LinkedAccountsTest, public testing::WithParamInterface<OffBoardingRow> {};
TEST_P(OffBoarding, EndsTheAccount) {
  ASSERT_EQ(link("usr_alice"), "alice@acme.example");
  ASSERT_EQ(link("usr_bob", "as-bob", "bob@acme.example"), "bob@acme.example");
  tick();
  ASSERT_EQ(store->all().size(), 2u);
  GetParam().change(current);
  publish();
  tick();
  EXPECT_FALSE(store->find("usr_alice", "crm"));
  EXPECT_THAT(reasons(), IsSupersetOf(GetParam().reasons));
  reopen();
  EXPECT_FALSE(store->find("usr_alice", "crm"));
}
INSTANTIATE_TEST_SUITE_P(Causes, OffBoarding,
                         testing::Values(OffBoardingRow{"user_disabled", [](auto& o) { o.users[0].active = false; }, {"user_disabled", "revoked"}},
                                         OffBoardingRow{"user_removed", [](auto& o) { o.users.erase(o.users.begin()); }, {"user_removed", "revoked"}},
                                         OffBoardingRow{"server_removed", [](auto& o) { o.servers.clear(); }, {"server_changed", "deleted_not_revocable"}},
                                         OffBoardingRow{"another_authorization_server", [](auto& o) { o.servers[0].upstream->oauth->issuer = "https://new.example"; }, {"server_changed", "deleted_not_revocable"}}),
                         [](const auto& row) { return row.param.name; });

TEST_F(LinkedAccountsTest, OffBoardingLeavesOthersAlone) {
  ASSERT_EQ(link("usr_alice"), "alice@acme.example");
  ASSERT_EQ(link("usr_bob", "as-bob", "bob@acme.example"), "bob@acme.example");
  current.users[0].active = false;
  publish();
  tick();
  EXPECT_EQ(send(request("usr_bob")), "200");
  EXPECT_THAT(revoked(), ElementsAre("refresh-1", "token-1"));
}

TEST_F(LinkedAccountsTest, ARevocationIsTriedAgainForADay) {
  ASSERT_EQ(link(), "alice@acme.example");
  current.users[0].active = false;
  publish();
  revoke_status = 503;
  tick();
  EXPECT_EQ(store->find("usr_alice", "crm")->state, LinkedAccount::State::ending) << "it must be assumed to live on";
  EXPECT_THAT(send(), HasSubstr("needs account"));
  tick(Seconds{5});
  EXPECT_EQ(as.to(kAsRevoke).size(), 1u) << "not at every tick";
  reopen();
  revoke_status = 200;
  tick(Seconds{30});
  EXPECT_FALSE(store->find("usr_alice", "crm"));
  EXPECT_THAT(revoked(), ElementsAre("refresh-1", "refresh-1", "token-1"));
}

TEST_F(LinkedAccountsTest, ARevocationIsGivenUpAfterADayAndSaysSo) {
  ASSERT_EQ(link(), "alice@acme.example");
  current.users[0].active = false;
  publish();
  revoke_status = 503;
  tick();
  tick(Seconds{24 * 3'600 + 31});
  EXPECT_FALSE(store->find("usr_alice", "crm"));
  EXPECT_THAT(reasons(), ElementsAre("linked", "user_disabled", "deleted_not_revoked"));
}

TEST_F(LinkedAccountsTest, ManyWhoLeaveAtOnceAreAllEnded) {
  for (int i = 0; i < 12; ++i) {
    registry::User user;
    user.id = "usr_" + std::to_string(i), user.name = user.id;
    current.users.push_back(user);
    publish();
    ASSERT_EQ(link(user.id.c_str(), user.id.c_str(), (user.id + "@acme.example").c_str()), user.id + "@acme.example");
  }
  current.users.clear();
  publish();
  for (int i = 0; i < 6; ++i) tick();
  EXPECT_TRUE(store->all().empty());
  EXPECT_EQ(as.to(kAsRevoke).size(), 24u);
}

TEST_F(LinkedAccountsTest, LinkingAgainGivesTheEarlierTokensBack) {
  ASSERT_EQ(link(), "alice@acme.example");
  ASSERT_EQ(send(), "200");
  ASSERT_EQ(link(), "alice@acme.example");
  EXPECT_THAT(revoked(), ElementsAre("refresh-1", "token-1"));
  ASSERT_EQ(send(), "200");
  EXPECT_EQ(server.tokens.back(), "Bearer token-2") << "another link has another token, at once";
}

TEST_F(LinkedAccountsTest, NothingIsLinkedThatCannotBeRecorded) {
  log.fail_from_now_on(true);
  EXPECT_EQ(link(), "refused: store_unavailable");
  EXPECT_TRUE(store->all().empty());
  EXPECT_THAT(revoked(), ElementsAre("refresh-1", "token-1"));
}

}  // namespace
}  // namespace writ::upstreams
