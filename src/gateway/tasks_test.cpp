#include "gateway/tasks.h"

#include "gateway/gateway_fixture.h"

namespace writ::gateway {
namespace {

std::shared_ptr<const mcp::Message> call_of(const std::string& tool) {
  return std::make_shared<const mcp::Message>(*mcp::Message::parse(call_text(tool), {}));
}

TEST(TasksAreRemembered, ForTheirPrincipalAndServerAlone) {
  Tasks tasks;
  tasks.remember("notes", "alice", "t1", {call_of("search_notes"), {}});
  ASSERT_TRUE(tasks.find("notes", "alice", "t1"));
  EXPECT_EQ(*tasks.find("notes", "alice", "t1")->call->param_string("name"), "search_notes");
  EXPECT_FALSE(tasks.find("notes", "bob", "t1"));
  EXPECT_FALSE(tasks.find("wiki", "alice", "t1"));
  EXPECT_FALSE(tasks.find("notes", "alice", "t2"));
}

TEST(TasksAreRemembered, ByTheCallThatMadeThemFirst) {
  Tasks tasks;
  tasks.remember("notes", "alice", "t1", {call_of("delete_note"), {}});
  tasks.remember("notes", "alice", "t1", {call_of("search_notes"), {}});
  EXPECT_EQ(*tasks.find("notes", "alice", "t1")->call->param_string("name"), "delete_note");
}

TEST(TasksAreRemembered, UpToABoundForEachPrincipal) {
  Tasks tasks(TaskLimits{3, 1 << 20, 16});
  for (const char* id : {"a", "b", "c", "d"}) tasks.remember("notes", "alice", id, {call_of("x"), {}});
  tasks.remember("notes", "bob", "a", {call_of("x"), {}});
  EXPECT_FALSE(tasks.find("notes", "alice", "a"));
  EXPECT_TRUE(tasks.find("notes", "alice", "b") && tasks.find("notes", "alice", "d") && tasks.find("notes", "bob", "a"));
  tasks.remember("notes", "alice", std::string(17, 'x'), {call_of("x"), {}});
  EXPECT_FALSE(tasks.find("notes", "alice", std::string(17, 'x')));
  EXPECT_TRUE(tasks.find("notes", "alice", "b"));
}

TEST(TasksAreRemembered, UpToABoundInBytesOfAll) {
  const std::size_t one = call_of("x")->write().size() + 3 * (std::string("notes\nalice").size() + 1);
  Tasks tasks(TaskLimits{100, 2 * one, 16});
  tasks.remember("notes", "alice", "a", {call_of("x"), {}});
  tasks.remember("notes", "carol", "a", {call_of("x"), {}});
  EXPECT_TRUE(tasks.find("notes", "alice", "a") && tasks.find("notes", "carol", "a"));
  tasks.remember("notes", "carol", "b", {call_of("x"), {}});
  EXPECT_FALSE(tasks.find("notes", "alice", "a"));   // the oldest of all
  EXPECT_TRUE(tasks.find("notes", "carol", "a") && tasks.find("notes", "carol", "b"));
}

TEST(TasksAreAnnounced, InTheFormsOfBothEras) {
  const auto announced = [](const char* text) {
    const auto result = json::parse(text);
    const std::string* id = announced_task(*result);
    return id ? *id : std::string();
  };
  EXPECT_EQ(announced(R"({"task":{"taskId":"t1","status":"working"}})"), "t1");
  EXPECT_EQ(announced(R"({"resultType":"task","taskId":"t2","status":"working"})"), "t2");
  EXPECT_EQ(announced(R"({"resultType":"complete","taskId":"t3"})"), "");
  EXPECT_EQ(announced(R"({"content":[],"task":"t4"})"), "");
  EXPECT_EQ(announced(R"({"resultType":"task","taskId":5})"), "");
}

// ---- through the gateway

class TasksOfServers : public GatewayTest {
 public:
  TasksOfServers() {
    upstream.respond = [this](const http::UpstreamRequest& sent) {
      const auto message = mcp::Message::parse(sent.body, {});
      const auto id = *message->id();
      if (message->method() == "tools/call") return HandUpstream::Answer(upstream.json(json::write(mcp::result_response(id, announcement))));
      if (message->method() == "tasks/list") {
        return HandUpstream::Answer(upstream.json(json::write(mcp::result_response(id, *json::parse(R"({"tasks":[{"taskId":"t1"},{"taskId":"foreign"},{"status":"working"}]})")))));
      }
      return default_answer(sent);
    };
  }
  static std::string about(const std::string& method, const std::string& task) {
    return R"({"jsonrpc":"2.0","id":7,"method":")" + method + R"(","params":{"taskId":")" + task + "\"}}";
  }
  std::string bob() {
    set_objects([](registry::Objects& o) { o.users[1].groups = {"eng"}; });
    return token([](json::Value& c) { c.set("sub", "usr_bob"), c.set("jti", "at-bob"); });
  }
  int error_of(const http::Response& response) const {
    const json::Value body = parsed(response.body);
    const json::Value* error = body.find("error");
    return error ? static_cast<int>(*error->find_int("code")) : 0;
  }
  json::Value announcement = *json::parse(R"({"task":{"taskId":"t1","status":"working"}})");
};

TEST_F(TasksOfServers, BelongToTheCallerThatMadeThem) {
  ASSERT_EQ(post(call_text("search_notes")).status, 200);
  for (const char* method : {"tasks/get", "tasks/result", "tasks/cancel"}) {
    const http::Response own = post(about(method, "t1"));
    EXPECT_EQ(own.status, 200);
    EXPECT_EQ(error_of(own), 0) << method;
    EXPECT_EQ(log.records().back().tool, "search_notes") << method;
  }
  const std::size_t sent = upstream.requests.size();
  const std::string bobs = bob();
  for (const char* task : {"t1", "t2"}) {   // somebody else's and nobody's: one answer
    const http::Response foreign = send(request("POST", about("tasks/get", task), bobs));
    EXPECT_EQ(foreign.status, 200);
    EXPECT_EQ(foreign.body, R"({"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"unknown task"}})");
    EXPECT_EQ(last_reason(), "unknown_task");
  }
  EXPECT_EQ(upstream.requests.size(), sent);
}

TEST_F(TasksOfServers, BelongToOneServer) {
  set_grants({{"grants.yaml:1", "eng", {false, {"cursor"}}, "notes", {true, {}}, {true, {}}}, {"grants.yaml:2", "eng", {false, {"cursor"}}, "wiki", {true, {}}, {true, {}}}});
  ASSERT_EQ(post(call_text("search_notes")).status, 200);
  const std::string wiki = token([](json::Value& c) { c.set("aud", "https://writ.example/mcp/wiki"); });
  const http::Response foreign = send(request("POST", about("tasks/get", "t1"), wiki), "wiki");
  EXPECT_EQ(error_of(foreign), -32602);
}

TEST_F(TasksOfServers, AreDecidedAsTheCallThatMadeThem) {
  ASSERT_EQ(post(call_text("search_notes")).status, 200);
  ASSERT_EQ(error_of(post(about("tasks/result", "t1"))), 0);
  set_grants({{"grants.yaml:1", "eng", {false, {"cursor"}}, "notes", {true, {}}, {false, {"add_note"}}}});
  const std::size_t sent = upstream.requests.size();
  EXPECT_EQ(error_of(post(about("tasks/result", "t1"))), 403);
  EXPECT_EQ(last_reason(), "no_permit");
  EXPECT_EQ(upstream.requests.size(), sent);
}

TEST_F(TasksOfServers, OfTheModernEraAreTheExtensions) {
  announcement = *json::parse(R"({"resultType":"task","taskId":"t9","status":"working"})");
  ASSERT_EQ(send(modern("tools/call", json::Value{{"name", "search_notes"}, {"arguments", json::Object{}}})).status, 200);
  for (const char* method : {"tasks/get", "tasks/update", "tasks/cancel"}) {
    http::Request made = modern(method, json::Value{{"taskId", "t9"}});
    made.headers.add("Mcp-Name", "t9");
    EXPECT_EQ(error_of(send(made)), 0) << method;
    EXPECT_EQ(*upstream.requests.back().headers.find_single("Mcp-Name"), "t9");
  }
  http::Request differs = modern("tasks/get", json::Value{{"taskId", "t9"}});
  differs.headers.add("Mcp-Name", "other");
  EXPECT_EQ(error_of(send(differs)), -32020);
  for (const char* method : {"tasks/result", "tasks/list"}) EXPECT_EQ(send(modern(method, json::Value{{"taskId", "t9"}})).status, 404) << method;
  EXPECT_EQ(error_of(send(modern("tasks/get", json::Value{{"taskId", "t8"}}))), -32021);   // this client did not declare the extension
  http::Request declared = modern("tasks/get", json::Value{{"taskId", "t8"}});
  const std::string none = R"("io.modelcontextprotocol/clientCapabilities":{)";
  declared.body.insert(declared.body.find(none) + none.size(), R"("extensions":{"io.modelcontextprotocol/tasks":{}})");
  EXPECT_EQ(error_of(send(declared)), -32602);
  EXPECT_EQ(error_of(post(about("tasks/update", "t9"))), 403);   // not of the legacy era
}

TEST_F(TasksOfServers, ListsShowOnesOwn) {
  const std::string list = R"({"jsonrpc":"2.0","id":8,"method":"tasks/list"})";
  EXPECT_EQ(json::write(*parsed(post(list).body).find("result")), R"({"tasks":[]})");
  ASSERT_EQ(post(call_text("search_notes")).status, 200);
  EXPECT_EQ(json::write(*parsed(post(list).body).find("result")), R"({"tasks":[{"taskId":"t1"}]})");
}

TEST_F(TasksOfServers, NewsOfOthersAreDropped) {
  ASSERT_EQ(post(call_text("search_notes")).status, 200);
  const auto news = [](const std::string& task) { return "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tasks/status\",\"params\":{\"taskId\":\"" + task + "\"}}\n\n"; };
  upstream.respond = [&](const http::UpstreamRequest&) { return upstream.events({news("foreign"), news("t1")}); };
  http::Response response = send(request("GET", "", token()));
  EXPECT_EQ(read_all(response), news("t1"));
}

TEST_F(TasksOfServers, FindTheirOwnerOnAResumedStream) {
  upstream.respond = [this](const http::UpstreamRequest&) { return upstream.json(R"({"jsonrpc":"2.0","id":1,"result":{}})", {{"Mcp-Session-Id", "up"}}); };
  const std::string session = *post(R"({"jsonrpc":"2.0","id":1,"method":"initialize"})").headers.find_single("Mcp-Session-Id");
  const auto in_session = [&](http::Request made) {
    made.headers.add("Mcp-Session-Id", session);
    return send(made);
  };
  upstream.respond = [this](const http::UpstreamRequest&) { return upstream.events({"id: 1\ndata: \n\n"}); };
  http::Response cut = in_session(request("POST", R"({"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"search_notes","arguments":{},"task":{"ttl":1000}}})", token()));
  read_all(cut);
  upstream.respond = [this](const http::UpstreamRequest&) { return upstream.events({"id: 2\ndata: {\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{\"task\":{\"taskId\":\"t5\"}}}\n\n"}); };
  http::Request resume = request("GET", "", token());
  resume.headers.add("Last-Event-ID", "1");
  http::Response resumed = in_session(resume);
  EXPECT_NE(read_all(resumed).find("t5"), std::string::npos);
  upstream.respond = [this](const http::UpstreamRequest& sent) { return default_answer(sent); };
  EXPECT_EQ(error_of(in_session(request("POST", about("tasks/get", "t5"), token()))), 0);
}

// ---- the form of the gateway's own answers in a session

TEST_F(TasksOfServers, ADeniedCallInASessionIsAStreamWithAPlaceFirst) {
  upstream.respond = [this](const http::UpstreamRequest&) { return upstream.json(R"({"jsonrpc":"2.0","id":1,"result":{}})", {{"Mcp-Session-Id", "up"}}); };
  const std::string session = *post(R"({"jsonrpc":"2.0","id":1,"method":"initialize"})").headers.find_single("Mcp-Session-Id");
  http::Request call = request("POST", call_text("delete_note"), token());
  call.headers.add("Mcp-Session-Id", session);
  const http::Response denied = send(call);
  EXPECT_EQ(*denied.headers.find_single("Content-Type"), "text/event-stream");
  EXPECT_TRUE(denied.body.starts_with("id: writ:W-")) << denied.body;
  EXPECT_NE(denied.body.find("\ndata: \n\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{"), std::string::npos) << denied.body;
  const std::size_t sent = upstream.requests.size();
  http::Request resume = request("GET", "", token());
  resume.headers.add("Mcp-Session-Id", session);
  resume.headers.add("Last-Event-ID", denied.body.substr(4, denied.body.find('\n') - 4));
  EXPECT_EQ(send(resume).status, 400);
  EXPECT_EQ(last_reason(), "not_resumable");
  EXPECT_EQ(upstream.requests.size(), sent);
}

}  // namespace
}  // namespace writ::gateway
