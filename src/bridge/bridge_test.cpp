#include "bridge/bridge.h"

#include <gtest/gtest.h>

#include <optional>

#include "client/access.h"

namespace writ::bridge {
namespace {

class NoClock final : public Clock {
 public:
  Instant now() const override { return from_unix_seconds(1'800'000'000); }
};
class NoServers final : public http::Outgoing {
 public:
  Task<Result<http::OutgoingResponse, http::OutgoingFailure>> fetch(http::OutgoingRequest) override { co_return http::OutgoingResponse{404, {}, ""}; }
};
class NoSubject final : public client::Subject {
 public:
  Task<Result<client::IdentityAssertion, client::Failure>> current(bool) override { co_return client::IdentityAssertion{}; }
};

class OnePiece final : public http::BodyStream {
 public:
  explicit OnePiece(std::string text) : text_(std::move(text)) {}
  Task<Result<std::string, http::StreamEnd>> next() override {
    if (text_.empty()) co_return unexpected(http::StreamEnd::complete);
    co_return std::exchange(text_, {});
  }
  void cancel() override { text_.clear(); }

 private:
  std::string text_;
};

// An open server: it wants no token.
class OpenServer final : public http::Upstream {
 public:
  Task<Result<http::UpstreamResponse, http::UpstreamFailure>> send(http::UpstreamRequest request) override {
    const bool is_list = request.body.find("tools/list") != std::string::npos;
    http::UpstreamResponse response;
    response.status = 200;
    response.headers = {{"Content-Type", "application/json"}};
    response.body = std::make_unique<OnePiece>(is_list ? R"({"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"x","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}}]}})"
                                                       : R"({"jsonrpc":"2.0","id":2,"result":{}})");
    requests.push_back(std::move(request));
    co_return response;
  }
  std::vector<http::UpstreamRequest> requests;
};

class HostsOnStdio : public testing::Test {
 public:
  HostsOnStdio() : scope(executor) {}
  void say(const std::string& line) {
    bridge.receive(line);
    bool done = false;
    executor.post([&] { done = true; });
    executor.run_until([&] { return done; });
  }
  static std::string modern(int id, const std::string& method, const std::string& more) {
    return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":")" + method + R"(","params":{)" + more +
           R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}})";
  }
  QueueExecutor executor;
  Executor::Scope scope;
  NoClock clock;
  NoServers servers;
  NoSubject subject;
  client::Access access{servers, clock, subject, {}};
  OpenServer server;
  client::McpHttp http{server, access, "https://mcp.example/mcp"};
  std::vector<std::string> lines;
  Bridge bridge{Parts{http, [this](std::string_view line) { lines.emplace_back(line); }, [](std::string_view) {}, [](Milliseconds) -> Task<void> { co_return; }}};
};

TEST_F(HostsOnStdio, GetTheMirroredHeadersThatTheyCannotSend) {
  say(modern(1, "tools/list", ""));
  say(modern(2, "tools/call", R"("name":"x","arguments":{"region":"eu"},)"));
  ASSERT_EQ(server.requests.size(), 2u);
  for (const auto& [name, expected] : {std::pair{"Mcp-Method", "tools/call"}, {"Mcp-Name", "x"}, {"Mcp-Param-Region", "eu"}, {"MCP-Protocol-Version", "2026-07-28"}}) {
    ASSERT_TRUE(server.requests[1].headers.find_single(name)) << name;
    EXPECT_EQ(*server.requests[1].headers.find_single(name), expected);
  }
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[1], R"({"jsonrpc":"2.0","id":2,"result":{}})");
}

TEST_F(HostsOnStdio, AreToldOfALineThatIsNoMessage) {
  say("[]");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("\"error\""), std::string::npos);
  EXPECT_EQ(lines[0].find("\"id\""), std::string::npos);
  EXPECT_TRUE(server.requests.empty());
}

}  // namespace
}  // namespace writ::bridge
