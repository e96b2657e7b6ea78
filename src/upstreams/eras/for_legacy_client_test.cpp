#include "upstreams/eras/for_legacy_client.h"

#include "upstreams/eras/eras_fixture.h"
#include "upstreams/eras/legacy_call.h"

namespace writ::upstreams {
namespace {

json::Value value(const std::string& text) {
  auto parsed = json::parse(text, kMessageLimits);
  if (!parsed) throw std::runtime_error("no JSON: " + text);
  return std::move(*parsed);
}

class LegacyClients : public ErasTest {
 public:
  using Got = ScriptedServer::Got;
  LegacyClients() {
    server.respond = [this](const Got& got) { return respond(got); };
  }
  ~LegacyClients() override {
    // What is open ends, so that what waits for it does.
    for (const auto& state : open) state->finish(http::StreamEnd::broken);
    registry::Objects none;
    set_objects(std::move(none));
    client.tidy(time.now());
    settle();
    time.advance(Seconds{1'000'000});
    settle();
  }
  Sent respond(const Got& got) {
    if (got.method() == "server/discover") return ScriptedServer::result(got, discovered);
    if (got.method() == "subscriptions/listen") return listen(got);
    return answer ? answer(got) : Sent(ScriptedServer::result(got, value(R"({"resultType":"complete","content":[]})")));
  }
  Sent listen(const Got&) { return ScriptedServer::stream(fresh()); }
  std::shared_ptr<LiveBody::State> fresh() {
    open.push_back(std::make_shared<LiveBody::State>());
    return open.back();
  }

  Request legacy(const json::Value& body, const std::string& in_session, const std::string& principal = "alice", const std::string& method = "POST") {
    Request made = request(mcp::Era::legacy, body, principal, method);
    made.http.headers.add("MCP-Protocol-Version", "2025-11-25");
    if (!in_session.empty()) made.http.headers.add("Mcp-Session-Id", in_session);
    return made;
  }
  std::shared_ptr<Sending> post(const std::string& body, const std::string& principal = "alice") { return start_legacy(legacy(value(body), session, principal)); }
  std::shared_ptr<Sending> get(const std::string& last_event = "") {
    Request made = legacy(nullptr, session, "alice", "GET");
    if (!last_event.empty()) made.http.headers.add("Last-Event-ID", last_event);
    return start_legacy(std::move(made));
  }
  std::shared_ptr<Sending> start_legacy(Request made) {
    auto sending = std::make_shared<Sending>();
    auto task = client.send(std::move(made));
    spawn(std::move(task), [sending](std::exception_ptr exception, std::optional<Sent> sent) {
      if (exception) std::rethrow_exception(exception);
      sending->answer = std::move(sent);
    });
    settle();
    return sending;
  }
  std::string initialize(const std::string& capabilities = R"({"elicitation":{},"sampling":{}})", const std::string& version = "2025-11-25") {
    session.clear();
    const auto opened = post(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":")" + version + R"(","capabilities":)" + capabilities + R"(,"clientInfo":{"name":"t","version":"1"}}})");
    if (!opened->answer || !*opened->answer) throw std::runtime_error("no answer to initialize");
    http::UpstreamResponse& response = **opened->answer;
    session = *response.headers.find_single("Mcp-Session-Id");
    return read(response)->text;
  }
  // The one object that was answered.
  json::Value object(const std::shared_ptr<Sending>& sending) {
    if (!sending->answer || !*sending->answer) return nullptr;
    http::UpstreamResponse& response = **sending->answer;
    return response.headers.find_single("Content-Type") ? value(read(response)->text) : json::Value();
  }
  std::shared_ptr<Reading> stream(const std::shared_ptr<Sending>& sending) {
    if (!sending->answer || !*sending->answer) throw std::runtime_error("no stream");
    http::UpstreamResponse& response = **sending->answer;
    EXPECT_EQ(*response.headers.find_single("Content-Type"), "text/event-stream");
    return read(response);
  }
  int status(const std::shared_ptr<Sending>& sending) { return sending->answer && *sending->answer ? (*sending->answer)->status : 0; }
  static std::vector<json::Value> said(const Reading& reading) {
    std::vector<json::Value> found;
    mcp::SseParser parser(1 << 20);
    std::vector<mcp::Event> events;
    EXPECT_TRUE(parser.feed(reading.text, events).has_value());
    for (const mcp::Event& event : events) {
      if (!event.data.empty()) found.push_back(value(event.data));
    }
    return found;
  }
  static std::string last_event(const Reading& reading) {
    const std::size_t at = reading.text.rfind("id: ");
    return reading.text.substr(at + 4, reading.text.find('\n', at) - at - 4);
  }
  const Got& last() const { return server.seen.back(); }
  static std::string call(const std::string& id = "1") { return R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":"tools/call","params":{"name":"x","arguments":{"a":1},"_meta":{"progressToken":"p"}}})"; }
  static json::Value asks(const std::string& requests, const std::string& state = "") {
    json::Value result{{"resultType", "input_required"}};
    if (!requests.empty()) result.set("inputRequests", value(requests));
    if (!state.empty()) result.set("requestState", state);
    return result;
  }
  void say(const json::Value& question, const std::string& member, const std::string& content) {
    json::Value response{{"jsonrpc", "2.0"}};
    response.set("id", *question.find("id"));
    response.set(member, value(content));
    EXPECT_EQ(status(post(json::write(response))), 202);
  }

  std::string session;
  std::function<Sent(const Got&)> answer;
  std::vector<std::shared_ptr<LiveBody::State>> open;
  json::Value discovered = value(R"({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true},"logging":{}}})");
  ForLegacyClient client{parts, {8, 3, Seconds{3600}}};
};

// ---- sessions

TEST_F(LegacyClients, InitializeBecomesDiscoverAndOpensASession) {
  const json::Value answered = value(initialize());
  EXPECT_EQ(json::write(answered), R"({"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true},"logging":{}},)"
                                   R"("serverInfo":{"name":"notes","version":""}}})");
  ASSERT_EQ(server.seen.size(), 1u);
  EXPECT_EQ(last().method(), "server/discover");
  EXPECT_EQ(last().header("Mcp-Method"), "server/discover");
  EXPECT_EQ(last().request.era, mcp::Era::modern);
  const json::Value& meta = *last().body.find("params")->find("_meta");
  EXPECT_EQ(json::write(*meta.find("io.modelcontextprotocol/clientCapabilities")), R"({"elicitation":{},"sampling":{}})");
  EXPECT_EQ(json::write(*meta.find("io.modelcontextprotocol/clientInfo")), R"({"name":"t","version":"1"})");
  EXPECT_EQ(client.sessions(), 1u);
}

TEST_F(LegacyClients, AServerThatRefusesToBeDiscoveredOpensNone) {
  session.clear();
  server.respond = [](const Got& got) { return ScriptedServer::error(got, 400, -32021); };
  const std::string open_text = R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{}}})";
  EXPECT_EQ(*object(post(open_text)).find("error")->find_int("code"), -32021);
  server.respond = [](const Got&) { return json_response(401, "{}"); };
  EXPECT_EQ(status(post(open_text)), 401);
  server.respond = [](const Got&) { return json_response(200, "{}"); };
  const auto sent = post(open_text);
  ASSERT_TRUE(sent->answer);
  EXPECT_EQ(sent->answer->error().kind, Failure::Kind::bad_response);
  EXPECT_EQ(client.sessions(), 0u);
}

TEST_F(LegacyClients, SessionsBelongToTheirPrincipalAndServer) {
  initialize();
  EXPECT_EQ(status(post(R"({"jsonrpc":"2.0","id":1,"method":"ping"})")), 200);
  EXPECT_EQ(status(post(R"({"jsonrpc":"2.0","id":1,"method":"ping"})", "bob")), 404);
  const std::string mine = std::exchange(session, "no-such-session");
  EXPECT_EQ(status(post(R"({"jsonrpc":"2.0","id":1,"method":"ping"})")), 404);
  session.clear();
  EXPECT_EQ(status(post(R"({"jsonrpc":"2.0","id":1,"method":"ping"})")), 400);
  session = mine;
  EXPECT_EQ(server.seen.size(), 1u) << "the bridge answers a ping itself";
}

TEST_F(LegacyClients, SessionsEndWithDelete) {
  initialize();
  EXPECT_EQ(status(start_legacy(legacy(nullptr, session, "bob", "DELETE"))), 404);
  EXPECT_EQ(status(start_legacy(legacy(nullptr, session, "alice", "DELETE"))), 200);
  EXPECT_EQ(status(post(R"({"jsonrpc":"2.0","id":1,"method":"ping"})")), 404);
}

TEST_F(LegacyClients, SessionsEndWhenIdleAndWithTheirUser) {
  initialize();
  time.advance(Seconds{3'599});
  EXPECT_EQ(status(post(R"({"jsonrpc":"2.0","id":1,"method":"ping"})")), 200);
  time.advance(Seconds{3'601});
  EXPECT_EQ(status(post(R"({"jsonrpc":"2.0","id":1,"method":"ping"})")), 404);
  client.tidy(time.now());
  EXPECT_EQ(client.sessions(), 0u);
  initialize();
  registry::Objects changed = current;
  changed.users.erase(changed.users.begin());
  set_objects(std::move(changed));
  client.tidy(time.now());
  EXPECT_EQ(client.sessions(), 0u);
}

TEST_F(LegacyClients, WhoOpensManyLosesTheirOwnOldest) {
  initialize();
  const std::string first = session;
  for (int i = 0; i < 3; ++i) initialize();
  EXPECT_EQ(client.sessions(), 3u);
  session = first;
  EXPECT_EQ(status(post(R"({"jsonrpc":"2.0","id":1,"method":"ping"})")), 404);
}

// ---- requests

TEST_F(LegacyClients, ARequestGoesOnInTheModernForm) {
  initialize();
  answer = [](const Got& got) { return ScriptedServer::result(got, value(R"({"resultType":"complete","content":[{"type":"text","text":"hi"}],"ttlMs":1})")); };
  EXPECT_EQ(json::write(object(post(call("\"abc\"")))), R"({"jsonrpc":"2.0","id":"abc","result":{"content":[{"type":"text","text":"hi"}]}})");
  EXPECT_EQ(last().header("Mcp-Name"), "x");
  EXPECT_EQ(last().header("MCP-Protocol-Version"), "2026-07-28");
  EXPECT_EQ(last().header("Mcp-Session-Id"), "");
  const json::Value& params = *last().body.find("params");
  EXPECT_EQ(json::write(*params.find("arguments")), R"({"a":1})");
  EXPECT_EQ(*params.find("_meta")->find_string("progressToken"), "p");
  EXPECT_TRUE(last().id().is_int());
}

struct AnswerRow {
  const char* name;
  int server_status;
  const char* body;          // ID stands for the request's
  int status;                // 0: a failure
  const char* told;          // of the body
};
class ServerAnswers : public LegacyClients, public testing::WithParamInterface<AnswerRow> {};
TEST_P(ServerAnswers, BecomeWhatALegacyClientReads) {
  const AnswerRow& row = GetParam();
  initialize();
  answer = [&](const Got& got) {
    std::string body = row.body;
    const std::size_t at = body.find("ID");
    if (at != std::string::npos) body.replace(at, 2, json::write(got.id()));
    return json_response(row.server_status, body);
  };
  const auto sent = post(call());
  EXPECT_EQ(status(sent), row.status);
  if (row.status == 0) {
    EXPECT_EQ(sent->answer->error().kind, Failure::Kind::bad_response);
  }
  if (row.status == 200) {
    EXPECT_NE(json::write(object(sent)).find(row.told), std::string::npos);
  }
}
INSTANTIATE_TEST_SUITE_P(All, ServerAnswers,
                         testing::Values(AnswerRow{"a_result", 200, R"({"jsonrpc":"2.0","id":ID,"result":{}})", 200, R"({"jsonrpc":"2.0","id":1,"result":{}})"},
                                         AnswerRow{"an_error", 200, R"({"jsonrpc":"2.0","id":ID,"error":{"code":-32602,"message":"m"}})", 200, R"("id":1,"error":{"code":-32602,"message":"m"})"},
                                         AnswerRow{"an_error_with_status", 400, R"({"jsonrpc":"2.0","id":ID,"error":{"code":-32021,"message":"m"}})", 200, "-32021"},
                                         AnswerRow{"an_unknown_method_is_no_ended_session", 404, R"({"jsonrpc":"2.0","id":ID,"error":{"code":-32601,"message":"m"}})", 200, "-32601"},
                                         AnswerRow{"an_error_without_id", 400, R"({"jsonrpc":"2.0","error":{"code":-32700,"message":"m"}})", 200, "-32700"},
                                         AnswerRow{"of_another", 200, R"({"jsonrpc":"2.0","id":"other","result":{}})", 0, ""},
                                         AnswerRow{"a_result_with_an_errors_status", 400, R"({"jsonrpc":"2.0","id":ID,"result":{}})", 0, ""},
                                         AnswerRow{"no_message", 404, "{}", 0, ""}, AnswerRow{"unauthorized", 401, "{}", 401, ""}, AnswerRow{"broken", 503, "{}", 503, ""},
                                         AnswerRow{"an_unknown_kind", 200, R"({"jsonrpc":"2.0","id":ID,"result":{"resultType":"task","taskId":"t"}})", 200, "502"}),
                         [](const auto& row) { return row.param.name; });

TEST_F(LegacyClients, ProgressComesWhileTheCallRuns) {
  initialize();
  const auto body = fresh();
  answer = [&](const Got&) { return ScriptedServer::stream(body); };
  const auto reading = stream(post(call("7")));
  EXPECT_EQ(reading->text, "id: 1.0\ndata: \n\n");
  body->message(value(R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1}})"));
  settle();
  ASSERT_EQ(said(*reading).size(), 1u);
  body->message(value(R"({"jsonrpc":"2.0","id":"x","method":"roots/list"})"));                       // forbidden (TR-55)
  body->message(value(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})"));          // belongs to subscriptions
  body->message(value(R"({"jsonrpc":"2.0","id":"other","result":{}})"));
  settle();
  EXPECT_EQ(said(*reading).size(), 1u);
  EXPECT_FALSE(reading->end);
  json::Value done = value(R"({"jsonrpc":"2.0","id":0,"result":{"resultType":"complete","content":[]}})");
  done.set("id", last().id());
  body->message(done);
  settle();
  ASSERT_EQ(said(*reading).size(), 2u);
  EXPECT_EQ(json::write(said(*reading)[1]), R"({"jsonrpc":"2.0","id":7,"result":{"content":[]}})");
  EXPECT_EQ(reading->end, http::StreamEnd::complete);
}

TEST_F(LegacyClients, AStreamThatBreaksOffIsSaidToHaveFailed) {
  initialize();
  const auto body = fresh();
  answer = [&](const Got&) { return ScriptedServer::stream(body); };
  const auto reading = stream(post(call()));
  body->finish(http::StreamEnd::complete);
  settle();
  ASSERT_EQ(said(*reading).size(), 1u);
  EXPECT_EQ(*said(*reading)[0].find("error")->find_int("code"), 502);
}

TEST_F(LegacyClients, LogMessagesAreAskedForOnceALevelIsSet) {
  initialize();
  object(post(call()));
  EXPECT_EQ(last().body.find("params")->find("_meta")->find("io.modelcontextprotocol/logLevel"), nullptr);
  EXPECT_EQ(*object(post(R"({"jsonrpc":"2.0","id":2,"method":"logging/setLevel","params":{"level":"loud"}})")).find("error")->find_int("code"), -32602);
  EXPECT_TRUE(object(post(R"({"jsonrpc":"2.0","id":2,"method":"logging/setLevel","params":{"level":"warning"}})")).find("result"));
  object(post(call()));
  EXPECT_EQ(*last().body.find("params")->find("_meta")->find_string("io.modelcontextprotocol/logLevel"), "warning");
}

TEST_F(LegacyClients, NotificationsAreAcceptedAndStayHere) {
  initialize();
  for (const char* method : {"notifications/initialized", "notifications/roots/list_changed", "notifications/progress", "notifications/elicitation/complete", "notifications/cancelled"}) {
    EXPECT_EQ(status(post(R"({"jsonrpc":"2.0","method":")" + std::string(method) + "\"}")), 202) << method;
  }
  EXPECT_EQ(server.seen.size(), 1u);
}

TEST_F(LegacyClients, TasksOfTheLegacyFormAreRefusedWithAReason) {
  initialize();
  for (const char* text : {R"({"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"t"}})", R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","task":{"ttl":1}}})"}) {
    const json::Value refused = object(post(text));
    EXPECT_EQ(*refused.find("error")->find_int("code"), -32601);
    EXPECT_NE(refused.find("error")->find_string("message")->find("tasks"), std::string::npos);
  }
  EXPECT_EQ(server.seen.size(), 1u);
}

TEST_F(LegacyClients, MirroredArgumentsAreLearntFromTheListOrWhenTheServerMissesThem) {
  initialize();
  const json::Value tools = value(R"({"resultType":"complete","tools":[{"name":"x","inputSchema":{"type":"object","properties":{"a":{"type":"integer","x-mcp-header":"A"}}}},)"
                                  R"({"name":"bad","inputSchema":{"type":"object","properties":{"a":{"type":"object","x-mcp-header":"A"}}}}]})");
  answer = [&](const Got& got) -> Sent {
    if (got.method() == "tools/list") return ScriptedServer::result(got, tools);
    if (got.header("Mcp-Param-A") != "1") return ScriptedServer::error(got, 400, -32020);
    return ScriptedServer::result(got, value(R"({"resultType":"complete","content":[]})"));
  };
  EXPECT_TRUE(object(post(call())).find("result"));
  EXPECT_EQ(server.count("tools/call"), 2);
  EXPECT_EQ(server.count("tools/list"), 1);
  EXPECT_TRUE(object(post(call())).find("result"));
  EXPECT_EQ(server.count("tools/call"), 3);
  const std::string listed = json::write(object(post(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})")));
  EXPECT_EQ(listed.find("bad"), std::string::npos) << listed;   // TR-63
  answer = [&](const Got& got) -> Sent { return got.method() == "tools/list" ? Sent(ScriptedServer::result(got, tools)) : Sent(ScriptedServer::error(got, 400, -32020)); };
  EXPECT_EQ(*object(post(call())).find("error")->find_int("code"), -32020);
  EXPECT_EQ(server.count("tools/call"), 5) << "once, not for ever";
}

// ---- questions of the server

TEST_F(LegacyClients, AQuestionBecomesARequestAndItsAnswerGoesBack) {
  initialize();
  const std::string state = "st\xC3\xA4te \" \\";
  answer = [&](const Got& got) -> Sent {
    const json::Value* responses = got.body.find("params")->find("inputResponses");
    if (!responses) return ScriptedServer::result(got, asks(R"({"who":{"method":"elicitation/create","params":{"message":"Who?","requestedSchema":{"type":"object","properties":{}}}},"llm":{"method":"sampling/createMessage","params":{"maxTokens":1,"messages":[]}}})", state));
    return ScriptedServer::result(got, value(R"({"resultType":"complete","content":[]})"));
  };
  const auto reading = stream(post(call("5")));
  auto questions = said(*reading);
  ASSERT_EQ(questions.size(), 2u);
  EXPECT_EQ(*questions[0].find_string("method"), "elicitation/create");
  EXPECT_EQ(*questions[0].find("params")->find_string("message"), "Who?");
  EXPECT_EQ(*questions[1].find_string("method"), "sampling/createMessage");
  say(questions[1], "result", R"({"role":"assistant","content":{"type":"text","text":"t"},"model":"m"})");
  EXPECT_EQ(server.count("tools/call"), 1) << "all are to be answered first";
  say(questions[0], "result", R"({"action":"accept","content":{"name":"a"}})");
  settle();
  ASSERT_EQ(server.count("tools/call"), 2);
  const json::Value& params = *last().body.find("params");
  EXPECT_EQ(*params.find_string("requestState"), state);
  EXPECT_EQ(json::write(*params.find("inputResponses")->find("who")), R"({"action":"accept","content":{"name":"a"}})");
  EXPECT_TRUE(params.find("inputResponses")->find("llm"));
  EXPECT_EQ(json::write(*params.find("arguments")), R"({"a":1})");
  EXPECT_NE(json::write(server.seen[server.seen.size() - 2].id()), json::write(last().id())) << "a new id (TR-81)";
  EXPECT_EQ(json::write(said(*reading).back()), R"({"jsonrpc":"2.0","id":5,"result":{"content":[]}})");
  EXPECT_EQ(reading->end, http::StreamEnd::complete);
}

struct RefusalRow {
  const char *name, *capabilities, *requests, *member, *content;   // member null: nothing is answered
  const char* retried;                                             // in the repeated request; null: it is not repeated
  const char* told;
};
class ClientAnswers : public LegacyClients, public testing::WithParamInterface<RefusalRow> {};
TEST_P(ClientAnswers, AreCarriedBackOrEndTheCall) {
  const RefusalRow& row = GetParam();
  initialize(row.capabilities);
  answer = [&](const Got& got) -> Sent {
    if (!got.body.find("params")->find("inputResponses")) return ScriptedServer::result(got, asks(row.requests));
    return ScriptedServer::result(got, value(R"({"resultType":"complete","content":[]})"));
  };
  const auto reading = stream(post(call("5")));
  if (row.member) say(said(*reading)[0], row.member, row.content);
  settle();
  EXPECT_EQ(server.count("tools/call"), row.retried ? 2 : 1);
  if (row.retried) {
    EXPECT_EQ(json::write(*last().body.find("params")->find("inputResponses")), row.retried);
  }
  ASSERT_FALSE(said(*reading).empty());
  EXPECT_NE(json::write(said(*reading).back()).find(row.told), std::string::npos) << json::write(said(*reading).back());
  EXPECT_EQ(reading->end, http::StreamEnd::complete);
}
const char* const kForm = R"({"k":{"method":"elicitation/create","params":{"message":"?"}}})";
const char* const kRoots = R"({"k":{"method":"roots/list"}})";
INSTANTIATE_TEST_SUITE_P(
    All, ClientAnswers,
    testing::Values(RefusalRow{"a_declined_form", R"({"elicitation":{}})", kForm, "result", R"({"action":"decline"})", R"({"k":{"action":"decline"}})", "\"result\""},
                    RefusalRow{"a_failed_form_is_cancelled", R"({"elicitation":{}})", kForm, "error", R"({"code":-32603,"message":"no"})", R"({"k":{"action":"cancel"}})", "\"result\""},
                    RefusalRow{"roots", R"({"roots":{}})", kRoots, "result", R"({"roots":[]})", R"({"k":{"roots":[]}})", "\"result\""},
                    RefusalRow{"failed_roots_end_the_call", R"({"roots":{}})", kRoots, "error", R"({"code":-32603,"message":"no"})", nullptr, "the client refused"},
                    RefusalRow{"undeclared", R"({"roots":{}})", kForm, nullptr, nullptr, nullptr, "did not declare"},
                    RefusalRow{"no_question_that_there_is", R"({"roots":{},"elicitation":{},"sampling":{}})", R"({"k":{"method":"tools/call"}})", nullptr, nullptr, nullptr, "did not declare"}),
    [](const auto& row) { return row.param.name; });

TEST_F(LegacyClients, AServerAsksABoundedNumberOfTimes) {
  initialize();
  int round = 0;
  answer = [&](const Got& got) { return ScriptedServer::result(got, asks("", "round " + std::to_string(++round))); };
  const auto reading = stream(post(call()));
  for (int i = 0; i < 30; ++i) time.advance(Seconds{10}), settle();
  EXPECT_EQ(server.count("tools/call"), 11);
  ASSERT_EQ(said(*reading).size(), 1u);
  EXPECT_NE(json::write(said(*reading)[0]).find("too many times"), std::string::npos);
}

TEST_F(LegacyClients, AQuestionIsNotWaitedForForEver) {
  initialize();
  answer = [&](const Got& got) { return ScriptedServer::result(got, asks(kForm)); };
  const auto reading = stream(post(call()));
  ASSERT_EQ(said(*reading).size(), 1u);
  time.advance(Seconds{599});
  client.tidy(time.now());
  settle();
  EXPECT_FALSE(reading->end);
  time.advance(Seconds{2});
  client.tidy(time.now());
  settle();
  ASSERT_EQ(said(*reading).size(), 2u);
  EXPECT_EQ(*said(*reading)[1].find("error")->find_int("code"), 504);
  say(said(*reading)[0], "result", R"({"action":"accept"})");   // too late, and nothing happens
  EXPECT_EQ(server.count("tools/call"), 1);
}

TEST_F(LegacyClients, AnotherSessionCannotAnswer) {
  initialize();
  answer = [&](const Got& got) { return ScriptedServer::result(got, asks(kForm)); };
  const std::string first = session;
  const auto reading = stream(post(call()));
  const auto questions = said(*reading);
  initialize();
  say(questions[0], "result", R"({"action":"accept"})");
  settle();
  EXPECT_EQ(server.count("tools/call"), 1);
  EXPECT_FALSE(reading->end);
}

// ---- cancelling and resuming

TEST_F(LegacyClients, CancellingClosesTheStreamOfTheServer) {
  initialize();
  const auto body = fresh();
  answer = [&](const Got&) { return ScriptedServer::stream(body); };
  const auto reading = stream(post(call("7")));
  EXPECT_EQ(status(post(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"7"}})")), 202);   // of another type
  EXPECT_FALSE(body->cancelled);
  EXPECT_EQ(status(post(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}})")), 202);
  settle();
  EXPECT_TRUE(body->cancelled);
  EXPECT_TRUE(said(*reading).empty());
  EXPECT_EQ(reading->end, http::StreamEnd::complete);
}

// Answers nothing until it is cancelled.
class Silent final : public Upstream {
 public:
  Task<Sent> send(Request request) override {
    ++asked;
    auto begin = [cancellation = request.http.cancellation](std::function<void(bool)> resume) { cancellation->on_request([resume] { resume(true); }); };
    auto waiting = suspend_until<bool>(begin);
    co_await waiting;
    ++cancelled;
    co_return Sent(unexpected(Failure{Failure::Kind::closed, "", "", std::nullopt}));
  }
  int asked = 0, cancelled = 0;
};

TEST_F(LegacyClients, CancellingEndsTheWaitForTheHead) {
  Silent silent;
  EraParts silent_parts{silent, objects, time, parts.pause};
  ClientSessions sessions;
  ClientSession::Opened opened;
  opened.server = "notes", opened.principal = "alice";
  const auto owner = sessions.open(std::move(opened), time.now());
  for (const bool by_gateway : {false, true}) {
    Request made = legacy(value(call("7")), owner->id);
    http::Cancellation gone;
    made.http.cancellation = &gone;
    auto running = std::make_shared<LegacyCall>(silent_parts, owner, std::move(made));
    const auto sending = std::make_shared<Sending>();
    auto task = LegacyCall::run(running);
    spawn(std::move(task), [sending](std::exception_ptr, std::optional<Sent> sent) { sending->answer = std::move(sent); });
    settle();
    EXPECT_FALSE(sending->answer);
    EXPECT_EQ(owner->find_call(mcp::RequestId(std::int64_t{7})), running);
    if (by_gateway) gone.request();
    else running->cancel();
    settle();
    ASSERT_TRUE(sending->answer);
    EXPECT_EQ(status(sending), 200);
    EXPECT_FALSE(owner->find_call(mcp::RequestId(std::int64_t{7})));
  }
  EXPECT_EQ(silent.cancelled, 2);
}

TEST_F(LegacyClients, CancellingWhileTheClientIsAskedEndsTheCall) {
  initialize();
  answer = [&](const Got& got) { return ScriptedServer::result(got, asks(kForm)); };
  const auto reading = stream(post(call("7")));
  post(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}})");
  settle();
  EXPECT_EQ(reading->end, http::StreamEnd::complete);
  say(said(*reading)[0], "result", R"({"action":"accept"})");
  EXPECT_EQ(server.count("tools/call"), 1);
}

TEST_F(LegacyClients, WhoStopsReadingEndsTheCallAndDeleteDoes) {
  initialize();
  for (const bool by_delete : {false, true}) {
    const auto body = fresh();
    answer = [&](const Got&) { return ScriptedServer::stream(body); };
    const auto reading = stream(post(call("7")));
    if (by_delete) start_legacy(legacy(nullptr, session, "alice", "DELETE"));
    else reading->body->cancel();
    settle();
    EXPECT_TRUE(body->cancelled) << by_delete;
  }
}

TEST_F(LegacyClients, ALostStreamIsResumedAfterTheLastEvent) {
  initialize();
  const auto body = fresh();
  answer = [&](const Got&) { return ScriptedServer::stream(body); };
  const auto reading = stream(post(call("7")));   // the gateway reads on for who went away
  body->message(value(R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}})"));
  settle();
  const std::string seen = last_event(*reading);
  body->message(value(R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":2}})"));
  settle();
  const auto resumed = stream(get(seen));
  ASSERT_EQ(said(*resumed).size(), 1u);
  EXPECT_EQ(*said(*resumed)[0].find("params")->find_int("progress"), 2);
  json::Value done = value(R"({"jsonrpc":"2.0","id":0,"result":{"content":[]}})");
  done.set("id", last().id());
  body->message(done);
  settle();
  EXPECT_EQ(json::write(said(*resumed).back()), R"({"jsonrpc":"2.0","id":7,"result":{"content":[]}})");
  EXPECT_EQ(resumed->end, http::StreamEnd::complete);
  // Afterwards too, for a while.
  EXPECT_EQ(said(*stream(get(seen))).size(), 2u);
  for (const char* wrong : {"9.1", "1.99", "nonsense"}) EXPECT_EQ(status(get(wrong)), 400) << wrong;
  for (int i = 0; i < 2; ++i) client.tidy(time.now()), time.advance(Seconds{121});
  client.tidy(time.now());
  EXPECT_EQ(status(get(seen)), 400);
}

// ---- the GET stream

TEST_F(LegacyClients, TheGetStreamListensForWhatTheServerOffers) {
  initialize();
  const auto reading = stream(get());
  ASSERT_EQ(server.count("subscriptions/listen"), 1);
  EXPECT_EQ(json::write(*last().body.find("params")->find("notifications")), R"({"toolsListChanged":true})");
  EXPECT_TRUE(last().request.stands);
  open[0]->message(value(R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":1}}})"));
  open[0]->message(value(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":1}}})"));
  open[0]->message(value(R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}})"));
  settle();
  ASSERT_EQ(said(*reading).size(), 1u);
  EXPECT_EQ(json::write(said(*reading)[0]), R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})");
}

TEST_F(LegacyClients, SubscribingListensAnewAndLeavesNoGap) {
  initialize();
  const std::string acknowledged = R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{}})";
  const auto reading = stream(get());
  open[0]->message(value(acknowledged));
  EXPECT_TRUE(object(post(R"({"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"test://a"}})")).find("result"));
  settle();
  ASSERT_EQ(server.count("subscriptions/listen"), 2);
  EXPECT_EQ(json::write(*last().body.find("params")->find("notifications")), R"({"toolsListChanged":true,"resourceSubscriptions":["test://a"]})");
  EXPECT_FALSE(open[0]->cancelled) << "until the new one hears";
  open[1]->message(value(acknowledged));
  settle();
  EXPECT_TRUE(open[0]->cancelled);
  open[1]->message(value(R"({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"test://a","_meta":{"io.modelcontextprotocol/subscriptionId":2}}})"));
  settle();
  EXPECT_EQ(json::write(said(*reading).back()), R"({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"test://a"}})");
  object(post(R"({"jsonrpc":"2.0","id":1,"method":"resources/unsubscribe","params":{"uri":"test://a"}})"));
  settle();
  EXPECT_EQ(json::write(*last().body.find("params")->find("notifications")), R"({"toolsListChanged":true})");
}

TEST_F(LegacyClients, AServerWithoutSubscriptionsSaysSo) {
  discovered = value(R"({"resultType":"complete","capabilities":{"resources":{}}})");
  initialize();
  EXPECT_EQ(*object(post(R"({"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"a:b"}})")).find("error")->find_int("code"), -32601);
  EXPECT_EQ(*object(post(R"({"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"info"}})")).find("error")->find_int("code"), -32601);
  stream(get());
  EXPECT_EQ(server.count("subscriptions/listen"), 0);
}

TEST_F(LegacyClients, WhatWasMissedWhileNobodyListenedIsToldOf) {
  initialize();
  const auto reading = stream(get());
  open[0]->message(value(R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{}})"));
  open[0]->finish(http::StreamEnd::broken);
  settle();
  EXPECT_EQ(server.count("subscriptions/listen"), 1);
  time.advance(Seconds{1});
  settle();
  ASSERT_EQ(server.count("subscriptions/listen"), 2);
  EXPECT_TRUE(said(*reading).empty());
  open[1]->message(value(R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{}})"));
  settle();
  ASSERT_EQ(said(*reading).size(), 1u);
  EXPECT_EQ(*said(*reading)[0].find_string("method"), "notifications/tools/list_changed");
}

TEST_F(LegacyClients, AnotherGetStreamTakesOver) {
  initialize();
  const auto first = stream(get());
  const auto second = stream(get());
  EXPECT_EQ(first->end, http::StreamEnd::complete);
  EXPECT_TRUE(open[0]->cancelled);
  open[1]->message(value(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})"));
  settle();
  EXPECT_TRUE(said(*first).empty());
  EXPECT_EQ(said(*second).size(), 1u);
}

TEST_F(LegacyClients, ListeningEndsWhenNobodyReadsForAWhileAndBeginsAgain) {
  initialize();
  const auto reading = stream(get());
  const std::string seen = last_event(*reading);
  reading->body->cancel();
  settle();
  client.tidy(time.now());
  open[0]->message(value(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})"));   // meanwhile
  settle();
  time.advance(Seconds{31});
  client.tidy(time.now());
  settle();
  EXPECT_TRUE(open[0]->cancelled);
  const auto resumed = stream(get(seen));
  EXPECT_EQ(said(*resumed).size(), 1u);
  EXPECT_EQ(server.count("subscriptions/listen"), 2);
}

}  // namespace
}  // namespace writ::upstreams
