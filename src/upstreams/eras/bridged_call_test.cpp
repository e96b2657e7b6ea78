// What a server asks during a call.

#include "upstreams/eras/legacy_server_fixture.h"

namespace writ::upstreams {
namespace {

class InputTest : public ForModernClientTest {
 public:
  InputTest() { stream_for("tools/call"); }
  // A call that the server has asked something in; the answer to the client.
  json::Value ask(const json::Value& request) {
    const auto reading = read(**send(call())->answer);
    stream->message(request);
    settle();
    const auto messages = reading->messages();
    EXPECT_EQ(messages.size(), 1u);
    EXPECT_EQ(reading->end, http::StreamEnd::complete);
    return messages.empty() ? json::Value() : messages.back();
  }
  json::Value retry(const json::Value& asked, json::Value responses, json::Value id = 2) const {
    json::Value more{{"requestState", text_at(asked, "result/requestState")}};
    if (!responses.is_null()) more.set("inputResponses", std::move(responses));
    return call(std::move(id), std::move(more));
  }
  // The server's answer to a request of its own.
  std::vector<json::Value> answers() const {
    std::vector<json::Value> found;
    for (const Got& one : server.seen) {
      if (one.body.is_object() && !one.body.find("method")) found.push_back(one.body);
    }
    return found;
  }
  static json::Value accepted() { return json::Value{{"action", "accept"}, {"content", json::Value{{"name", "alice"}}}}; }
};

TEST_F(InputTest, AQuestionEndsTheCallWithInputRequiredAndTheRetryGoesOnWithIt) {
  const json::Value asked = ask(server_request("elicitation/create", elicitation(), "q-1"));
  EXPECT_EQ(text_at(asked, "result/resultType"), "input_required");
  EXPECT_EQ(text_at(asked, "result/inputRequests/input-1/method"), "elicitation/create");
  EXPECT_EQ(text_at(asked, "result/inputRequests/input-1/params/message"), "who?");
  EXPECT_FALSE(at(asked, "result").find("ttlMs"));
  EXPECT_EQ(bridge.pending_calls(), 1u);
  EXPECT_EQ(server.count("notifications/cancelled"), 0);

  const auto again = send(retry(asked, json::Value{{"input-1", accepted()}}));
  ASSERT_TRUE(again->answer && *again->answer);
  const auto reading = read(**again->answer);
  ASSERT_EQ(answers().size(), 1u);
  EXPECT_EQ(json::write(answers()[0]), R"({"jsonrpc":"2.0","id":"q-1","result":{"action":"accept","content":{"name":"alice"}}})");
  say_result(json::Value{{"content", json::Array{}}});
  ASSERT_EQ(reading->messages().size(), 1u);
  EXPECT_EQ(text_at(reading->messages()[0], "id"), "2");
  EXPECT_EQ(text_at(reading->messages()[0], "result/resultType"), "complete");
  EXPECT_EQ(server.count("tools/call"), 1);
  EXPECT_EQ(bridge.pending_calls(), 0u);
}

TEST_F(InputTest, ProgressOfTheRetryGoesUnderItsToken) {
  const json::Value asked = ask(server_request("elicitation/create", elicitation()));
  json::Value again = retry(asked, json::Value{{"input-1", accepted()}});
  again = call(2, json::Value{{"requestState", text_at(asked, "result/requestState")}, {"inputResponses", json::Value{{"input-1", accepted()}}}}, json::Value{{"progressToken", "second"}});
  const auto reading = read(**send(again)->answer);
  stream->message(json::Value{{"jsonrpc", "2.0"}, {"method", "notifications/progress"}, {"params", json::Value{{"progressToken", stream_id}, {"progress", 1}}}});
  settle();
  EXPECT_EQ(text_at(reading->messages().at(0), "params/progressToken"), "second");
}

struct CapabilityRow {
  const char* what;
  const char* capabilities;
  const char* method;
  const char* params;
  bool is_asked;
};

TEST_F(InputTest, OnlyWhatTheClientDeclaredIsAsked) {
  const CapabilityRow rows[] = {
      {"a form", R"({"elicitation":{}})", "elicitation/create", R"({"message":"m","requestedSchema":{}})", true},
      {"a form, with forms declared", R"({"elicitation":{"form":{}}})", "elicitation/create", R"({"mode":"form","message":"m","requestedSchema":{}})", true},
      {"a form, with only URLs declared", R"({"elicitation":{"url":{}}})", "elicitation/create", R"({"message":"m","requestedSchema":{}})", false},
      {"a URL", R"({"elicitation":{"url":{}}})", "elicitation/create", R"({"mode":"url","message":"m","url":"https://x.example","elicitationId":"e"})", true},
      {"a URL, with only forms declared", R"({"elicitation":{"form":{}}})", "elicitation/create", R"({"mode":"url","message":"m","url":"https://x.example"})", false},
      {"a URL, with no mode declared", R"({"elicitation":{}})", "elicitation/create", R"({"mode":"url","message":"m","url":"https://x.example"})", false},
      {"elicitation, undeclared", R"({"sampling":{}})", "elicitation/create", R"({"message":"m"})", false},
      {"sampling", R"({"sampling":{}})", "sampling/createMessage", R"({"messages":[],"maxTokens":5})", true},
      {"sampling with tools", R"({"sampling":{"tools":{}}})", "sampling/createMessage", R"({"messages":[],"maxTokens":5,"tools":[]})", true},
      {"sampling with tools, undeclared", R"({"sampling":{}})", "sampling/createMessage", R"({"messages":[],"maxTokens":5,"tools":[]})", false},
      {"sampling as a task", R"({"sampling":{}})", "sampling/createMessage", R"({"messages":[],"maxTokens":5,"task":{}})", false},
      {"sampling, undeclared", R"({"elicitation":{}})", "sampling/createMessage", R"({"messages":[],"maxTokens":5})", false},
      {"roots", R"({"roots":{"listChanged":true}})", "roots/list", R"({})", true},
      {"roots, undeclared", R"({"elicitation":{}})", "roots/list", R"({})", false},
      {"something else", R"({"elicitation":{},"sampling":{},"roots":{}})", "tasks/get", R"({})", false},
  };
  for (const CapabilityRow& row : rows) {
    server.seen.clear();
    capabilities = *json::parse(row.capabilities);
    const auto reading = read(**send(call())->answer);
    stream->message(server_request(row.method, *json::parse(row.params), "q"));
    settle();
    if (row.is_asked) {
      ASSERT_EQ(reading->messages().size(), 1u) << row.what;
      EXPECT_EQ(text_at(reading->messages()[0], "result/inputRequests/input-1/method"), row.method) << row.what;
      EXPECT_TRUE(answers().empty()) << row.what;
      EXPECT_EQ(text_at(reading->messages()[0], "result/inputRequests/input-1/params/elicitationId"), "");
    } else {
      EXPECT_TRUE(reading->text.empty()) << row.what;
      ASSERT_EQ(answers().size(), 1u) << row.what;
      EXPECT_EQ(text_at(answers()[0], "error/code"), "-32601") << row.what;
      EXPECT_EQ(text_at(answers()[0], "id"), "q");
    }
  }
}

TEST_F(InputTest, OnlyCallsPromptsAndResourcesAsk) {
  for (const char* method : {"tools/list", "resources/list", "completion/complete"}) {
    stream_for(method);
    const auto reading = read(**send(message(method))->answer);
    stream->message(server_request("elicitation/create", elicitation(), "q"));
    settle();
    EXPECT_TRUE(reading->text.empty()) << method;
    EXPECT_EQ(text_at(answers().back(), "error/code"), "-32601") << method;
  }
  for (const char* method : {"prompts/get", "resources/read"}) {
    stream_for(method);
    const auto reading = read(**send(message(method, json::Value{{"name", "n"}, {"uri", "u"}}))->answer);
    stream->message(server_request("elicitation/create", elicitation()));
    settle();
    EXPECT_EQ(text_at(reading->messages().at(0), "result/resultType"), "input_required") << method;
  }
}

TEST_F(InputTest, PingIsAnsweredAndShownToNobody) {
  const auto reading = read(**send(call())->answer);
  stream->message(server_request("ping", json::Object{}, 5));
  settle();
  EXPECT_TRUE(reading->text.empty());
  EXPECT_EQ(json::write(answers().at(0)), R"({"jsonrpc":"2.0","id":5,"result":{}})");
}

TEST_F(InputTest, QuestionsThatComeTogetherGoTogetherAndAnswersMayComeInParts) {
  const auto reading = read(**send(call())->answer);
  stream->unread.clear();
  std::string both;
  for (const int id : {11, 12}) {
    mcp::Event event;
    event.data = json::write(server_request(id == 11 ? "elicitation/create" : "sampling/createMessage", json::Value{{"message", "m"}}, id));
    event.has_data = true;
    mcp::append_event(both, event);
  }
  stream->write(both);
  settle();
  const json::Value asked = reading->messages().at(0);
  EXPECT_EQ(at(asked, "result/inputRequests").as_object()->size(), 2u);
  const auto second = read(**send(retry(asked, json::Value{{"input-2", json::Value{{"role", "assistant"}}}}))->answer);
  const json::Value asked_again = second->messages().at(0);
  EXPECT_EQ(text_at(asked_again, "result/inputRequests/input-1/method"), "elicitation/create");
  EXPECT_EQ(at(asked_again, "result/inputRequests").as_object()->size(), 1u);
  EXPECT_EQ(text_at(answers().at(0), "id"), "12");
  const auto third = read(**send(retry(asked_again, json::Value{{"input-1", accepted()}}, 3))->answer);
  say_result(json::Object{});
  EXPECT_EQ(text_at(third->messages().at(0), "id"), "3");
}

TEST_F(InputTest, WhatHappensMeanwhileIsThereWhenTheClientComesBack) {
  const json::Value asked = ask(server_request("elicitation/create", elicitation(), "q-1"));
  // The server does not want to know any more, asks something else, and is done.
  stream->message(json::Value{{"jsonrpc", "2.0"}, {"method", "notifications/cancelled"}, {"params", json::Value{{"requestId", "q-1"}}}});
  stream->message(json::Value{{"jsonrpc", "2.0"}, {"method", "notifications/progress"}, {"params", json::Value{{"progressToken", stream_id}, {"progress", 1}}}});
  say_result(json::Value{{"content", json::Array{}}, {"isError", true}});
  const auto again = send(retry(asked, json::Value{{"input-1", accepted()}}));
  const json::Value answer = json_of(again);
  EXPECT_EQ(text_at(answer, "id"), "2");
  EXPECT_EQ(text_at(answer, "result/isError"), "true");
  EXPECT_TRUE(answers().empty()) << "an answer to a question that was withdrawn goes nowhere";
}

TEST_F(InputTest, AQuestionMeanwhileIsAskedWhenTheClientComesBack) {
  const json::Value asked = ask(server_request("elicitation/create", elicitation(), "q-1"));
  stream->message(server_request("elicitation/create", elicitation("and then?"), "q-2"));
  settle();
  const auto second = read(**send(retry(asked, json::Value{{"input-1", accepted()}}))->answer);
  const json::Value asked_again = second->messages().at(0);
  EXPECT_EQ(text_at(asked_again, "result/inputRequests/input-2/params/message"), "and then?");
  EXPECT_EQ(answers().size(), 1u);
}

struct StateRow {
  const char* what;
  std::function<json::Value(InputTest&, json::Value retry)> change;
  const char* principal = "alice";
};

// TR-83: bound to who, where, what, once.
TEST_F(InputTest, ARequestStateIsGoodForItsOwnCallAlone) {
  const auto with_state = [](json::Value retry, const std::function<void(std::string&)>& change) {
    json::Value params = at(retry, "params");
    std::string state = text_at(params, "requestState");
    change(state);
    params.set("requestState", state);
    retry.set("params", std::move(params));
    return retry;
  };
  const auto with_param = [](json::Value retry, std::string_view name, json::Value value) {
    json::Value params = at(retry, "params");
    params.set(name, std::move(value));
    retry.set("params", std::move(params));
    return retry;
  };
  const StateRow rows[] = {
      {"another principal", [](InputTest&, json::Value retry) { return retry; }, "bob"},
      {"other arguments", [&](InputTest&, json::Value retry) { return with_param(std::move(retry), "arguments", json::Value{{"a", 2}}); }},
      {"another tool", [&](InputTest&, json::Value retry) { return with_param(std::move(retry), "name", "other"); }},
      {"another method", [](InputTest&, json::Value retry) { retry.set("method", "prompts/get"); return retry; }},
      {"a changed byte", [&](InputTest&, json::Value retry) { return with_state(std::move(retry), [](std::string& state) { state[20] = state[20] == 'A' ? 'B' : 'A'; }); }},
      {"a cut one", [&](InputTest&, json::Value retry) { return with_state(std::move(retry), [](std::string& state) { state.resize(state.size() - 4); }); }},
      {"an empty one", [&](InputTest&, json::Value retry) { return with_state(std::move(retry), [](std::string& state) { state.clear(); }); }},
      {"a huge one", [&](InputTest&, json::Value retry) { return with_state(std::move(retry), [](std::string& state) { state.assign(1 << 20, 'A'); }); }},
      {"one that is too old", [](InputTest& test, json::Value retry) { test.time.advance(Seconds{600}); return retry; }},
  };
  for (const StateRow& row : rows) {
    server.seen.clear();
    const json::Value asked = ask(server_request("elicitation/create", elicitation(), "q"));
    const auto refused = send(row.change(*this, retry(asked, json::Value{{"input-1", accepted()}})), row.principal);
    EXPECT_EQ(text_at(json_of(refused), "error/code"), "-32602") << row.what;
    EXPECT_TRUE(answers().empty()) << row.what;
    EXPECT_EQ(server.count("tools/call"), 1) << row.what << ": it is no new call either";
  }
}

TEST_F(InputTest, ARequestStateIsGoodOnce) {
  const json::Value asked = ask(server_request("elicitation/create", elicitation()));
  const auto reading = read(**send(retry(asked, json::Value{{"input-1", accepted()}}))->answer);
  EXPECT_EQ(text_at(json_of(send(retry(asked, json::Value{{"input-1", accepted()}}, 3))), "error/code"), "-32602");
  EXPECT_EQ(answers().size(), 1u);
  // Nor is that of an earlier round.
  stream->message(server_request("elicitation/create", elicitation("more?"), 901));
  settle();
  EXPECT_EQ(text_at(json_of(send(retry(asked, json::Value{{"input-2", accepted()}}, 4))), "error/code"), "-32602");
  EXPECT_EQ(answers().size(), 1u);
}

TEST_F(InputTest, AnAnswerThatIsNoObjectIsRefusedAndMayBeGivenAgain) {
  const json::Value asked = ask(server_request("elicitation/create", elicitation()));
  EXPECT_EQ(text_at(json_of(send(retry(asked, json::Value{{"input-1", "yes"}}))), "error/code"), "-32602");
  EXPECT_TRUE(answers().empty());
  const auto reading = read(**send(retry(asked, json::Value{{"input-1", accepted()}}, 3))->answer);
  say_result(json::Object{});
  EXPECT_EQ(text_at(reading->messages().at(0), "result/resultType"), "complete");
}

TEST_F(InputTest, WhoNeverComesBackIsNotWaitedForForEver) {
  ask(server_request("elicitation/create", elicitation(), "q"));
  time.advance(Seconds{600});
  bridge.tidy(time.now());
  settle();
  EXPECT_EQ(bridge.pending_calls(), 0u);
  ASSERT_EQ(answers().size(), 1u);
  EXPECT_EQ(text_at(answers()[0], "error/message"), "the client did not answer in time");
  EXPECT_EQ(server.count("notifications/cancelled"), 1);
  EXPECT_TRUE(stream->cancelled);
}

TEST_F(InputTest, NoMoreThanSoManyWait) {
  for (std::size_t i = 0; i < PendingCalls::kPerPrincipalMax; ++i) ask(server_request("elicitation/create", elicitation()));
  EXPECT_EQ(bridge.pending_calls(), PendingCalls::kPerPrincipalMax);
  const auto reading = read(**send(call())->answer);
  stream->message(server_request("elicitation/create", elicitation(), "one too many"));
  settle();
  EXPECT_TRUE(reading->text.empty());
  EXPECT_EQ(text_at(answers().back(), "error/code"), "-32603");
  const auto other = read(**send(call(), "bob")->answer);
  stream->message(server_request("elicitation/create", elicitation()));
  settle();
  EXPECT_EQ(text_at(other->messages().at(0), "result/resultType"), "input_required") << "others are not concerned";
}

TEST_F(InputTest, AServerThatAsksWithoutEndIsNotAskedFor) {
  const auto reading = read(**send(call())->answer);
  std::string many;
  for (int id = 0; id < 200; ++id) {
    mcp::Event event;
    event.data = json::write(server_request("elicitation/create", elicitation(), id));
    event.has_data = true;
    mcp::append_event(many, event);
  }
  stream->write(many);
  settle();
  EXPECT_EQ(at(reading->messages().at(0), "result/inputRequests").as_object()->size(), 16u);
}

TEST_F(InputTest, WhoComesBackDeclaringLessIsNotAskedMore) {
  const json::Value asked = ask(server_request("elicitation/create", elicitation(), "q-1"));
  stream->message(server_request("sampling/createMessage", json::Value{{"messages", json::Array{}}}, "q-2"));
  settle();
  capabilities = json::Value{{"elicitation", json::Object{}}};
  const auto reading = read(**send(retry(asked, json::Value{{"input-1", accepted()}}))->answer);
  EXPECT_TRUE(reading->text.empty());
  ASSERT_EQ(answers().size(), 2u);
  EXPECT_EQ(text_at(answers()[1], "id"), "q-2");
  EXPECT_EQ(text_at(answers()[1], "error/code"), "-32601");
}

TEST_F(InputTest, AddressesToOpenFirstAreAskedForAndTheRetryIsANewCall) {
  const json::Value data = *json::parse(R"({"elicitations":[{"mode":"url","elicitationId":"e","url":"https://x.example/link","message":"link"}]})");
  on["tools/call"] = [&](const Got& got) -> Sent { return ScriptedServer::error(got, 200, -32042, data); };
  EXPECT_EQ(text_at(json_of(send(call())), "error/code"), "-32603") << "a client without URLs gets the error";
  capabilities = json::Value{{"elicitation", json::Value{{"url", json::Object{}}}}};
  const json::Value asked = json_of(send(call()));
  EXPECT_EQ(text_at(asked, "result/resultType"), "input_required");
  EXPECT_EQ(json::write(at(asked, "result/inputRequests/url-1")), R"({"method":"elicitation/create","params":{"mode":"url","url":"https://x.example/link","message":"link"}})");
  EXPECT_FALSE(at(asked, "result").find("requestState"));
  on["tools/call"] = [](const Got& got) -> Sent { return ScriptedServer::result(got, json::Value{{"content", json::Array{}}}); };
  const int before = server.count("tools/call");
  EXPECT_EQ(text_at(json_of(send(call(2, json::Value{{"inputResponses", json::Value{{"url-1", json::Value{{"action", "decline"}}}}}}))), "error/code"), "-32600");
  EXPECT_EQ(server.count("tools/call"), before);
  EXPECT_EQ(text_at(json_of(send(call(3, json::Value{{"inputResponses", json::Value{{"url-1", json::Value{{"action", "accept"}}}}}}))), "result/resultType"), "complete");
  EXPECT_FALSE(at(got("tools/call").back(), "params").find("inputResponses"));
}

TEST_F(InputTest, TheRetryThatGoesAwayCancelsTheCall) {
  const json::Value asked = ask(server_request("elicitation/create", elicitation()));
  auto reading = read(**send(retry(asked, json::Value{{"input-1", accepted()}}))->answer);
  reading->body->cancel();
  settle();
  EXPECT_EQ(server.count("notifications/cancelled"), 1);
  EXPECT_TRUE(stream->cancelled);
}

// Some servers ask on the GET stream, which names no call.
TEST_F(InputTest, AQuestionOnTheGetStreamBelongsToTheOnlyCall) {
  const auto reading = read(**send(call())->answer);
  ASSERT_TRUE(push);
  push->message(server_request("sampling/createMessage", json::Value{{"messages", json::Array{}}, {"maxTokens", 1}}, "g"));
  settle();
  EXPECT_EQ(text_at(reading->messages().at(0), "result/inputRequests/input-1/method"), "sampling/createMessage");
}

TEST_F(InputTest, AQuestionOnTheGetStreamThatCouldBelongToSeveralIsRefused) {
  const auto first = read(**send(call())->answer);
  const auto second = read(**send(call(2))->answer);
  push->message(server_request("elicitation/create", elicitation(), "g"));
  settle();
  EXPECT_TRUE(first->text.empty());
  EXPECT_TRUE(second->text.empty());
  EXPECT_EQ(text_at(answers().at(0), "error/code"), "-32601");
}

TEST_F(InputTest, AServerThatAnswersWithJsonMayAskOnTheGetStreamBeforeItsHead) {
  // The head of the answer comes when the question was answered.
  std::function<void(bool)> go_on;
  class Late final : public Upstream {
   public:
    Late(ScriptedServer& other, std::function<void(bool)>& go_on) : other_(other), go_on_(go_on) {}
    Task<Sent> send(Request request) override {
      if (request.message && request.message->method() == "tools/call") {
        auto begin = [this](std::function<void(bool)> resume) { go_on_ = std::move(resume); };
        auto waiting = suspend_until<bool>(begin);
        co_await waiting;
      }
      auto sent = co_await other_.send(std::move(request));
      co_return sent;
    }

   private:
    ScriptedServer& other_;
    std::function<void(bool)>& go_on_;
  } late(server, go_on);
  EraParts with{late, objects, time, [this](Milliseconds duration) { return time.pause(duration); }};
  ForModernClient other(with);
  const auto start_with = [&](Request made) {
    auto sending = std::make_shared<Sending>();
    auto task = other.send(std::move(made));
    spawn(std::move(task), [sending](std::exception_ptr, std::optional<Sent> sent) { sending->answer = std::move(sent); });
    settle();
    return sending;
  };
  on["tools/call"] = [](const Got& got) -> Sent { return ScriptedServer::result(got, json::Value{{"content", json::Array{}}}); };
  const auto first = start_with(request(mcp::Era::modern, call()));
  ASSERT_TRUE(push && go_on);
  push->message(server_request("elicitation/create", elicitation(), "g"));
  settle();
  const json::Value asked = json_of(first);
  EXPECT_EQ(text_at(asked, "result/resultType"), "input_required");
  const auto again = start_with(request(mcp::Era::modern, retry(asked, json::Value{{"input-1", accepted()}})));
  ASSERT_TRUE(again->answer && *again->answer);
  const auto reading = read(**again->answer);
  go_on(true);
  settle();
  EXPECT_EQ(text_at(reading->messages().at(0), "id"), "2");
  end_all(other);
  settle();
}

}  // namespace
}  // namespace writ::upstreams
