// The client's path through discovery and both legs, against scripted servers: what it asks, what it refuses, and when it stops.

#include "client/access.h"

#include <gtest/gtest.h>

#include "encoding/form.h"

namespace writ::client {
namespace {

constexpr const char* kUrl = "https://mcp.example/mcp";

class FixedClock final : public Clock {
 public:
  Instant now() const override { return now_; }
  Instant now_ = from_unix_seconds(1'795'000'000);
};

class FakeSubject final : public Subject {
 public:
  Task<Result<IdentityAssertion, Failure>> current(bool renew) override {
    renewals += renew ? 1 : 0;
    co_return IdentityAssertion{renew ? "id-token-2" : "id-token-1", "urn:ietf:params:oauth:token-type:id_token"};
  }
  Task<Result<void, Failure>> step_up(Failure needed) override {
    asked_for.push_back(needed.acr_values + "/" + std::to_string(needed.max_age_seconds.value_or(-1)));
    if (!can_step_up) co_return unexpected(std::move(needed));
    co_return Result<void, Failure>{};
  }
  int renewals = 0;
  bool can_step_up = false;
  std::vector<std::string> asked_for;
};

// Answers by path; keeps what was asked.
class ScriptedServers final : public http::Outgoing {
 public:
  Task<Result<http::OutgoingResponse, http::OutgoingFailure>> fetch(http::OutgoingRequest request) override {
    requests.push_back(request);
    http::OutgoingResponse response;
    response.status = 404;
    if (request.url == "https://mcp.example/.well-known/oauth-protected-resource/mcp") response = {200, {}, protected_resource};
    if (request.url == "https://as.example/.well-known/oauth-authorization-server") response = {200, {}, authorization_server};
    if (request.url == "https://idp.example/.well-known/oauth-authorization-server") {
      response = {200, {}, R"({"issuer":"https://idp.example","token_endpoint":"https://idp.example/token"})"};
    }
    if (request.url == "https://idp.example/token") response = answer(idp_answers);
    if (request.url == "https://as.example/token") response = answer(as_answers);
    co_return response;
  }
  http::OutgoingResponse answer(std::vector<http::OutgoingResponse>& script) {
    http::OutgoingResponse next = script.front();
    if (script.size() > 1) script.erase(script.begin());
    return next;
  }
  int count(const std::string& url) const {
    return static_cast<int>(std::count_if(requests.begin(), requests.end(), [&](const auto& request) { return request.url == url; }));
  }
  std::string parameter(const std::string& url, const std::string& name) const {
    for (const auto& request : requests) {
      if (request.url != url) continue;
      const auto parameters = form::parse(request.body);
      const auto* value = parameters ? parameters->find(name) : nullptr;
      return value ? *value : "";
    }
    return "";
  }

  std::string protected_resource = R"({"resource":"https://mcp.example/mcp","authorization_servers":["https://as.example"],"scopes_supported":["read"]})";
  std::string authorization_server =
      R"({"issuer":"https://as.example","token_endpoint":"https://as.example/token","authorization_grant_profiles_supported":["urn:ietf:params:oauth:grant-profile:id-jag"]})";
  std::vector<http::OutgoingResponse> idp_answers = {{200, {}, id_jag}};
  std::vector<http::OutgoingResponse> as_answers = {{200, {}, token}};
  std::vector<http::OutgoingRequest> requests;

  static constexpr const char* id_jag =
      R"({"access_token":"jag","issued_token_type":"urn:ietf:params:oauth:token-type:id-jag","token_type":"N_A","expires_in":300,"scope":"read"})";
  static constexpr const char* token = R"({"access_token":"at-1","token_type":"Bearer","expires_in":300,"scope":"read"})";
};

http::OutgoingResponse refusal(const char* error, int status = 400) { return {status, {}, std::string(R"({"error":")") + error + R"("})"}; }

class ClientAccess : public testing::Test {
 protected:
  ScriptedServers servers_;
  FixedClock clock_;
  FakeSubject subject_;
  Access access_{servers_, clock_, subject_,
                 {"https://idp.example", "", {"desk-at-idp", ClientSecretBasic{Secret("s1")}}, {{"https://as.example", {"desk-at-as", ClientSecretBasic{Secret("s2")}}}}, std::nullopt, false, ""}};

  Result<GrantedAccess, Failure> token(Challenge challenge = {}, std::string rejected = "") { return run(access_.token_for(kUrl, challenge, rejected)); }
};

TEST_F(ClientAccess, GoesFromMetadataThroughBothLegs) {
  const auto granted = token();
  ASSERT_TRUE(granted) << granted.error().message;
  EXPECT_EQ(granted->access_token, "at-1");
  EXPECT_EQ(servers_.parameter("https://idp.example/token", "audience"), "https://as.example");          // EMA-1, verbatim
  EXPECT_EQ(servers_.parameter("https://idp.example/token", "resource"), "https://mcp.example/mcp");     // EMA-2
  EXPECT_EQ(servers_.parameter("https://idp.example/token", "requested_token_type"), "urn:ietf:params:oauth:token-type:id-jag");
  EXPECT_EQ(servers_.parameter("https://as.example/token", "assertion"), "jag");
}

TEST_F(ClientAccess, CredentialsOfOneServerNeverReachAnother) {
  ASSERT_TRUE(token());
  for (const auto& request : servers_.requests) {
    const auto* authorization = request.headers.find("Authorization");
    const std::string sent = authorization ? *authorization : "";
    const bool to_idp = request.url == "https://idp.example/token", to_as = request.url == "https://as.example/token";
    EXPECT_EQ(sent, to_idp ? "Basic ZGVzay1hdC1pZHA6czE=" : to_as ? "Basic ZGVzay1hdC1hczpzMg==" : "") << request.url;
  }
}

TEST_F(ClientAccess, ATokenIsKeptUntilShortlyBeforeItExpires) {
  ASSERT_TRUE(token());
  ASSERT_TRUE(token());
  EXPECT_EQ(servers_.count("https://as.example/token"), 1);
  clock_.now_ += Seconds{269};
  ASSERT_TRUE(token());
  EXPECT_EQ(servers_.count("https://as.example/token"), 1);
  clock_.now_ += Seconds{1};
  ASSERT_TRUE(token());
  EXPECT_EQ(servers_.count("https://as.example/token"), 2);
}

TEST_F(ClientAccess, ATokenThatTheServerRejectedIsNotHandedOutAgain) {
  ASSERT_TRUE(token());
  ASSERT_TRUE(token({}, "at-1"));
  EXPECT_EQ(servers_.count("https://as.example/token"), 2);
}

TEST_F(ClientAccess, StepUpAsksForTheUnionOfScopes) {
  ASSERT_TRUE(token());
  servers_.requests.clear();
  ASSERT_TRUE(token(Challenge{"bearer", {{"error", "insufficient_scope"}, {"scope", "write"}}}, "at-1"));
  EXPECT_EQ(servers_.parameter("https://idp.example/token", "scope"), "read write");   // MCPA-121
}

// RAS-81: one fresh ID-JAG after invalid_grant, then stop.
TEST_F(ClientAccess, InvalidGrantIsRetriedOnceWithAFreshIdJag) {
  servers_.as_answers = {refusal("invalid_grant"), {200, {}, ScriptedServers::token}};
  EXPECT_TRUE(token());
  EXPECT_EQ(servers_.count("https://idp.example/token"), 2);
}
TEST_F(ClientAccess, ASecondInvalidGrantEndsIt) {
  servers_.as_answers = {refusal("invalid_grant")};
  const auto granted = token();
  ASSERT_FALSE(granted);
  EXPECT_EQ(granted.error().kind, FailureKind::refused);
  EXPECT_EQ(servers_.count("https://as.example/token"), 2);
}

TEST_F(ClientAccess, AnExpiredAssertionIsRenewedOnce) {
  servers_.idp_answers = {refusal("invalid_grant"), {200, {}, ScriptedServers::id_jag}};
  EXPECT_TRUE(token());
  EXPECT_EQ(subject_.renewals, 1);
}
TEST_F(ClientAccess, AnAssertionRefusedTwiceMeansSignIn) {
  servers_.idp_answers = {refusal("invalid_grant")};
  const auto granted = token();
  ASSERT_FALSE(granted);
  EXPECT_EQ(granted.error().kind, FailureKind::sign_in_needed);
}

struct Denial {
  const char* name;
  bool at_idp;
  const char* error;
  FailureKind kind;
};
class ARefusalThatEndsIt : public ClientAccess, public testing::WithParamInterface<Denial> {};

// A policy denial is never retried, at either leg, and nothing interactive is tried instead.
TEST_P(ARefusalThatEndsIt, IsNotRetried) {
  auto& script = GetParam().at_idp ? servers_.idp_answers : servers_.as_answers;
  script.assign(1, refusal(GetParam().error));
  const auto granted = token();
  ASSERT_FALSE(granted);
  EXPECT_EQ(granted.error().kind, GetParam().kind);
  EXPECT_EQ(servers_.count("https://idp.example/token"), 1);
  EXPECT_LE(servers_.count("https://as.example/token"), 1);
  for (const auto& request : servers_.requests) EXPECT_EQ(request.url.find("authorize"), std::string::npos);
}
INSTANTIATE_TEST_SUITE_P(Codes, ARefusalThatEndsIt,
                         testing::Values(Denial{"access_denied_at_the_idp", true, "access_denied", FailureKind::denied},
                                         Denial{"access_denied_at_the_ras", false, "access_denied", FailureKind::denied},
                                         Denial{"invalid_target", true, "invalid_target", FailureKind::denied},
                                         Denial{"invalid_scope", true, "invalid_scope", FailureKind::denied},
                                         Denial{"invalid_client_at_the_idp", true, "invalid_client", FailureKind::configuration},
                                         Denial{"invalid_client_at_the_ras", false, "invalid_client", FailureKind::configuration},
                                         Denial{"unauthorized_client", true, "unauthorized_client", FailureKind::configuration},
                                         Denial{"step_up", true, "insufficient_user_authentication", FailureKind::step_up_needed},
                                         Denial{"unavailable", true, "temporarily_unavailable", FailureKind::unreachable}),
                         [](const auto& row) { return row.param.name; });

// IDJAG-62: a token that does not say that it is an ID-JAG goes nowhere.
TEST_F(ClientAccess, SomethingElseThanAnIdJagIsThrownAway) {
  for (const char* answer : {R"({"access_token":"x","issued_token_type":"urn:ietf:params:oauth:token-type:access_token","token_type":"N_A"})",
                             R"({"access_token":"x","issued_token_type":"urn:ietf:params:oauth:token-type:id-jag","token_type":"Bearer"})",
                             R"({"access_token":"x","token_type":"N_A"})", "not json"}) {
    servers_.idp_answers = {{200, {}, answer}};
    const auto granted = token();
    ASSERT_FALSE(granted);
    EXPECT_EQ(granted.error().kind, FailureKind::protocol) << answer;
    EXPECT_EQ(servers_.count("https://as.example/token"), 0);
  }
}

TEST_F(ClientAccess, MetadataForAnotherResourceStopsTheFlow) {
  servers_.protected_resource = R"({"resource":"https://evil.example/mcp","authorization_servers":["https://as.example"]})";
  const auto granted = token();
  ASSERT_FALSE(granted);
  EXPECT_EQ(granted.error().kind, FailureKind::bad_metadata);
  EXPECT_EQ(servers_.count("https://idp.example/token"), 0);
}

TEST_F(ClientAccess, AServerWithoutTheGrantProfileIsNotAsked) {
  servers_.authorization_server = R"({"issuer":"https://as.example","token_endpoint":"https://as.example/token"})";
  const auto granted = token();
  ASSERT_FALSE(granted);
  EXPECT_EQ(granted.error().kind, FailureKind::not_supported);
}

TEST_F(ClientAccess, TheMessageOfARefusalHasTheCodeAndNoControlCharacters) {
  servers_.idp_answers = {{400, {}, R"({"error":"access_denied","error_description":"no\u001b[31m","denial_code":"W-7K2F-9Q"})"}};
  const auto granted = token();
  ASSERT_FALSE(granted);
  EXPECT_EQ(granted.error().denial_code, "W-7K2F-9Q");
  EXPECT_EQ(granted.error().message.find('\x1b'), std::string::npos);
}

// ---- step-up (RFC 9470, IDJAG-73): asked for on the way or by the resource; once, then an answer

http::OutgoingResponse step_up_refusal() {
  return {400, {}, R"({"error":"insufficient_user_authentication","acr_values":"urn:mfa","max_age":300,"denial_code":"W-1"})"};
}
Challenge step_up_challenge(const char* acr_values, const char* max_age) {
  Challenge challenge{"bearer", {{"error", "insufficient_user_authentication"}}};
  if (*acr_values) challenge.parameters.emplace("acr_values", acr_values);
  if (*max_age) challenge.parameters.emplace("max_age", max_age);
  return challenge;
}

TEST_F(ClientAccess, SignsInAgainWhenALegAsksForItAndGoesOn) {
  for (const bool at_the_idp : {true, false}) {
    ScriptedServers servers;
    FakeSubject subject;
    subject.can_step_up = true;
    (at_the_idp ? servers.idp_answers : servers.as_answers).insert((at_the_idp ? servers.idp_answers : servers.as_answers).begin(), step_up_refusal());
    AccessSettings settings;
    settings.idp_issuer = "https://idp.example";
    settings.at_idp = {"c", ClientSecretPost{Secret("s")}};
    settings.at_resource_as = {{"https://as.example", {"c2", ClientSecretPost{Secret("s2")}}}};
    Access access(servers, clock_, subject, settings);
    const auto granted = run(access.token_for(kUrl, {}, ""));
    ASSERT_TRUE(granted) << granted.error().message;
    EXPECT_TRUE(granted->stepped_up);
    EXPECT_EQ(subject.asked_for, std::vector<std::string>{"urn:mfa/300"});
    EXPECT_FALSE(run(access.token_for(kUrl, {}, ""))->stepped_up) << "the cached token is of no new sign-in";
  }
}

TEST_F(ClientAccess, AsksNobodyTwice) {
  ScriptedServers servers;
  FakeSubject subject;
  subject.can_step_up = true;
  servers.idp_answers = {step_up_refusal()};   // whatever one does
  AccessSettings settings;
  settings.idp_issuer = "https://idp.example";
  settings.at_idp = {"c", ClientSecretPost{Secret("s")}};
  settings.at_resource_as = {{"https://as.example", {"c2", ClientSecretPost{Secret("s2")}}}};
  Access access(servers, clock_, subject, settings);
  const auto granted = run(access.token_for(kUrl, {}, ""));
  ASSERT_FALSE(granted);
  EXPECT_EQ(granted.error().kind, FailureKind::step_up_needed);
  EXPECT_EQ(granted.error().denial_code, "W-1");
  EXPECT_EQ(subject.asked_for.size(), 1u);
  const auto again = run(access.token_for(kUrl, {}, "", Access::StepUp::may_not));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, FailureKind::step_up_needed);
  EXPECT_EQ(subject.asked_for.size(), 1u) << "who may not is not asked";
  subject.can_step_up = false;
  EXPECT_EQ(run(access.token_for(kUrl, {}, "")).error().kind, FailureKind::step_up_needed);
}

TEST_F(ClientAccess, TakesOnlyWellFormedWishesFromAChallenge) {
  struct Row {
    const char* acr_values;
    const char* max_age;
    const char* asked;
  };
  for (const Row& row : {Row{"urn:a urn:b", "300", "urn:a urn:b/300"}, Row{"", "0", "/0"}, Row{"", "", "/-1"}, Row{"a\tb", "1e3", "/-1"}, Row{"a  b", "-5", "/-1"}, Row{"a", "99999999999999999999", "a/-1"}}) {
    ScriptedServers servers;
    FakeSubject subject;
    subject.can_step_up = true;
    AccessSettings settings;
    settings.idp_issuer = "https://idp.example";
    settings.at_idp = {"c", ClientSecretPost{Secret("s")}};
    settings.at_resource_as = {{"https://as.example", {"c2", ClientSecretPost{Secret("s2")}}}};
    Access access(servers, clock_, subject, settings);
    ASSERT_TRUE(run(access.token_for(kUrl, step_up_challenge(row.acr_values, row.max_age), "old")));
    EXPECT_EQ(subject.asked_for, std::vector<std::string>{row.asked});
  }
}

}  // namespace
}  // namespace writ::client
