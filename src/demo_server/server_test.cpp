#include "demo_server/server.h"

#include <gtest/gtest.h>

#include "mcp/streamable_http.h"

namespace writ::demo_server {
namespace {

class DemoServerTest : public testing::Test {
 public:
  http::Response post(const std::string& body, http::Headers headers = {}) {
    http::Request request;
    request.method = "POST";
    headers.add("Content-Type", "application/json");
    headers.add("Accept", "application/json, text/event-stream");
    request.headers = std::move(headers);
    request.body = body;
    return run(server.handle(request));
  }
  static json::Value parsed(const http::Response& response) {
    auto value = json::parse(response.body);
    EXPECT_TRUE(value) << response.body;
    return value ? *value : json::Value();
  }
  std::string open() {
    const auto response = post(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}})");
    EXPECT_EQ(*parsed(response).find("result")->find_string("protocolVersion"), "2025-06-18");
    return *response.headers.find_single("Mcp-Session-Id");
  }
  http::Response legacy(const std::string& body) {
    if (session.empty()) session = open();
    return post(body, {{"Mcp-Session-Id", session}});
  }
  http::Response modern(const std::string& method, const std::string& name, const std::string& params) {
    http::Headers headers{{"MCP-Protocol-Version", "2026-07-28"}, {"Mcp-Method", method}};
    if (!name.empty()) headers.add("Mcp-Name", name);
    return post(R"({"jsonrpc":"2.0","id":1,"method":")" + method + R"(","params":{)" + params +
                    R"("_meta":{"progressToken":"p","io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}})",
                std::move(headers));
  }
  static std::string call(const std::string& tool, const std::string& arguments) {
    return R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":")" + tool + R"(","arguments":)" + arguments + "}}";
  }
  static std::string text_of(const http::Response& response) {
    const json::Value body = parsed(response);
    const json::Value* result = body.find("result");
    return result ? *result->find_array("content")->front().find_string("text") : "no result";
  }
  DemoServer server{Options{}};
  std::string session;
};

TEST_F(DemoServerTest, NotesAreFoundReadAddedAndDeleted) {
  EXPECT_EQ(text_of(legacy(call("search_notes", R"({"query":"GATEWAY"})"))), "note-2: Quarter plan\n");
  EXPECT_EQ(text_of(legacy(call("add_note", R"({"title":"T","text":"x"})"))), "note-4: T\nx");
  EXPECT_EQ(text_of(legacy(call("read_note", R"({"id":"note-4"})"))), "note-4: T\nx");
  EXPECT_EQ(text_of(legacy(call("delete_note", R"({"id":"note-4"})"))), "deleted note-4");
  const json::Value again = parsed(legacy(call("delete_note", R"({"id":"note-4"})")));
  EXPECT_TRUE(*again.find("result")->find_bool("isError"));
  EXPECT_TRUE(parsed(legacy(call("read_note", "{}"))).find("result")->find("isError"));
  EXPECT_EQ(*parsed(legacy(call("no_such_tool", "{}"))).find("error")->find_int("code"), -32602);
}

TEST_F(DemoServerTest, ToolsSayWhatTheyDo) {
  const json::Value body = parsed(legacy(R"({"jsonrpc":"2.0","id":3,"method":"tools/list"})"));
  const json::Array& tools = *body.find("result")->find_array("tools");
  ASSERT_EQ(tools.size(), 5u);
  EXPECT_TRUE(*tools[0].find("annotations")->find_bool("readOnlyHint"));
  EXPECT_EQ(*tools[3].find_string("name"), "delete_note");
  EXPECT_TRUE(*tools[3].find("annotations")->find_bool("destructiveHint"));
}

TEST_F(DemoServerTest, LegacyNeedsItsSession) {
  EXPECT_EQ(post(call("search_notes", "{}")).status, 400);
  EXPECT_EQ(post(call("search_notes", "{}"), {{"Mcp-Session-Id", "made-up"}}).status, 404);
  EXPECT_EQ(legacy(R"({"jsonrpc":"2.0","method":"notifications/initialized"})").status, 202);
  http::Request end;
  end.method = "DELETE";
  end.headers = {{"Mcp-Session-Id", session}};
  EXPECT_EQ(run(server.handle(end)).status, 200);
  EXPECT_EQ(legacy(call("search_notes", "{}")).status, 404);
}

TEST_F(DemoServerTest, ModernNeedsNone) {
  const json::Value discovered = parsed(modern("server/discover", "", ""));
  EXPECT_EQ(*discovered.find("result")->find_string("resultType"), "complete");
  EXPECT_EQ(*discovered.find("result")->find_array("supportedVersions")->front().as_string(), "2026-07-28");
  const auto listed = modern("tools/list", "", "");
  EXPECT_EQ(listed.headers.count("Mcp-Session-Id"), 0u);
  EXPECT_TRUE(parsed(listed).find("result")->find_int("ttlMs"));
  EXPECT_EQ(modern("ping", "", "").status, 404);
  EXPECT_EQ(modern("tools/call", "read_note", R"("name":"delete_note","arguments":{},)").status, 400);
}

TEST_F(DemoServerTest, TheReportComesStepByStep) {
  http::Response response = modern("tools/call", "slow_report", R"("name":"slow_report","arguments":{"steps":2},)");
  ASSERT_TRUE(response.stream);
  std::vector<std::string> pieces;
  while (true) {
    auto piece = run(response.stream->next());
    if (!piece) break;
    pieces.push_back(*piece);
  }
  ASSERT_EQ(pieces.size(), 3u);
  EXPECT_NE(pieces[0].find(R"("progressToken":"p","progress":1,"total":2)"), std::string::npos) << pieces[0];
  EXPECT_NE(pieces[2].find(R"("id":1,"result":{"content")"), std::string::npos) << pieces[2];
  http::Response stopped = modern("tools/call", "slow_report", R"("name":"slow_report","arguments":{},)");
  stopped.stream->cancel();
  EXPECT_EQ(run(stopped.stream->next()).error(), http::StreamEnd::broken);
  EXPECT_FALSE(modern("tools/call", "slow_report", R"("name":"slow_report","arguments":{"steps":51},)").stream);
}

TEST_F(DemoServerTest, BrowsersAndOddMethodsAreNotServed) {
  EXPECT_EQ(post(call("search_notes", "{}"), {{"Origin", "https://evil.example"}}).status, 403);
  http::Request get;
  get.method = "GET";
  EXPECT_EQ(run(server.handle(get)).status, 405);
}

}  // namespace
}  // namespace writ::demo_server
