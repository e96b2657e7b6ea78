// What is kept of an authorization, and when the person is asked all the same.

#include "client/grants/authorization_code_grant.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "client/grants/scripted_servers_fixture.h"

namespace writ::client {
namespace {

class KeptAccount : public testing::Test {
 protected:
  ScriptedServers servers_;
  SettableClock clock_;
  ScriptedBrowser browser_;
  AccountsInMemory accounts_;
  AuthorizationCodeGrant grant_{servers_, clock_, browser_, accounts_, {}};

  GrantTarget target(const std::string& resource = kUrl) {
    GrantTarget result;
    result.url = kUrl;
    result.resource.resource = resource;
    result.server = *read_authorization_server(json::write(server_metadata()), kIssuer);
    return result;
  }
  Result<AccessToken, Failure> obtain(const std::string& scope = "read", bool signs_in_again = false, const std::string& resource = kUrl) {
    GrantWish wish;
    wish.scope = scope;
    wish.signs_in_again = signs_in_again;
    return run(grant_.obtain(target(resource), wish));
  }
  void answer(const std::string& body, int status = 200) { servers_.pages["https://as.example/token"] = {status, {}, body}; }
  void keep_one() {
    answer(R"({"access_token":"at-1","token_type":"Bearer","refresh_token":"rt-1"})");
    ASSERT_TRUE(obtain());
    ASSERT_EQ(browser_.visited.size(), 1U);
  }
};

TEST_F(KeptAccount, IsRefreshedWithoutThePerson) {
  keep_one();
  answer(R"({"access_token":"at-2","token_type":"Bearer","refresh_token":"rt-2"})");
  const auto token = obtain();
  ASSERT_TRUE(token);
  EXPECT_EQ(token->value, "at-2");
  EXPECT_EQ(browser_.visited.size(), 1U);
  EXPECT_EQ(servers_.last_parameter("https://as.example/token", "grant_type"), "refresh_token");
  EXPECT_EQ(servers_.last_parameter("https://as.example/token", "refresh_token"), "rt-1");
  EXPECT_EQ(servers_.last_parameter("https://as.example/token", "resource"), kUrl);
  EXPECT_EQ(accounts_.find(kIssuer, kUrl)->refresh_token.reveal(), "rt-2") << "the rotated one";
}

TEST_F(KeptAccount, KeepsItsRefreshTokenWhereTheServerDoesNotRotate) {
  keep_one();
  answer(R"({"access_token":"at-2","token_type":"Bearer"})");
  ASSERT_TRUE(obtain());
  EXPECT_EQ(accounts_.find(kIssuer, kUrl)->refresh_token.reveal(), "rt-1");
}

TEST_F(KeptAccount, IsOfOneResourceAndOneIssuer) {
  keep_one();
  ASSERT_TRUE(obtain("read", false, "https://mcp.example/other"));
  EXPECT_EQ(browser_.visited.size(), 2U);
  EXPECT_FALSE(accounts_.find("https://other.example", kUrl));
}

TEST_F(KeptAccount, DoesNotDoForMoreScopeOrABetterSignIn) {
  keep_one();
  ASSERT_TRUE(obtain("read write"));
  EXPECT_EQ(browser_.visited.size(), 2U);
  ASSERT_TRUE(obtain("read", true));
  EXPECT_EQ(browser_.visited.size(), 3U);
}

TEST_F(KeptAccount, ThatIsOverIsForgottenAndThePersonAskedOnce) {
  for (const char* error : {"invalid_grant", "invalid_client", "unauthorized_client"}) {
    accounts_ = AccountsInMemory();
    browser_.visited.clear();
    keep_one();
    answer(std::string(R"({"error":")") + error + R"("})", 400);
    EXPECT_FALSE(obtain()) << error;   // the code is refused in the same way here
    EXPECT_EQ(browser_.visited.size(), 2U);
    EXPECT_FALSE(accounts_.find(kIssuer, kUrl));
  }
}

// Two bridges share the accounts: the second is late, and takes what the first was given.
TEST_F(KeptAccount, ThatAnotherProcessHasJustRefreshedIsTakenFromIt) {
  keep_one();
  answer(R"({"error":"invalid_grant"})", 400);
  servers_.on_answer = [&](const http::OutgoingRequest&) {
    servers_.on_answer = nullptr;
    Account other = *accounts_.find(kIssuer, kUrl);
    other.refresh_token = Secret("rt-of-the-other");
    ASSERT_TRUE(accounts_.save(other));
    answer(R"({"access_token":"at-3","token_type":"Bearer"})");
  };
  const auto token = obtain();
  ASSERT_TRUE(token);
  EXPECT_EQ(servers_.last_parameter("https://as.example/token", "refresh_token"), "rt-of-the-other");
  EXPECT_EQ(browser_.visited.size(), 1U);
  EXPECT_TRUE(accounts_.find(kIssuer, kUrl));
}

TEST_F(KeptAccount, OfAServerThatIsDownIsKept) {
  keep_one();
  answer("", 503);
  const auto token = obtain();
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().kind, FailureKind::unreachable);
  EXPECT_EQ(browser_.visited.size(), 1U);
  EXPECT_TRUE(accounts_.find(kIssuer, kUrl));
}

TEST_F(KeptAccount, ThatCannotBeSavedGivesNoToken) {
  class FullDisk final : public Accounts {
   public:
    std::optional<Account> find(const std::string&, const std::string&) override { return std::nullopt; }
    Result<void, Failure> save(const Account&) override { return unexpected(Failure{FailureKind::configuration, "the disk is full", {}, {}, {}, {}}); }
    void forget(const Account&) override {}
  };
  FullDisk disk;
  AuthorizationCodeGrant grant(servers_, clock_, browser_, disk, {});
  answer(R"({"access_token":"at-1","token_type":"Bearer","refresh_token":"rt-1"})");
  const auto token = run(grant.obtain(target(), {}));
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().message, "the disk is full");
}

TEST_F(KeptAccount, RegistersOnceForOneRedirectUri) {
  ASSERT_TRUE(obtain());
  ASSERT_TRUE(obtain());
  EXPECT_EQ(servers_.count("https://as.example/register"), 1);
  browser_.uri = "http://127.0.0.1:4712/callback";
  ASSERT_TRUE(obtain());
  EXPECT_EQ(servers_.count("https://as.example/register"), 2);
}

TEST_F(KeptAccount, ARegistrationWhoseSecretHasExpiredIsMadeAnew) {
  const std::string expires = std::to_string(to_unix_seconds(clock_.now()) + 60);
  servers_.pages["https://as.example/register"] = {201, {}, R"({"client_id":"c","client_secret":"s","client_secret_expires_at":)" + expires + "}"};
  ASSERT_TRUE(obtain());
  clock_.now_ += Seconds{59};
  ASSERT_TRUE(obtain());
  EXPECT_EQ(servers_.count("https://as.example/register"), 1);
  clock_.now_ += Seconds{1};
  ASSERT_TRUE(obtain());
  EXPECT_EQ(servers_.count("https://as.example/register"), 2);
}

TEST_F(KeptAccount, ARefusedRegistrationIsNotUsedAgain) {
  answer(R"({"error":"invalid_client"})", 401);
  EXPECT_FALSE(obtain());
  answer(R"({"access_token":"at-1","token_type":"Bearer"})");
  ASSERT_TRUE(obtain());
  EXPECT_EQ(servers_.count("https://as.example/register"), 2);
}

TEST_F(KeptAccount, ATokenOfATypeThatIsNotKnownIsNotUsed) {
  for (const char* body : {R"({"access_token":"at","token_type":"N_A"})", R"({"access_token":"at","token_type":"mac"})", R"({"access_token":"at"})", R"({"token_type":"Bearer"})", "[]", ""}) {
    answer(body);
    const auto token = obtain();
    ASSERT_FALSE(token) << body;
    EXPECT_EQ(token.error().kind, FailureKind::protocol);
  }
}

}  // namespace
}  // namespace writ::client
