// Requests with tokens: which request carries one, and how often a server may ask for another.

#include "client/mcp_http.h"

#include <gtest/gtest.h>

namespace writ::client {
namespace {

class EmptyBody final : public http::BodyStream {
 public:
  Task<Result<std::string, http::StreamEnd>> next() override { co_return unexpected(http::StreamEnd::complete); }
  void cancel() override {}
};

// Answers the same each time, or by the token that came.
class Server final : public http::Upstream {
 public:
  Task<Result<http::UpstreamResponse, http::UpstreamFailure>> send(http::UpstreamRequest request) override {
    requests.push_back(request);
    const auto* authorization = request.headers.find_single("Authorization");
    const bool is_good = authorization && *authorization == good;
    http::UpstreamResponse response;
    response.status = is_good ? 200 : authorization ? status : 401;
    if (!is_good && authorization) response.headers.add("WWW-Authenticate", challenge);
    response.body = std::make_unique<EmptyBody>();
    co_return response;
  }
  int status = 401;
  std::string good = "Bearer t1", challenge = "Bearer error=\"invalid_token\"";
  std::vector<http::UpstreamRequest> requests;
};

class Tokens final : public TokenSource {
 public:
  Task<Result<GrantedAccess, Failure>> token_for(std::string, Challenge, std::string rejected_token, StepUp step_up) override {
    ++asked;
    rejected = rejected_token;
    may += step_up == StepUp::may ? 1 : 0;
    co_return GrantedAccess{"t" + std::to_string(asked), scope, "", "", {}, steps_up};
  }
  int asked = 0, may = 0;
  std::string rejected, scope = "a";
  bool steps_up = false;
};

class RequestsWithTokens : public testing::Test {
 protected:
  Server server_;
  Tokens tokens_;
  McpHttp http_{server_, tokens_, "https://mcp.example/mcp?tenant=1"};
  Result<http::UpstreamResponse, Failure> send(std::string method = "POST") { return run(http_.send(std::move(method), {}, "{}")); }
};

// MCPA-100, MCPA-101
TEST_F(RequestsWithTokens, CarryThemInTheHeaderEachTimeAndNeverInTheUrl) {
  for (const char* method : {"POST", "GET", "DELETE"}) ASSERT_TRUE(send(method));
  EXPECT_EQ(tokens_.asked, 1);
  ASSERT_EQ(server_.requests.size(), 4U);
  for (std::size_t i = 1; i < server_.requests.size(); ++i) EXPECT_EQ(*server_.requests[i].headers.find_single("Authorization"), "Bearer t1");
  for (const auto& request : server_.requests) EXPECT_EQ(request.url, "https://mcp.example/mcp?tenant=1");
}

// MCPA-123
TEST_F(RequestsWithTokens, EndWhateverTheServerSays) {
  struct Row {
    int status;
    const char* challenge;
  };
  for (const Row& row : {Row{401, "Bearer error=\"invalid_token\""}, Row{401, "Bearer"}, Row{403, "Bearer error=\"insufficient_scope\", scope=\"a\""}, Row{403, "Bearer error=\"insufficient_scope\""},
                         Row{401, "Bearer error=\"insufficient_user_authentication\", acr_values=\"mfa\""}}) {
    Server server;
    server.good = "never";
    server.status = row.status;
    server.challenge = row.challenge;
    Tokens tokens;
    tokens.steps_up = true;
    McpHttp http(server, tokens, "https://mcp.example/mcp");
    const auto answer = run(http.send("POST", {}, "{}"));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, row.status);
    EXPECT_EQ(tokens.asked, 3) << row.challenge;
    EXPECT_EQ(tokens.may, 1) << "one new sign-in for a request";
  }
}

TEST_F(RequestsWithTokens, EndWhenTheScopeThatIsWantedIsNotGranted) {
  server_.good = "never";
  server_.status = 403;
  server_.challenge = "Bearer error=\"insufficient_scope\", scope=\"b\"";
  const auto answer = send();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, FailureKind::denied);
  EXPECT_EQ(tokens_.asked, 2);   // the first for the 401 without a token
}

TEST_F(RequestsWithTokens, A403ThatIsNotAboutScopeIsTheAnswer) {
  server_.good = "never";
  server_.status = 403;
  server_.challenge = "Bearer error=\"access_denied\"";
  const auto answer = send();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 403);
  EXPECT_EQ(tokens_.asked, 1);
}

TEST_F(RequestsWithTokens, SayWhichTokenWasRejected) {
  server_.good = "Bearer t2";
  ASSERT_TRUE(send());
  EXPECT_EQ(tokens_.rejected, "t1");
}

}  // namespace
}  // namespace writ::client
