#include "demo_server/server.h"
#include "demo_server/tools.h"
#include "gateway/gateway_fixture.h"

namespace writ::gateway {
namespace {

// A real server behind the gateway, without a socket: the demo's, in both protocol eras.
class BothEras : public GatewayTest {
 public:
  BothEras() {
    for (const json::Value& tool : demo_server::tool_definitions()) approve("notes", tool);
    publish();
    set_grants({{"grants.yaml:1", "eng", {false, {"cursor"}}, "notes", {true, {}}, {false, {"search_notes", "read_note", "slow_report"}}}});
    upstream.respond = [this](const http::UpstreamRequest& sent) {
      http::Request request;
      request.method = sent.method;
      request.headers = sent.headers;
      request.body = sent.body;
      // On an executor of its own: this one is busy with the gateway's request.
      http::Response response = run(server.handle(request));
      http::UpstreamResponse answer;
      answer.status = response.status;
      answer.headers = std::move(response.headers);
      if (response.stream) {
        answer.body = std::move(response.stream);
      } else {
        auto state = std::make_shared<ScriptedBody::State>();
        if (!response.body.empty()) state->pieces.push_back(std::move(response.body));
        state->end = http::StreamEnd::complete;
        answer.body = std::make_unique<ScriptedBody>(state);
      }
      return HandUpstream::Answer(std::move(answer));
    };
  }
  http::Response legacy(const std::string& body, const std::string& method = "POST") {
    http::Request made = request(method, body, token([](json::Value& c) { c.set("scope", "notes:read"); }));
    made.headers.add("MCP-Protocol-Version", "2025-11-25");
    if (!session.empty()) made.headers.add("Mcp-Session-Id", session);
    return send(made);
  }
  static std::vector<std::string> tool_names(const json::Value& body) {
    std::vector<std::string> found;
    for (const json::Value& tool : *body.find("result")->find_array("tools")) found.push_back(*tool.find_string("name"));
    return found;
  }
  demo_server::DemoServer server{demo_server::Options{}};
  std::string session;
};

TEST_F(BothEras, ALegacyClientWalksFromInitializeToDelete) {
  const http::Response opened = legacy(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}})");
  ASSERT_EQ(opened.status, 200) << last_reason();
  session = *opened.headers.find_single("Mcp-Session-Id");
  EXPECT_EQ(legacy(R"({"jsonrpc":"2.0","method":"notifications/initialized"})").status, 202);
  const json::Value listed = parsed(legacy(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})").body);
  EXPECT_EQ(tool_names(listed), (std::vector<std::string>{"search_notes", "read_note", "slow_report"}));
  EXPECT_NE(legacy(call_text("read_note", R"({"id":"note-1"})")).body.find("Onboarding"), std::string::npos);

  http::Response report = legacy(R"({"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"slow_report","arguments":{"steps":2},"_meta":{"progressToken":9}}})");
  ASSERT_TRUE(report.stream);
  std::vector<std::string> pieces;
  while (true) {
    auto piece = run(executor, report.stream->next());
    if (!piece) break;
    pieces.push_back(*piece);
  }
  ASSERT_EQ(pieces.size(), 3u);   // each step by itself, not collected
  EXPECT_NE(pieces[0].find(R"("progress":1,"total":2)"), std::string::npos);
  EXPECT_NE(pieces[2].find(R"("id":3,"result")"), std::string::npos);

  EXPECT_NE(legacy(call_text("delete_note", R"({"id":"note-1"})")).body.find("writ/decision"), std::string::npos);
  EXPECT_TRUE(server.notes().find("note-1"));
  EXPECT_EQ(legacy("", "DELETE").status, 200);
  EXPECT_EQ(legacy(R"({"jsonrpc":"2.0","id":4,"method":"ping"})").status, 404);
}

TEST_F(BothEras, AModernClientNeedsNoSession) {
  http::Response discovered = send(modern("server/discover", json::Object{}));
  EXPECT_EQ(*parsed(discovered.body).find("result")->find_string("cacheScope"), "private");
  const json::Value listed = parsed(send(modern("tools/list", json::Object{})).body);
  EXPECT_EQ(tool_names(listed), (std::vector<std::string>{"search_notes", "read_note", "slow_report"}));
  EXPECT_EQ(*listed.find("result")->find_string("resultType"), "complete");
  http::Response read = send(modern("tools/call", json::Value{{"name", "read_note"}, {"arguments", json::Value{{"id", "note-2"}}}}));
  EXPECT_NE(read.body.find("Quarter plan"), std::string::npos);
  http::Response report = send(modern("tools/call", json::Value{{"name", "slow_report"}, {"arguments", json::Value{{"steps", 1}}}}));
  EXPECT_NE(read_all(report).find("report of 1 steps"), std::string::npos);
  const http::Response denied = send(modern("tools/call", json::Value{{"name", "delete_note"}, {"arguments", json::Value{{"id", "note-2"}}}}));
  EXPECT_NE(denied.body.find("writ/decision"), std::string::npos);
  EXPECT_TRUE(server.notes().find("note-2"));
}

TEST_F(BothEras, BothAtOnceOnOneEndpoint) {
  session = *legacy(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}})").headers.find_single("Mcp-Session-Id");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(legacy(R"({"jsonrpc":"2.0","id":1,"method":"ping"})").status, 200);
    EXPECT_EQ(send(modern("ping", json::Object{})).status, 404);
    EXPECT_EQ(send(modern("tools/list", json::Object{})).status, 200);
    EXPECT_EQ(*parsed(legacy(R"({"jsonrpc":"2.0","id":2,"method":"server/discover"})").body).find("error")->find_int("code"), 403);
  }
}

}  // namespace
}  // namespace writ::gateway
