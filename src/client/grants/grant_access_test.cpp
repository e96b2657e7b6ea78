// From a challenge to a token by the person's own account: discovery, scopes, what is remembered, and where it ends.

#include "client/grants/grant_access.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "client/grants/scripted_servers_fixture.h"

namespace writ::client {
namespace {

Challenge bearer(std::map<std::string, std::string> parameters) { return Challenge{"bearer", std::move(parameters)}; }
Challenge insufficient_scope(const std::string& scope) { return bearer({{"error", "insufficient_scope"}, {"scope", scope}}); }

class OwnAccount : public testing::Test {
 protected:
  ScriptedServers servers_;
  SettableClock clock_;
  ScriptedBrowser browser_;
  AccountsInMemory accounts_;
  RegistrationSettings registration_;
  GrantAccessSettings settings_;
  std::unique_ptr<AuthorizationCodeGrant> grant_;
  std::unique_ptr<GrantAccess> access_;

  Result<GrantedAccess, Failure> token(Challenge challenge = {}, std::string rejected = "", TokenSource::StepUp step_up = TokenSource::StepUp::may) {
    if (!grant_) grant_ = std::make_unique<AuthorizationCodeGrant>(servers_, clock_, browser_, accounts_, registration_);
    if (!access_) access_ = std::make_unique<GrantAccess>(servers_, clock_, *grant_, settings_);
    return run(access_->token_for(kUrl, std::move(challenge), std::move(rejected), step_up));
  }
  // The flow stopped before anything was sent that is worth something.
  void expect_nothing_sent() {
    EXPECT_TRUE(browser_.visited.empty());
    for (const auto& request : servers_.requests) EXPECT_EQ(request.method, "GET") << request.url;
  }
  void answer_token(const std::string& issuer, const std::string& value, const std::string& more = "") {
    servers_.pages[issuer + "/token"] = {200, {}, R"({"access_token":")" + value + R"(","token_type":"Bearer","expires_in":3600)" + more + "}"};
  }
};

TEST_F(OwnAccount, GoesFromMetadataThroughTheBrowserToAToken) {
  const auto granted = token(bearer({{"scope", "read"}}));
  ASSERT_TRUE(granted) << granted.error().message;
  EXPECT_EQ(granted->access_token, "at-1");
  EXPECT_EQ(granted->resource, kUrl);
  EXPECT_EQ(granted->resource_as, kIssuer);
  EXPECT_EQ(browser_.parameter("resource"), kUrl);                                     // MCPA-106, on both requests
  EXPECT_EQ(servers_.last_parameter("https://as.example/token", "resource"), kUrl);
  EXPECT_EQ(browser_.parameter("scope"), "read");
  EXPECT_EQ(browser_.parameter("code_challenge_method"), "S256");
  EXPECT_EQ(servers_.last_parameter("https://as.example/token", "code"), "the-code");
  EXPECT_GE(servers_.last_parameter("https://as.example/token", "code_verifier").size(), 43U);
  EXPECT_EQ(servers_.last_parameter("https://as.example/token", "redirect_uri"), kRedirectUri);
  EXPECT_EQ(servers_.last_parameter("https://as.example/token", "client_id"), "of-https://as.example");
}

TEST_F(OwnAccount, ATokenIsKeptUntilShortlyBeforeItExpires) {
  ASSERT_TRUE(token());
  clock_.now_ += Seconds{3569};
  ASSERT_TRUE(token());
  EXPECT_EQ(browser_.visited.size(), 1U);
  clock_.now_ += Seconds{1};
  ASSERT_TRUE(token());
  EXPECT_EQ(browser_.visited.size(), 2U);
}

// ---- documents that speak for somebody else, or lead astray

struct Hostile {
  const char* name;
  std::function<void(ScriptedServers&)> change;
  FailureKind kind = FailureKind::bad_metadata;
};
class AHostileDocument : public OwnAccount, public testing::WithParamInterface<Hostile> {};

TEST_P(AHostileDocument, EndsTheFlowBeforeAnythingIsSent) {
  GetParam().change(servers_);
  const auto granted = token();
  ASSERT_FALSE(granted);
  EXPECT_EQ(granted.error().kind, GetParam().kind) << granted.error().message;
  EXPECT_FALSE(granted.error().message.empty());
  expect_nothing_sent();
}
INSTANTIATE_TEST_SUITE_P(
    B3, AHostileDocument,
    testing::Values(
        Hostile{"resource_of_another_server", [](auto& s) { s.resource.set("resource", "https://evil.example/mcp"); }},
        Hostile{"resource_of_a_sibling", [](auto& s) { s.resource.set("resource", "https://mcp.example/other"); }},
        Hostile{"resource_absent", [](auto& s) { s.resource.erase("resource"); }},
        Hostile{"resource_of_wrong_type", [](auto& s) { s.resource.set("resource", json::Array{kUrl}); }},
        Hostile{"resource_twice", [](auto& s) { s.pages[kResourceDocument] = {200, {}, R"({"resource":"https://mcp.example/mcp","resource":"https://mcp.example/mcp","authorization_servers":["https://as.example"]})"}; }},
        Hostile{"no_authorization_server", [](auto& s) { s.resource.set("authorization_servers", json::Array{}); }},
        Hostile{"authorization_server_over_http", [](auto& s) { s.resource.set("authorization_servers", json::Array{"http://as.example"}); }},
        Hostile{"authorization_server_on_this_computer", [](auto& s) { s.resource.set("authorization_servers", json::Array{"http://127.0.0.1:8080"}); }},
        Hostile{"metadata_of_another_issuer", [](auto& s) { s.metadata[kIssuer].set("issuer", "https://evil.example"); }},
        Hostile{"issuer_with_a_slash_more", [](auto& s) { s.metadata[kIssuer].set("issuer", "https://as.example/"); }},
        Hostile{"issuer_absent", [](auto& s) { s.metadata[kIssuer].erase("issuer"); }},
        Hostile{"token_endpoint_over_http", [](auto& s) { s.metadata[kIssuer].set("token_endpoint", "http://as.example/token"); }},
        Hostile{"token_endpoint_on_this_computer", [](auto& s) { s.metadata[kIssuer].set("token_endpoint", "http://localhost:631/token"); }},
        Hostile{"authorization_endpoint_of_another_scheme", [](auto& s) { s.metadata[kIssuer].set("authorization_endpoint", "javascript:alert(1)"); }},
        Hostile{"no_pkce", [](auto& s) { s.metadata[kIssuer].erase("code_challenge_methods_supported"); }},
        Hostile{"pkce_plain_only", [](auto& s) { s.metadata[kIssuer].set("code_challenge_methods_supported", json::Array{"plain"}); }},
        Hostile{"registration_endpoint_over_http", [](auto& s) { s.metadata[kIssuer].set("registration_endpoint", "http://as.example/register"); }, FailureKind::configuration},
        Hostile{"no_json", [](auto& s) { s.pages[kServerDocument] = {200, {}, "<html>"}; }},
        Hostile{"redirect_instead_of_a_document", [](auto& s) { s.pages[kResourceDocument] = {302, {{"Location", "https://mcp.example/loop"}}, ""}; }},
        Hostile{"huge_resource_document", [](auto& s) { s.pages[kResourceDocument] = {200, {}, std::string(1 << 20, ' ')}; }, FailureKind::unreachable},
        Hostile{"huge_server_document", [](auto& s) { s.pages[kServerDocument] = {200, {}, std::string(1 << 20, ' ')}; }, FailureKind::unreachable},
        Hostile{"a_thousand_authorization_servers",
                [](auto& s) {
                  json::Array many;
                  for (int i = 0; i < 1000; ++i) many.push_back(json::Value("https://as" + std::to_string(i) + ".example"));
                  s.resource.set("authorization_servers", many);
                }}),
    [](const auto& row) { return row.param.name; });

TEST_F(OwnAccount, OfAThousandAuthorizationServersOnlyAFewAreAsked) {
  json::Array many;
  for (int i = 0; i < 1000; ++i) many.push_back(json::Value("https://as" + std::to_string(i) + ".example"));
  servers_.resource.set("authorization_servers", many);
  EXPECT_FALSE(token());
  EXPECT_LE(servers_.hosts().size(), 9U);
}

TEST_F(OwnAccount, AChallengeLeadsToNoPlaceThatItMayNotName) {
  for (const char* place : {"http://mcp.example/metadata", "http://127.0.0.1:9/metadata", "https://localhost/metadata", "file:///etc/passwd", "javascript:alert(1)", "https://user@mcp.example/m"}) {
    access_.reset();
    const auto granted = token(bearer({{"resource_metadata", place}}));
    ASSERT_FALSE(granted) << place;
    EXPECT_EQ(granted.error().kind, FailureKind::bad_metadata);
    EXPECT_TRUE(servers_.requests.empty()) << place;
  }
}

TEST_F(OwnAccount, AChallengesPlaceIsTheOnlyOneThatIsLookedAt) {
  const auto granted = token(bearer({{"resource_metadata", "https://mcp.example/custom.json"}}));
  ASSERT_FALSE(granted);
  EXPECT_EQ(servers_.count("https://mcp.example/custom.json"), 1);
  EXPECT_EQ(servers_.count(kResourceDocument), 0);   // MCPA-13
}

// RFC 8414 lets an issuer name endpoints elsewhere (Google's are); it is the issuer's own word, and `iss` and PKCE bind what comes of it.
TEST_F(OwnAccount, AnIssuerMayNameATokenEndpointOnAnotherOriginOverHttps) {
  servers_.metadata[kIssuer].set("token_endpoint", "https://tokens.example/t");
  servers_.pages["https://tokens.example/t"] = {200, {}, R"({"access_token":"at-2","token_type":"Bearer"})"};
  const auto granted = token();
  ASSERT_TRUE(granted) << granted.error().message;
  EXPECT_EQ(granted->access_token, "at-2");
  EXPECT_EQ(servers_.count("https://as.example/token"), 0);
}

TEST_F(OwnAccount, TheFirstAuthorizationServerThatCanBeAskedIs) {
  servers_.add_authorization_server("https://second.example");
  servers_.resource.set("authorization_servers", json::Array{kIssuer, "https://second.example"});
  servers_.metadata[kIssuer].erase("code_challenge_methods_supported");
  const auto granted = token();
  ASSERT_TRUE(granted) << granted.error().message;
  EXPECT_EQ(granted->resource_as, "https://second.example");
}

// ---- answers that were mixed up (RFC 9207, OB-141)

TEST_F(OwnAccount, ACodeOfAnotherIssuerTravelsNowhere) {
  for (const char* issuer : {"https://evil.example", "https://as.example/", "https://AS.example", "https://as.example:443"}) {
    browser_.issuer = issuer;
    access_.reset();
    const auto granted = token();
    ASSERT_FALSE(granted) << issuer;
    EXPECT_EQ(granted.error().kind, FailureKind::protocol);
    EXPECT_EQ(servers_.count("https://as.example/token"), 0);
  }
}
TEST_F(OwnAccount, AnIssuerThatSaysThatItNamesItselfMustDoSo) {
  browser_.sends_iss = false;
  EXPECT_FALSE(token());
  EXPECT_EQ(servers_.count("https://as.example/token"), 0);
}
TEST_F(OwnAccount, AnAnswerToAnotherAttemptIsNotUsed) {
  browser_.query = "code=the-code&state=of-somebody-else&iss=https%3A%2F%2Fas.example";
  const auto granted = token();
  ASSERT_FALSE(granted);
  EXPECT_EQ(granted.error().kind, FailureKind::protocol);
  EXPECT_EQ(servers_.count("https://as.example/token"), 0);
}

// ---- which scopes (MCPA-120, 121, 124)

TEST_F(OwnAccount, AsksForTheScopesOfTheChallengeElseForAllThatAreListedElseForNone) {
  servers_.resource.set("scopes_supported", json::Array{"a", "b"});
  ASSERT_TRUE(token(bearer({{"scope", "c"}})));
  EXPECT_EQ(browser_.parameter("scope"), "c");       // MCPA-33: no relation to the listed ones is assumed
  access_.reset();
  ASSERT_TRUE(token());
  EXPECT_EQ(browser_.parameter("scope"), "a b");
  access_.reset();
  servers_.resource.erase("scopes_supported");
  ASSERT_TRUE(token());
  EXPECT_EQ(browser_.visited.back().find("scope="), std::string::npos);
}

TEST_F(OwnAccount, StepUpAsksForTheUnion) {
  ASSERT_TRUE(token(bearer({{"scope", "read"}})));
  answer_token(kIssuer, "at-2");
  const auto granted = token(insufficient_scope("write"), "at-1");
  ASSERT_TRUE(granted) << granted.error().message;
  EXPECT_EQ(browser_.parameter("scope"), "read write");
  EXPECT_EQ(granted->access_token, "at-2");
}

TEST_F(OwnAccount, OfflineAccessIsAskedForWhereItIsListedAndBesideOtherScopes) {
  EXPECT_EQ(with_offline_access("read", AuthorizationServer{}), "read");
  AuthorizationServer server;
  server.scopes_supported = {"read", "offline_access"};
  EXPECT_EQ(with_offline_access("read", server), "read offline_access");
  EXPECT_EQ(with_offline_access("read offline_access", server), "read offline_access");
  EXPECT_EQ(with_offline_access("", server), "");
  EXPECT_EQ(with_offline_access("a\tb", server), "a\tb");
}

// ---- where it ends (MCPA-123)

TEST_F(OwnAccount, AsksNobodyWhenTheTokenHasTheScopeAlready) {
  ASSERT_TRUE(token(bearer({{"scope", "admin"}})));
  for (int i = 0; i < 5; ++i) {
    const auto again = token(insufficient_scope("admin"), "at-1");
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().kind, FailureKind::denied);
  }
  EXPECT_EQ(browser_.visited.size(), 1U);
  EXPECT_TRUE(token()) << "for everything else the token is good";
}

TEST_F(OwnAccount, AsksNobodyWhenTheServerDoesNotSayWhichScope) {
  ASSERT_TRUE(token());
  EXPECT_EQ(token(insufficient_scope(""), "at-1").error().kind, FailureKind::denied);
  EXPECT_EQ(browser_.visited.size(), 1U);
}

TEST_F(OwnAccount, AScopeThatWasAskedForAndNotGrantedIsLeftAloneForFiveMinutes) {
  ASSERT_TRUE(token(bearer({{"scope", "read"}})));
  answer_token(kIssuer, "at-2", R"(,"scope":"read")");
  ASSERT_TRUE(token(insufficient_scope("root"), "at-1"));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(token(insufficient_scope("root"), "at-2").error().kind, FailureKind::denied);
  EXPECT_EQ(browser_.visited.size(), 2U);
  EXPECT_EQ(token()->access_token, "at-2");
  clock_.now_ += Seconds{300};
  EXPECT_TRUE(token(insufficient_scope("root"), "at-2")) << "by then somebody may have granted it";
  EXPECT_EQ(browser_.visited.size(), 3U);
}

TEST_F(OwnAccount, AskedForEverMoreScopesAPersonIsAskedForEachOnce) {
  ASSERT_TRUE(token(bearer({{"scope", "s0"}})));
  browser_.refuses = true;
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(token(insufficient_scope("s1"), "at-1"));
  EXPECT_EQ(browser_.visited.size(), 2U);
  browser_.refuses = false;
  EXPECT_TRUE(token()) << "what was refused takes nothing away";
}

TEST_F(OwnAccount, AServerThatWantsEverOtherScopesIsLeftAlone) {
  std::string held = token()->access_token;
  for (int i = 0; i < 20; ++i) {
    answer_token(kIssuer, "at-" + std::to_string(i + 2));
    const auto granted = token(insufficient_scope("s" + std::to_string(i)), held);
    if (granted) held = granted->access_token;
    EXPECT_EQ(granted.has_value(), i < 6) << i;
    if (!granted) {
      EXPECT_EQ(granted.error().kind, FailureKind::refused);
    }
  }
  EXPECT_EQ(browser_.visited.size(), 7U);
  clock_.now_ += Seconds{300};
  EXPECT_TRUE(token(insufficient_scope("one-more"), held));
}

TEST_F(OwnAccount, AServerThatIsNeverContentForLongIsLeftAlone) {
  std::string held = token()->access_token;
  for (int i = 0; i < 20; ++i) {
    clock_.now_ += Seconds{11};
    answer_token(kIssuer, "at-" + std::to_string(i + 2));
    const auto granted = token(bearer({{"error", "invalid_token"}}), held);
    if (granted) held = granted->access_token;
  }
  EXPECT_EQ(browser_.visited.size(), 7U);
}

TEST_F(OwnAccount, ABetterSignInThatNobodyGaveTakesNothingAway) {
  ASSERT_TRUE(token());
  browser_.refuses = true;
  const Challenge wish = bearer({{"error", "insufficient_user_authentication"}, {"acr_values", "mfa"}});
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(token(wish, "at-1"));
  EXPECT_EQ(browser_.visited.size(), 2U);
  EXPECT_EQ(token()->access_token, "at-1");
}

TEST_F(OwnAccount, ATokenThatIsRejectedRightAfterItWasIssuedIsNotReplaced) {
  ASSERT_TRUE(token());
  for (int i = 0; i < 5; ++i) {
    const auto again = token({}, "at-1");
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().kind, FailureKind::refused);
  }
  EXPECT_EQ(browser_.visited.size(), 1U);
}

TEST_F(OwnAccount, ATokenThatWasGoodForAWhileIsReplaced) {
  ASSERT_TRUE(token());
  clock_.now_ += Seconds{11};
  answer_token(kIssuer, "at-2");
  const auto again = token({}, "at-1");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->access_token, "at-2");
}

TEST_F(OwnAccount, WhoDidNotComeIsNotAskedAgainForFiveMinutes) {
  browser_.refuses = true;
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(token());
  EXPECT_EQ(browser_.visited.size(), 1U);
  clock_.now_ += Seconds{299};
  EXPECT_FALSE(token());
  EXPECT_EQ(browser_.visited.size(), 1U);
  clock_.now_ += Seconds{1};
  browser_.refuses = false;
  EXPECT_TRUE(token());
}

TEST_F(OwnAccount, ANetworkThatIsDownIsTriedAgainAtOnce) {
  servers_.pages["https://as.example/token"] = {503, {}, ""};
  EXPECT_EQ(token().error().kind, FailureKind::unreachable);
  answer_token(kIssuer, "at-1");
  EXPECT_TRUE(token());
}

// ---- a better sign-in (RFC 9470)

TEST_F(OwnAccount, PassesTheWishForABetterSignInOnAndOnlyOnce) {
  ASSERT_TRUE(token());
  answer_token(kIssuer, "at-2");
  const Challenge wish = bearer({{"error", "insufficient_user_authentication"}, {"acr_values", "mfa"}, {"max_age", "60"}});
  const auto granted = token(wish, "at-1");
  ASSERT_TRUE(granted) << granted.error().message;
  EXPECT_TRUE(granted->stepped_up);
  EXPECT_EQ(browser_.parameter("acr_values"), "mfa");
  EXPECT_EQ(browser_.parameter("max_age"), "60");
  const auto again = token(wish, "at-2", TokenSource::StepUp::may_not);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, FailureKind::step_up_needed);
  EXPECT_EQ(browser_.visited.size(), 2U);
}

// ---- an authorization server that is another now (MCPA-61, MCPA-62)

TEST_F(OwnAccount, RegistersAnewWhereTheServerPointsElsewhereAndTakesNothingThere) {
  ASSERT_TRUE(token(bearer({{"scope", "read"}})));
  servers_.add_authorization_server("https://second.example");
  servers_.resource.set("authorization_servers", json::Array{"https://second.example"});
  answer_token("https://second.example", "at-of-second");
  const auto granted = token(bearer({{"error", "invalid_token"}}), "at-1");
  ASSERT_TRUE(granted) << granted.error().message;
  EXPECT_EQ(granted->access_token, "at-of-second");
  EXPECT_EQ(servers_.count("https://second.example/register"), 1);
  EXPECT_EQ(browser_.parameter("client_id"), "of-https://second.example");
  for (const auto& request : servers_.requests) {
    if (!request.url.starts_with("https://second.example")) continue;
    EXPECT_EQ(request.body.find("of-https%3A%2F%2Fas.example"), std::string::npos);
    EXPECT_EQ(request.body.find("at-1"), std::string::npos);
  }
}

TEST_F(OwnAccount, AClientRegisteredByHandDoesNotGoElsewhere) {
  registration_.by_issuer[kIssuer] = {"by-hand", Secret("s"), std::nullopt};
  ASSERT_TRUE(token());
  EXPECT_EQ(browser_.parameter("client_id"), "by-hand");
  servers_.add_authorization_server("https://second.example");
  servers_.resource.set("authorization_servers", json::Array{"https://second.example"});
  clock_.now_ += Seconds{60};
  const auto granted = token(bearer({{"error", "invalid_token"}}), "at-1");
  ASSERT_FALSE(granted);
  EXPECT_EQ(granted.error().kind, FailureKind::configuration);
  EXPECT_EQ(servers_.count("https://second.example/token") + servers_.count("https://second.example/register"), 0);
}

// ---- a key that is proved (RFC 9449)

TEST_F(OwnAccount, ProvesItsKeyWhereTheServerTakesBoundTokensAlone) {
  Possession possession;
  settings_.possession = &possession;
  ASSERT_TRUE(token());
  EXPECT_EQ(servers_.last("https://as.example/token")->headers.count("DPoP"), 0U);
  access_.reset();
  servers_.resource.set("dpop_bound_access_tokens_required", true);
  servers_.pages["https://as.example/token"] = {200, {}, R"({"access_token":"bound","token_type":"DPoP"})"};
  const auto granted = token();
  ASSERT_TRUE(granted) << granted.error().message;
  EXPECT_EQ(servers_.last("https://as.example/token")->headers.count("DPoP"), 1U);
  EXPECT_EQ(browser_.parameter("dpop_jkt"), possession.thumbprint());
  EXPECT_TRUE(possession.is_bound("bound"));
}

TEST_F(OwnAccount, ABoundTokenThatNobodyAskedForIsNotUsed) {
  servers_.pages["https://as.example/token"] = {200, {}, R"({"access_token":"bound","token_type":"DPoP"})"};
  EXPECT_EQ(token().error().kind, FailureKind::protocol);
}

// ---- servers of 2025-03-26

TEST_F(OwnAccount, AServerThatPublishesNothingIsRefusedUnlessThatRevisionIsAccepted) {
  servers_.pages[kResourceDocument] = {404, {}, ""};
  const auto granted = token();
  ASSERT_FALSE(granted);
  EXPECT_EQ(granted.error().kind, FailureKind::bad_metadata);
  expect_nothing_sent();
}
TEST_F(OwnAccount, OfThatRevisionTheServersOwnOriginIsAsked) {
  settings_.accept_2025_03_26 = true;
  servers_.pages[kResourceDocument] = {404, {}, ""};
  servers_.add_authorization_server("https://mcp.example");
  const auto granted = token();
  ASSERT_TRUE(granted) << granted.error().message;
  EXPECT_EQ(granted->resource_as, "https://mcp.example");
  EXPECT_EQ(granted->resource, kUrl);
}
TEST_F(OwnAccount, OfThatRevisionTheDefaultEndpointsAreTakenWhereNothingIsPublished) {
  settings_.accept_2025_03_26 = true;
  servers_.pages[kResourceDocument] = {404, {}, ""};
  servers_.pages["https://mcp.example/register"] = {201, {}, R"({"client_id":"c","client_secret":"s"})"};
  servers_.pages["https://mcp.example/token"] = {200, {}, R"({"access_token":"old","token_type":"bearer"})"};
  browser_.sends_iss = false;
  const auto granted = token();
  ASSERT_TRUE(granted) << granted.error().message;
  EXPECT_EQ(granted->access_token, "old");
  EXPECT_EQ(browser_.parameter("code_challenge_method"), "S256");
  EXPECT_EQ(servers_.hosts(), std::vector<std::string>{"https://mcp.example"});
}
TEST_F(OwnAccount, TheDefaultsAreNotTakenWhereADocumentIsWrongOrCannotBeRead) {
  settings_.accept_2025_03_26 = true;
  struct Row { const char* url; http::OutgoingResponse answer; };
  for (const Row& row : {Row{kResourceDocument, {500, {}, ""}}, Row{kResourceDocument, {403, {}, ""}}, Row{kResourceDocument, {200, {}, R"({"resource":"https://evil.example"})"}},
                         Row{"https://mcp.example/.well-known/oauth-authorization-server", {500, {}, ""}},
                         Row{"https://mcp.example/.well-known/oauth-authorization-server", {200, {}, R"({"issuer":"https://evil.example"})"}}}) {
    access_.reset();
    servers_.pages.erase("https://mcp.example/.well-known/oauth-authorization-server");
    servers_.pages[kResourceDocument] = {404, {}, ""};
    servers_.pages[row.url] = row.answer;
    EXPECT_FALSE(token()) << row.url << " " << row.answer.status;
    expect_nothing_sent();
  }
}
TEST_F(OwnAccount, APlaceThatTheChallengeNamesIsNeverAMissingDocument) {
  settings_.accept_2025_03_26 = true;
  EXPECT_FALSE(token(bearer({{"resource_metadata", "https://mcp.example/custom.json"}})));
  expect_nothing_sent();
}

// ---- requests side by side

TEST_F(OwnAccount, OfRequestsSideBySideOneAsksThePerson) {
  class SlowBrowser final : public UserAgent {
   public:
    Result<std::string, Failure> redirect_uri() override { return std::string(kRedirectUri); }
    Task<Result<std::string, Failure>> visit(std::string url) override {
      ++visits;
      auto begin = [this](std::function<void(bool)> resume) { come_back = std::move(resume); };
      auto waiting = suspend_until<bool>(std::move(begin));
      co_await waiting;
      const auto parameters = form::parse(url.substr(url.find('?') + 1));
      co_return form::write({{"code", "c"}, {"state", *parameters->find("state")}, {"iss", kIssuer}});
    }
    int visits = 0;
    std::function<void(bool)> come_back;
  };
  SlowBrowser slow;
  AuthorizationCodeGrant grant(servers_, clock_, slow, accounts_, registration_);
  GrantAccess access(servers_, clock_, grant, settings_);
  QueueExecutor loop;
  int granted = 0;
  loop.post([&] {
    for (int i = 0; i < 3; ++i) {
      spawn(access.token_for(kUrl, {}, ""), [&](std::exception_ptr, std::optional<Result<GrantedAccess, Failure>> outcome) { granted += outcome && *outcome ? 1 : 0; });
    }
    loop.post([&] { slow.come_back(true); });
  });
  loop.run_until([&] { return granted == 3; });
  EXPECT_EQ(slow.visits, 1);
}

}  // namespace
}  // namespace writ::client
