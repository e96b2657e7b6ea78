#include "upstreams/stdio/stdio_fixture.h"
#include "upstreams/stdio/stdio_programs.h"

namespace writ::upstreams::stdio {
namespace {

class SharedProgram : public StdioTest {
 protected:
  SharedProgram() { program.runs = registry::UpstreamProgram::Runs::shared; }
};

TEST_F(SharedProgram, IsInitializedOnceByTheGatewayWhichHasNoCapabilities) {
  const auto alice = send(request(initialize_message("a"), "alice")), bob = send(request(initialize_message(2), "bob"));
  ASSERT_EQ(fakes.all.size(), 1U);
  const auto initialized = fakes.last().got_of("initialize");
  ASSERT_EQ(initialized.size(), 1U);
  EXPECT_EQ(json::write(*initialized[0].find("params")->find("capabilities")), "{}");
  EXPECT_EQ(*initialized[0].find("params")->find("clientInfo")->find_string("name"), "writ");
  EXPECT_EQ(fakes.last().got_of("notifications/initialized").size(), 1U);
  EXPECT_EQ(*alice->json().find_string("id"), "a");
  EXPECT_EQ(*bob->json().find_int("id"), 2);
  EXPECT_NE(alice->session(), bob->session());
  // What would reach into what others do is not offered.
  const json::Value answer = alice->json();
  const json::Value* offered = answer.find("result")->find("capabilities");
  EXPECT_TRUE(offered->find("tools"));
  EXPECT_FALSE(offered->find("logging"));
  EXPECT_FALSE(offered->find("tasks"));
}

TEST_F(SharedProgram, AnswersGoToWhoAskedThoughIdsAreEqual) {
  const std::string alice = open_session("alice"), bob = open_session("bob");
  const auto of_alice = send(request(call(1), "alice", alice)), of_bob = send(request(call(1), "bob", bob));
  const auto calls = fakes.last().got_of("tools/call");
  ASSERT_EQ(calls.size(), 2U);
  fakes.last().result(calls[1], json::Value{{"for", "bob"}});
  fakes.last().result(calls[0], json::Value{{"for", "alice"}});
  settle();
  EXPECT_EQ(*of_alice->json().find("result")->find_string("for"), "alice");
  EXPECT_EQ(*of_bob->json().find("result")->find_string("for"), "bob");
  EXPECT_EQ(send(request(call(2), "bob", alice))->status(), 404);
}

TEST_F(SharedProgram, ProgressGoesToWhoAskedForItThoughTokensAreEqual) {
  const std::string alice = open_session("alice"), bob = open_session("bob");
  const json::Value token{{"_meta", json::Value{{"progressToken", 1}}}};
  const auto of_alice = send(request(call(1, token), "alice", alice)), of_bob = send(request(call(1, token), "bob", bob));
  const auto calls = fakes.last().got_of("tools/call");
  fakes.last().say(notification("notifications/progress", json::Value{{"progressToken", *calls[1].find_int("id")}, {"progress", 1}}));
  settle();
  EXPECT_FALSE(of_alice->answer);
  ASSERT_EQ(of_bob->messages().size(), 1U);
  EXPECT_EQ(*of_bob->messages()[0].find("params")->find_int("progressToken"), 1);
}

TEST_F(SharedProgram, WhatItSaysByItselfReachesWhoSubscribedAndNobodyElse) {
  const std::string alice = open_session("alice"), bob = open_session("bob");
  const auto to_alice = send(request(json::Value(), "alice", alice, "GET")), to_bob = send(request(json::Value(), "bob", bob, "GET"));
  const json::Value uri{{"uri", "x:alice"}};
  EXPECT_EQ(send(request(call(1, uri, "resources/subscribe"), "alice", alice))->status(), 200);
  const auto calling = send(request(call(2), "alice", alice));

  fakes.last().say(notification("notifications/resources/updated", uri));
  fakes.last().say(notification("notifications/message", json::Value{{"level", "info"}, {"data", "what alice did"}}));
  fakes.last().say(notification("notifications/tasks/status", json::Value{{"taskId", "t"}}));
  fakes.last().say(notification("notifications/elicitation/complete"));
  fakes.last().say(notification("notifications/of/its/own"));
  settle();
  EXPECT_EQ(to_alice->messages().size(), 1U);
  EXPECT_EQ(to_bob->messages().size(), 0U);
  EXPECT_FALSE(calling->answer);
  fakes.last().say(notification("notifications/tools/list_changed"));
  settle();
  EXPECT_EQ(to_alice->messages().size(), 2U);
  EXPECT_EQ(to_bob->messages().size(), 1U);
}

TEST_F(SharedProgram, UnsubscribesWhenTheLastOneDoes) {
  const std::string alice = open_session("alice"), bob = open_session("bob");
  const json::Value uri{{"uri", "x:both"}};
  send(request(call(1, uri, "resources/subscribe"), "alice", alice));
  send(request(call(1, uri, "resources/subscribe"), "bob", bob));
  const auto to_alice = send(request(json::Value(), "alice", alice, "GET"));
  EXPECT_EQ(send(request(call(2, uri, "resources/unsubscribe"), "alice", alice))->status(), 200);
  EXPECT_TRUE(fakes.last().got_of("resources/unsubscribe").empty());
  fakes.last().say(notification("notifications/resources/updated", uri));
  settle();
  EXPECT_TRUE(to_alice->messages().empty());
  EXPECT_EQ(send(request(call(2, uri, "resources/unsubscribe"), "bob", bob))->status(), 200);
  EXPECT_EQ(fakes.last().got_of("resources/unsubscribe").size(), 1U);
}

TEST_F(SharedProgram, AsksNobodyAndNobodyAnswersForAnother) {
  const std::string alice = open_session("alice");
  const auto calling = send(request(call(1), "alice", alice));
  fakes.last().say(call("ask", json::Object{}, "elicitation/create"));
  settle();
  EXPECT_FALSE(calling->answer);
  const json::Value refused = fakes.last().got.back();
  EXPECT_EQ(*refused.find_string("id"), "ask");
  EXPECT_EQ(*refused.find("error")->find_int("code"), mcp::code::kMethodNotFound);
  fakes.last().say(call("alive", json::Object{}, "ping"));
  settle();
  EXPECT_TRUE(fakes.last().got.back().find("result"));
  const auto before = fakes.last().got.size();
  for (const char* method : {"notifications/initialized", "notifications/roots/list_changed", "notifications/progress"}) {
    EXPECT_EQ(send(request(notification(method), "alice", alice))->status(), 202);
  }
  EXPECT_EQ(send(request(json::Value{{"jsonrpc", "2.0"}, {"id", "ask"}, {"result", json::Object{}}}, "alice", alice))->status(), 202);
  EXPECT_EQ(fakes.last().got.size(), before);
}

TEST_F(SharedProgram, HasNoMethodThatReachesIntoWhatOthersDo) {
  const std::string alice = open_session("alice");
  for (const char* method : {"logging/setLevel", "tasks/list", "tasks/get", "tasks/cancel", "tasks/result"}) {
    const auto refused = send(request(call(1, json::Object{}, method), "alice", alice));
    EXPECT_EQ(refused->status(), 200);
    EXPECT_EQ(*refused->json().find("error")->find_int("code"), mcp::code::kMethodNotFound) << method;
    EXPECT_TRUE(fakes.last().got_of(method).empty());
  }
}

TEST_F(SharedProgram, CancellationsReachOnlyTheCallersOwnCalls) {
  const std::string alice = open_session("alice"), bob = open_session("bob");
  send(request(call(1), "alice", alice));
  send(request(notification("notifications/cancelled", json::Value{{"requestId", 1}}), "bob", bob));
  EXPECT_TRUE(fakes.last().got_of("notifications/cancelled").empty());
}

TEST_F(SharedProgram, OutlivesItsSessionsAndEndsThemWhenItEnds) {
  const std::string alice = open_session("alice"), bob = open_session("bob");
  send(request(json::Value(), "alice", alice, "DELETE"));
  EXPECT_FALSE(fakes.last().was_asked_to_end);
  EXPECT_EQ(send(request(call(1), "alice", alice))->status(), 404);
  fakes.last().crash();
  settle();
  EXPECT_EQ(send(request(call(1), "bob", bob))->status(), 404);
  open_session("bob");
  EXPECT_EQ(fakes.all.size(), 2U);
}

TEST_F(SharedProgram, SessionsThatWereLeftBehindGiveWay) {
  settings.sessions_max = 2;
  const std::string alice = open_session("alice");
  now += Seconds(1);
  const std::string bob = open_session("bob");
  now += Seconds(1);
  send(request(call(1, json::Object{}, "tools/list"), "alice", alice));
  const std::string carol = open_session("carol");
  EXPECT_EQ(send(request(call(1, json::Object{}, "tools/list"), "bob", bob))->status(), 404);
  EXPECT_EQ(send(request(call(1, json::Object{}, "tools/list"), "alice", alice))->status(), 200);
  EXPECT_EQ(send(request(call(1, json::Object{}, "tools/list"), "carol", carol))->status(), 200);
}

TEST_F(SharedProgram, OneThatRefusesInitializeIsAFailure) {
  fakes.answer = [](FakeProgram& self, const json::Value& message) {
    if (message.find("id")) self.error(message, -32603);
  };
  const auto opening = send(request(initialize_message()));
  advance(Milliseconds(100));
  ASSERT_TRUE(opening->failure());
  EXPECT_TRUE(fakes.last().was_asked_to_end);
  EXPECT_EQ(send(request(initialize_message()))->failure()->kind, Failure::Kind::unavailable);
}

TEST_F(SharedProgram, OneThatNeverAnswersIsGivenUp) {
  fakes.answer = [](FakeProgram&, const json::Value&) {};
  const auto opening = send(request(initialize_message()));
  advance(Seconds(3));
  EXPECT_FALSE(opening->answer);
  advance(Seconds(28));
  ASSERT_TRUE(opening->failure());
  EXPECT_TRUE(fakes.last().was_asked_to_end);
}

}  // namespace
}  // namespace writ::upstreams::stdio
