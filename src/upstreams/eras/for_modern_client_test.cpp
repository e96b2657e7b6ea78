#include "upstreams/eras/for_modern_client.h"

#include "upstreams/eras/legacy_server_fixture.h"

namespace writ::upstreams {
namespace {

TEST_F(ForModernClientTest, DiscoverComesFromInitialize) {
  const json::Value answer = json_of(send(message("server/discover", json::Object{}, "d")));
  EXPECT_EQ(text_at(answer, "id"), "d");
  EXPECT_EQ(text_at(answer, "result/resultType"), "complete");
  EXPECT_EQ(text_at(answer, "result/supportedVersions"), R"(["2026-07-28"])");
  EXPECT_EQ(text_at(answer, "result/capabilities"), R"({"tools":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"logging":{}})");
  EXPECT_EQ(text_at(answer, "result/instructions"), "be kind");
  EXPECT_EQ(text_at(answer, "result/ttlMs"), "0");
  EXPECT_EQ(text_at(answer, "result/cacheScope"), "private");
  EXPECT_EQ(text_at(at(answer, "result/_meta"), "io.modelcontextprotocol/serverInfo"), "");   // the name holds a slash
  EXPECT_EQ(json::write(*at(answer, "result/_meta").find(kServerInfo)), R"({"name":"old","version":"1"})");
  ASSERT_EQ(server.seen.size(), 2u);
  EXPECT_EQ(text_at(server.seen[0].body, "params/protocolVersion"), "2025-11-25");
  EXPECT_EQ(text_at(server.seen[0].body, "params/capabilities"), R"({"elicitation":{"form":{}},"sampling":{}})");
  EXPECT_EQ(text_at(server.seen[0].body, "params/clientInfo"), R"({"name":"desk","version":"2"})");
  EXPECT_EQ(server.seen[0].header("Mcp-Session-Id"), "");
  EXPECT_EQ(server.seen[1].method(), "notifications/initialized");
  EXPECT_EQ(server.seen[1].header("Mcp-Session-Id"), "s1");
  EXPECT_EQ(server.seen[1].header("MCP-Protocol-Version"), "2025-11-25");
}

struct ListRow {
  const char* method;
  const char* from;      // result of the server
  const char* expected;  // result for the client, without _meta
};

TEST_F(ForModernClientTest, ResultsAreCompleteAndKeptByNobody) {
  const ListRow rows[] = {
      {"tools/list", R"({"tools":[{"name":"a","inputSchema":{}}],"nextCursor":"c"})", R"({"tools":[{"name":"a","inputSchema":{}}],"nextCursor":"c","resultType":"complete","ttlMs":0,"cacheScope":"private"})"},
      {"prompts/list", R"({"prompts":[]})", R"({"prompts":[],"resultType":"complete","ttlMs":0,"cacheScope":"private"})"},
      {"resources/list", R"({"resources":[]})", R"({"resources":[],"resultType":"complete","ttlMs":0,"cacheScope":"private"})"},
      {"resources/templates/list", R"({"resourceTemplates":[]})", R"({"resourceTemplates":[],"resultType":"complete","ttlMs":0,"cacheScope":"private"})"},
      {"resources/read", R"({"contents":[]})", R"({"contents":[],"resultType":"complete","ttlMs":0,"cacheScope":"private"})"},
      {"tools/call", R"({"content":[]})", R"({"content":[],"resultType":"complete"})"},
      {"prompts/get", R"({"messages":[]})", R"({"messages":[],"resultType":"complete"})"},
      {"completion/complete", R"({"completion":{"values":[]}})", R"({"completion":{"values":[]},"resultType":"complete"})"},
      // A server of the old era cannot mean these: it does not ask this way, and does not know what may be kept.
      {"tools/call", R"({"content":[],"resultType":"input_required","inputRequests":{"x":{}},"requestState":"s"})", R"({"content":[],"resultType":"complete"})"},
      {"tools/list", R"({"tools":[],"ttlMs":900000,"cacheScope":"public"})", R"({"tools":[],"resultType":"complete","ttlMs":0,"cacheScope":"private"})"},
  };
  for (const ListRow& row : rows) {
    on[row.method] = [&](const Got& got) -> Sent { return ScriptedServer::result(got, *json::parse(row.from)); };
    json::Value answer = json_of(send(message(row.method, json::Value{{"name", "x"}, {"uri", "u"}}, "client-id")));
    EXPECT_EQ(text_at(answer, "id"), "client-id") << row.method;
    json::Value result = at(answer, "result");
    EXPECT_TRUE(at(result, "_meta").find(kServerInfo)) << row.method;
    result.erase("_meta");
    EXPECT_EQ(json::write(result), row.expected) << row.method;
    const auto sent = got(row.method);
    EXPECT_EQ(text_at(sent.back(), "params"), R"({"name":"x","uri":"u"})") << "the modern members of `_meta` stay here";
    EXPECT_NE(text_at(sent.back(), "id"), "client-id");
  }
  EXPECT_EQ(server.count("initialize"), 1);
}

struct ErrorRow {
  const char* what;
  int status, code;
  int expected_status, expected_code;
};

TEST_F(ForModernClientTest, ErrorsKeepTheirMeaningOrLoseTheirCode) {
  const ErrorRow rows[] = {
      {"of the message", 200, -32602, 200, -32602},       {"under a client error", 400, -32602, 200, -32602},   {"an unknown method", 200, -32601, 404, -32601},
      {"an unknown method under 404", 404, -32601, 404, -32601}, {"an unknown resource", 200, -32002, 200, -32602},    {"a link that must be opened first", 200, -32042, 200, -32603},
      {"a header that mismatches", 400, -32020, 200, -32603},    {"an unsupported version", 400, -32022, 200, -32603}, {"of an old SDK", 400, -32000, 200, -32603},
      {"one of its own", 200, 1234, 200, 1234},
  };
  for (const ErrorRow& row : rows) {
    on["tools/call"] = [&](const Got& got) -> Sent { return ScriptedServer::error(got, row.status, row.code, json::Value{{"uri", "u"}}); };
    const auto sending = send(call());
    ASSERT_TRUE(sending->answer && *sending->answer) << row.what;
    EXPECT_EQ((*sending->answer)->status, row.expected_status) << row.what;
    const json::Value answer = json_of(sending);
    EXPECT_EQ(text_at(answer, "error/code"), std::to_string(row.expected_code)) << row.what;
    EXPECT_EQ(text_at(answer, "error/data/uri"), "u") << row.what;
    EXPECT_EQ(text_at(answer, "id"), "1");
  }
  EXPECT_EQ(server.count("initialize"), 1);
}

TEST_F(ForModernClientTest, OneSessionForEachPrincipalAndSetOfCapabilities) {
  send(call());
  send(call());
  EXPECT_EQ(server.count("initialize"), 1);
  send(call(), "bob");
  EXPECT_EQ(server.count("initialize"), 2);
  const auto principal_of = [&](const std::string& session) {
    std::vector<std::string> found;
    for (const Got& one : server.seen) {
      if (one.header("Mcp-Session-Id") == session) found.push_back(one.request.principal->key);
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
  };
  EXPECT_EQ(principal_of("s1"), std::vector<std::string>{"alice"});
  EXPECT_EQ(principal_of("s2"), std::vector<std::string>{"bob"});
  capabilities = json::Object{};
  send(call());
  EXPECT_EQ(server.count("initialize"), 3);
  EXPECT_EQ(bridge.sessions(), 3u);
}

TEST_F(ForModernClientTest, ManyAtOnceOpenOneSession) {
  std::shared_ptr<LiveBody::State> opening;
  Got first;
  on_initialize = [&](const Got& got) -> Sent {
    first = got;
    auto response = ScriptedServer::stream(opening = std::make_shared<LiveBody::State>());
    response.headers.add("Mcp-Session-Id", "s1");
    return response;
  };
  std::vector<std::shared_ptr<Sending>> all;
  for (int i = 0; i < 5; ++i) all.push_back(send(call(i)));
  EXPECT_EQ(server.seen.size(), 1u);
  opening->message(json::Value{{"jsonrpc", "2.0"}, {"id", first.id()}, {"result", initialized}});
  settle();
  for (const auto& one : all) EXPECT_TRUE(one->answer && *one->answer);
  EXPECT_EQ(server.count("initialize"), 1);
  EXPECT_EQ(server.count("tools/call"), 5);
}

TEST_F(ForModernClientTest, ALostSessionIsMadeAgainOnceAndTheMessageSentOnceMore) {
  send(call());
  lost["s1"] = true;
  const auto sending = send(call());
  EXPECT_EQ(text_at(json_of(sending), "result/resultType"), "complete");
  EXPECT_EQ(server.count("initialize"), 2);
  // A server that forgets again at once is not asked for ever.
  lost["s2"] = lost["s3"] = lost["s4"] = true;
  const auto failed = send(call());
  ASSERT_TRUE(failed->answer);
  EXPECT_EQ(server.count("initialize"), 4) << "once for the call, once for the GET stream";
  EXPECT_EQ(server.count("tools/call"), 4);
}

TEST_F(ForModernClientTest, WithoutASessionIdNothingIsSentAgain) {
  gives_ids = false;
  on["tools/call"] = [](const Got&) -> Sent { return whole_response(404, {}, ""); };
  const auto failed = send(call());
  ASSERT_TRUE(failed->answer);
  ASSERT_FALSE(*failed->answer);
  EXPECT_EQ(failed->answer->error().kind, Failure::Kind::bad_response);
  EXPECT_EQ(server.count("tools/call"), 1);
}

TEST_F(ForModernClientTest, ACallWhoseConnectionBreaksIsNotSentAgain) {
  on["tools/call"] = [](const Got&) -> Sent { return unexpected(Failure{Failure::Kind::closed, "gone", "", std::nullopt}); };
  const auto failed = send(call());
  ASSERT_TRUE(failed->answer);
  ASSERT_FALSE(*failed->answer);
  EXPECT_EQ(failed->answer->error().kind, Failure::Kind::closed);
  EXPECT_EQ(server.count("tools/call"), 1);
}

TEST_F(ForModernClientTest, RefusalsOfTheGatewaysCredentialKeepTheirStatusAndNothingElse) {
  for (const int status : {401, 403, 429, 503}) {
    on["tools/call"] = [&](const Got&) -> Sent { return whole_response(status, {{"WWW-Authenticate", "Bearer"}, {"Retry-After", "7"}}, "secret"); };
    const auto sending = send(call());
    ASSERT_TRUE(sending->answer && *sending->answer);
    EXPECT_EQ((*sending->answer)->status, status);
    EXPECT_EQ((*sending->answer)->headers.count("WWW-Authenticate"), 0u);
    EXPECT_EQ(read(**sending->answer)->text, "");
  }
}

struct OpeningRow {
  const char* what;
  std::function<Sent(const ScriptedServer::Got&)> initialize;
  std::optional<Failure::Kind> kind;
  int status = 0;
};

TEST_F(ForModernClientTest, NoSessionNoCall) {
  const json::Value good = initialized;
  const auto with_version = [&](const char* version) {
    json::Value other = good;
    other.set("protocolVersion", version);
    return other;
  };
  const OpeningRow rows[] = {
      {"another revision", [&](const Got& got) -> Sent { return ScriptedServer::result(got, with_version("2031-01-01")); }, Failure::Kind::bad_response},
      {"the modern revision", [&](const Got& got) -> Sent { return ScriptedServer::result(got, with_version("2026-07-28")); }, Failure::Kind::bad_response},
      {"an error", [](const Got& got) -> Sent { return ScriptedServer::error(got, 400, -32022); }, Failure::Kind::bad_response},
      {"garbage", [](const Got&) -> Sent { return json_response(200, "{\"jsonrpc\""); }, Failure::Kind::bad_response},
      {"another id", [&](const Got&) -> Sent { return json_response(200, json::write(mcp::result_response(mcp::RequestId(std::string("x")), good))); }, Failure::Kind::bad_response},
      {"a session id with a space", [&](const Got& got) -> Sent { return ScriptedServer::result(got, good, {{"Mcp-Session-Id", "a b"}}); }, Failure::Kind::bad_response},
      {"401", [](const Got&) -> Sent { return whole_response(401, {}, ""); }, std::nullopt, 401},
      {"no connection", [](const Got&) -> Sent { return unexpected(Failure{Failure::Kind::connect, "", "", std::nullopt}); }, Failure::Kind::connect},
  };
  for (const OpeningRow& row : rows) {
    on_initialize = row.initialize;
    const auto sending = send(call());
    ASSERT_TRUE(sending->answer) << row.what;
    ASSERT_EQ(sending->answer->has_value(), !row.kind) << row.what;
    if (row.kind) EXPECT_EQ(sending->answer->error().kind, *row.kind) << row.what;
    else EXPECT_EQ((*sending->answer)->status, row.status) << row.what;
  }
  EXPECT_EQ(server.count("tools/call"), 0);
  on_initialize = nullptr;
  EXPECT_EQ(text_at(json_of(send(call())), "result/resultType"), "complete") << "and the next one tries again";
}

TEST_F(ForModernClientTest, AServerThatNeverAnswersInitializeIsGivenUp) {
  std::shared_ptr<LiveBody::State> opening;
  on_initialize = [&](const Got&) -> Sent { return ScriptedServer::stream(opening = std::make_shared<LiveBody::State>()); };
  const auto sending = send(call());
  EXPECT_FALSE(sending->answer);
  time.advance(Seconds{30});
  settle();
  ASSERT_TRUE(sending->answer);
  EXPECT_TRUE(opening->cancelled);
}

// ---- streams

TEST_F(ForModernClientTest, ProgressGoesToItsRequestUnderItsOwnToken) {
  stream_for("tools/call");
  const auto sending = send(call("c", json::Object{}, json::Value{{"progressToken", "mine"}}));
  ASSERT_TRUE(sending->answer && *sending->answer);
  EXPECT_EQ(text_at(got("tools/call")[0], "params/_meta/progressToken"), json::write(stream_id));
  const auto reading = read(**sending->answer);
  const auto progress = [&](json::Value token, int value) {
    stream->message(json::Value{{"jsonrpc", "2.0"}, {"method", "notifications/progress"}, {"params", json::Value{{"progressToken", std::move(token)}, {"progress", value}}}});
    settle();
  };
  progress(stream_id, 1);
  progress("mine", 2);
  progress(77, 3);
  progress(stream_id, 4);
  say_result(json::Value{{"content", json::Array{}}});
  const auto messages = reading->messages();
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(json::write(messages[0]), R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"mine","progress":1}})");
  EXPECT_EQ(text_at(messages[1], "params/progress"), "4");
  EXPECT_EQ(text_at(messages[2], "id"), "c");
  EXPECT_EQ(reading->end, http::StreamEnd::complete);
}

TEST_F(ForModernClientTest, LogsComeOnlyWhereAskedForAndFromThatLevel) {
  stream_for("tools/call");
  const auto quiet = send(call());
  const auto reading_quiet = read(**quiet->answer);
  const auto log = [&](const std::string& level) {
    stream->message(json::Value{{"jsonrpc", "2.0"}, {"method", "notifications/message"}, {"params", json::Value{{"level", level}, {"data", level}}}});
    settle();
  };
  log("emergency");
  say_result(json::Object{});
  EXPECT_EQ(reading_quiet->messages().size(), 1u);
  EXPECT_EQ(server.count("logging/setLevel"), 0);

  const auto loud = send(call(2, json::Object{}, json::Value{{"io.modelcontextprotocol/logLevel", "warning"}}));
  const auto reading = read(**loud->answer);
  EXPECT_EQ(text_at(got("logging/setLevel").at(0), "params/level"), "warning");
  log("info");
  log("warning");
  log("no such level");
  say_result(json::Object{});
  ASSERT_EQ(reading->messages().size(), 2u);
  EXPECT_EQ(text_at(reading->messages()[0], "params/data"), "warning");
  send(call(3, json::Object{}, json::Value{{"io.modelcontextprotocol/logLevel", "error"}}));
  EXPECT_EQ(server.count("logging/setLevel"), 1) << "the session's level is never lowered for one request at another's cost";
  send(call(4, json::Object{}, json::Value{{"io.modelcontextprotocol/logLevel", "debug"}}));
  EXPECT_EQ(server.count("logging/setLevel"), 2);
}

TEST_F(ForModernClientTest, ClosingTheStreamCancelsTheCall) {
  stream_for("tools/call");
  const auto sending = send(call());
  auto reading = read(**sending->answer);
  reading->body->cancel();
  settle();
  const auto cancelled = got("notifications/cancelled");
  ASSERT_EQ(cancelled.size(), 1u);
  EXPECT_EQ(at(cancelled[0], "params/requestId"), stream_id);
  EXPECT_TRUE(stream->cancelled);
}

TEST_F(ForModernClientTest, WhoLeavesBeforeTheHeadCancelsToo) {
  http::Cancellation cancellation;
  class Never final : public Upstream {
   public:
    explicit Never(ScriptedServer& other) : other_(other) {}
    Task<Sent> send(Request request) override {
      if (request.message && request.message->method() == "tools/call") {
        http::Cancellation* cancel = request.http.cancellation;
        auto begin = [cancel](std::function<void(bool)> resume) { cancel->on_request([resume] { resume(true); }); };
        auto waiting = suspend_until<bool>(begin);
        co_await waiting;
        co_return unexpected(Failure{Failure::Kind::closed, "cancelled", "", std::nullopt});
      }
      auto sent = co_await other_.send(std::move(request));
      co_return sent;
    }

   private:
    ScriptedServer& other_;
  } never(server);
  EraParts with{never, objects, time, [this](Milliseconds duration) { return time.pause(duration); }};
  ForModernClient other(with);
  Request made = request(mcp::Era::modern, call());
  made.http.cancellation = &cancellation;
  auto sending = std::make_shared<Sending>();
  auto task = other.send(std::move(made));
  spawn(std::move(task), [sending](std::exception_ptr, std::optional<Sent> sent) { sending->answer = std::move(sent); });
  settle();
  EXPECT_FALSE(sending->answer);
  cancellation.request();
  settle();
  ASSERT_TRUE(sending->answer);
  EXPECT_EQ(sending->answer->error().kind, Failure::Kind::closed);
  EXPECT_EQ(got("notifications/cancelled").size(), 1u);
  end_all(other);
  settle();
}

TEST_F(ForModernClientTest, ABrokenStreamIsResumedWhereItEnded) {
  stream_for("tools/call");
  const auto sending = send(call(1, json::Object{}, json::Value{{"progressToken", 5}}));
  const auto reading = read(**sending->answer);
  std::shared_ptr<LiveBody::State> rest;
  std::string asked_for;
  on_resume = [&](const Got& got) -> Sent {
    asked_for = got.header("Last-Event-ID");
    return ScriptedServer::stream(rest = std::make_shared<LiveBody::State>());
  };
  stream->write("id: e-7\nretry: 2500\ndata:\n\n");
  stream->finish(http::StreamEnd::broken);
  settle();
  EXPECT_FALSE(rest) << "TR-32: not before its time";
  time.advance(Milliseconds{2'500});
  settle();
  ASSERT_TRUE(rest);
  EXPECT_EQ(asked_for, "e-7");
  rest->message(json::Value{{"jsonrpc", "2.0"}, {"id", stream_id}, {"result", json::Value{{"content", json::Array{}}}}});
  settle();
  EXPECT_EQ(text_at(reading->messages().at(0), "result/resultType"), "complete");
  EXPECT_EQ(server.count("tools/call"), 1);
}

TEST_F(ForModernClientTest, AStreamWithoutIdsThatBreaksIsAnError) {
  stream_for("tools/call");
  const auto reading = read(**send(call())->answer);
  stream->finish(http::StreamEnd::complete);
  settle();
  ASSERT_EQ(reading->messages().size(), 1u);
  EXPECT_EQ(text_at(reading->messages()[0], "error/code"), "502");
  EXPECT_EQ(text_at(reading->messages()[0], "id"), "1");
}

TEST_F(ForModernClientTest, AStreamThatBreaksForEverIsGivenUp) {
  stream_for("tools/call");
  const auto reading = read(**send(call())->answer);
  int resumes = 0;
  on_resume = [&](const Got&) -> Sent {
    ++resumes;
    return whole_response(503, {}, "");
  };
  stream->write("id: e-1\ndata:\n\n");
  stream->finish(http::StreamEnd::broken);
  settle();
  for (int i = 0; i < 30 && !reading->end; ++i) {
    time.advance(Seconds{60});
    settle();
  }
  EXPECT_EQ(text_at(reading->messages().at(0), "error/code"), "502");
  EXPECT_LE(resumes, 8);
}

// ---- what is none of it

TEST_F(ForModernClientTest, WhatTheServersEraDoesNotHaveIsSaid) {
  for (const char* method : {"tasks/get", "tasks/cancel", "ping", "logging/setLevel", "no/such"}) {
    const auto sending = send(message(method));
    ASSERT_TRUE(sending->answer && *sending->answer) << method;
    EXPECT_EQ((*sending->answer)->status, 404) << method;
    EXPECT_EQ(text_at(json_of(sending), "error/code"), "-32601") << method;
  }
  const auto cancelled = send(json::Value{{"jsonrpc", "2.0"}, {"method", "notifications/cancelled"}, {"params", json::Value{{"requestId", 1}, {"_meta", meta()}}}});
  EXPECT_EQ((*cancelled->answer)->status, 202);
  EXPECT_TRUE(server.seen.empty());
}

TEST_F(ForModernClientTest, MalformedModernMembersAreRefused) {
  for (const auto& [more, more_meta] : {std::pair(json::Value{{"requestState", 7}}, json::Value(json::Object{})), std::pair(json::Value{{"inputResponses", json::Array{}}}, json::Value(json::Object{})),
                                        std::pair(json::Value(json::Object{}), json::Value{{"progressToken", 1.5}}),
                                        std::pair(json::Value(json::Object{}), json::Value{{"io.modelcontextprotocol/logLevel", "loud"}})}) {
    const auto sending = send(call(1, more, more_meta));
    EXPECT_EQ((*sending->answer)->status, 400);
    EXPECT_EQ(text_at(json_of(sending), "error/code"), "-32602");
  }
  EXPECT_TRUE(server.seen.empty());
}

TEST_F(ForModernClientTest, GarbageFromTheServerNeitherHangsNorPasses) {
  for (const char* body : {"", "{", "[]", "null", R"({"jsonrpc":"2.0","id":999999,"result":{}})", R"({"jsonrpc":"2.0","method":"x"})", R"({"jsonrpc":"2.0","id":1,"id":2,"result":{}})", "\xff\xfe"}) {
    on["tools/call"] = [&](const Got&) -> Sent { return json_response(200, body); };
    const auto sending = send(call());
    ASSERT_TRUE(sending->answer) << body;
    ASSERT_FALSE(*sending->answer) << body;
    EXPECT_EQ(sending->answer->error().kind, Failure::Kind::bad_response) << body;
  }
  on["tools/call"] = [](const Got&) -> Sent { return whole_response(200, {{"Content-Type", "text/html"}}, "<html>"); };
  EXPECT_EQ(send(call())->answer->error().kind, Failure::Kind::bad_response);
  for (const char* events : {"data: {\n\n", "data: []\n\n", "event: evil\ndata: {}\n\n", "data: {\"jsonrpc\":\"2.0\",\"id\":424242,\"result\":{\"secret\":1}}\n\n", "\xff\xff\n\n"}) {
    stream_for("tools/call");
    const auto reading = read(**send(call())->answer);
    stream->write(events);
    stream->finish();
    settle();
    ASSERT_EQ(reading->messages().size(), 1u) << events;
    EXPECT_EQ(text_at(reading->messages()[0], "error/code"), "502") << events;
    EXPECT_EQ(reading->end, http::StreamEnd::complete);
  }
}

// ---- the end of sessions

TEST_F(ForModernClientTest, AnIdleSessionIsDeletedAndABusyOneIsNot) {
  stream_for("tools/call");
  const auto reading = read(**send(call())->answer);
  time.advance(Seconds{301});
  bridge.tidy(time.now());
  settle();
  EXPECT_EQ(server.count("DELETE"), 0);
  say_result(json::Object{});
  bridge.tidy(time.now());
  settle();
  EXPECT_EQ(server.count("DELETE"), 1);
  EXPECT_EQ(server.seen.back().header("Mcp-Session-Id"), "s1");
  EXPECT_EQ(bridge.sessions(), 0u);
}

TEST_F(ForModernClientTest, WhoIsDisabledLosesTheSessionAtOnce) {
  stream_for("tools/call");
  const auto reading = read(**send(call())->answer);
  send(message("tools/list"), "bob");
  registry::Objects changed = current;
  changed.users[0].active = false;
  set_objects(changed);
  bridge.tidy(time.now());
  settle();
  EXPECT_EQ(bridge.sessions(), 1u);
  EXPECT_EQ(text_at(reading->messages().at(0), "error/code"), "502");
  EXPECT_TRUE(stream->cancelled);
}

TEST_F(ForModernClientTest, APrincipalWithManySessionsLosesItsOwnOldest) {
  send(call(), "bob");
  for (int i = 0; i < 12; ++i) {
    capabilities.set("roots", json::Value{{"n", i}});
    time.advance(Seconds{1});
    send(call());
  }
  EXPECT_EQ(bridge.sessions(), 1 + LegacySessions::kPerPrincipalMax);
  EXPECT_EQ(server.count("DELETE"), 4);
}

}  // namespace
}  // namespace writ::upstreams
