// subscriptions/listen at a server with a GET stream.

#include "upstreams/eras/legacy_server_fixture.h"

namespace writ::upstreams {
namespace {

class ListenTest : public ForModernClientTest {
 public:
  json::Value listen(json::Value notifications, json::Value id = "l-1") const { return message("subscriptions/listen", json::Value{{"notifications", std::move(notifications)}}, std::move(id)); }
  std::shared_ptr<Reading> open(json::Value notifications, json::Value id = "l-1", const std::string& principal = "alice") {
    const auto sending = send(listen(std::move(notifications), std::move(id)), principal);
    if (!sending->answer || !*sending->answer) {
      ADD_FAILURE() << "no stream";
      return nullptr;
    }
    return read(**sending->answer);
  }
  void say(const std::string& method, json::Value params = json::Object{}, std::optional<std::string> id = std::nullopt) {
    push->message(json::Value{{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}}, std::move(id));
    settle();
  }
  static std::vector<std::string> methods(const Reading& reading) {
    std::vector<std::string> found;
    for (const json::Value& message : reading.messages()) found.push_back(text_at(message, "method"));
    return found;
  }
};

TEST_F(ListenTest, AcknowledgesWhatTheServerCanAndPassesThatOn) {
  const auto reading = open(json::Value{{"toolsListChanged", true}, {"promptsListChanged", true}, {"resourceSubscriptions", json::Array{"a://1", "a://2", "a://1"}}}, 7);
  ASSERT_EQ(reading->messages().size(), 1u);
  // The server has no prompts that change.
  EXPECT_EQ(json::write(reading->messages()[0]),
            R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{"toolsListChanged":true,"resourceSubscriptions":["a://1","a://2"]},)"
            R"("_meta":{"io.modelcontextprotocol/subscriptionId":7}}})");
  EXPECT_EQ(got("resources/subscribe").size(), 2u);
  say("notifications/tools/list_changed");
  say("notifications/prompts/list_changed");
  say("notifications/resources/list_changed");
  say("notifications/resources/updated", json::Value{{"uri", "a://2"}, {"_meta", json::Value{{"x", 1}}}});
  say("notifications/resources/updated", json::Value{{"uri", "a://3"}});
  say("notifications/message", json::Value{{"level", "info"}, {"data", "x"}});
  say("notifications/progress", json::Value{{"progressToken", 1}, {"progress", 1}});
  ASSERT_EQ(reading->messages().size(), 3u);
  EXPECT_EQ(json::write(reading->messages()[1]), R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":7}}})");
  EXPECT_EQ(json::write(reading->messages()[2]),
            R"({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a://2","_meta":{"io.modelcontextprotocol/subscriptionId":7}}})");
}

TEST_F(ListenTest, SeveralShareOneStreamAndOneSubscription) {
  const auto first = open(json::Value{{"resourceSubscriptions", json::Array{"a://1"}}}, 1);
  const auto second = open(json::Value{{"toolsListChanged", true}, {"resourceSubscriptions", json::Array{"a://1"}}}, "2");
  EXPECT_EQ(server.count("GET"), 1);
  EXPECT_EQ(got("resources/subscribe").size(), 1u);
  say("notifications/resources/updated", json::Value{{"uri", "a://1"}});
  EXPECT_EQ(text_at(at(first->messages().at(1), "params/_meta"), ""), json::write(at(first->messages().at(1), "params/_meta")));
  EXPECT_EQ(json::write(*at(first->messages().at(1), "params/_meta").find(kSubscriptionId)), "1");
  EXPECT_EQ(json::write(*at(second->messages().at(1), "params/_meta").find(kSubscriptionId)), "\"2\"");
  first->body->cancel();
  settle();
  EXPECT_TRUE(got("resources/unsubscribe").empty());
  second->body->cancel();
  settle();
  EXPECT_EQ(got("resources/unsubscribe").size(), 1u);
}

TEST_F(ListenTest, NothingIsSharedBetweenPrincipals) {
  const auto alice = open(json::Value{{"toolsListChanged", true}});
  const auto push_of_alice = push;
  const auto bob = open(json::Value{{"toolsListChanged", true}}, "l-1", "bob");
  EXPECT_EQ(server.count("GET"), 2);
  push_of_alice->message(json::Value{{"jsonrpc", "2.0"}, {"method", "notifications/tools/list_changed"}});
  settle();
  EXPECT_EQ(alice->messages().size(), 2u);
  EXPECT_EQ(bob->messages().size(), 1u);
}

TEST_F(ListenTest, AServerWithoutAStreamHonoursNothing) {
  has_push = false;
  const auto reading = open(json::Value{{"toolsListChanged", true}, {"resourceSubscriptions", json::Array{"a://1"}}});
  EXPECT_EQ(text_at(reading->messages().at(0), "params/notifications"), "{}");
  EXPECT_FALSE(reading->end);
  EXPECT_TRUE(got("resources/subscribe").empty());
}

TEST_F(ListenTest, AResourceThatTheServerRefusesIsNotHonoured) {
  on["resources/subscribe"] = [](const Got& got) -> Sent {
    if (text_at(got.body, "params/uri") == "a://secret") return ScriptedServer::error(got, 200, -32602);
    return ScriptedServer::result(got, json::Object{});
  };
  const auto reading = open(json::Value{{"resourceSubscriptions", json::Array{"a://open", "a://secret"}}});
  EXPECT_EQ(text_at(reading->messages().at(0), "params/notifications/resourceSubscriptions"), R"(["a://open"])");
  say("notifications/resources/updated", json::Value{{"uri", "a://secret"}});
  EXPECT_EQ(reading->messages().size(), 1u);
}

TEST_F(ListenTest, ABrokenStreamIsOpenedAgainWhereItEnded) {
  const auto reading = open(json::Value{{"toolsListChanged", true}});
  say("notifications/tools/list_changed", json::Object{}, "e-3");
  push->finish(http::StreamEnd::broken);
  settle();
  EXPECT_EQ(server.count("GET"), 1);
  on_resume = [this](const Got&) -> Sent { return ScriptedServer::stream(push = std::make_shared<LiveBody::State>()); };
  time.advance(Seconds{2});
  settle();
  ASSERT_EQ(server.count("GET"), 2);
  EXPECT_EQ(server.seen.back().header("Last-Event-ID"), "e-3");
  say("notifications/tools/list_changed");
  EXPECT_EQ(reading->messages().size(), 3u);
}

TEST_F(ListenTest, ALostSessionIsMadeAgainWithItsSubscriptions) {
  const auto reading = open(json::Value{{"resourceSubscriptions", json::Array{"a://1"}}});
  lost["s1"] = true;
  push->finish(http::StreamEnd::broken);
  settle();
  for (int i = 0; i < 5; ++i) {
    time.advance(Seconds{4});
    settle();
  }
  EXPECT_EQ(server.count("initialize"), 2);
  EXPECT_EQ(got("resources/subscribe").size(), 2u);
  say("notifications/resources/updated", json::Value{{"uri", "a://1"}});
  EXPECT_EQ(reading->messages().size(), 2u);
}

TEST_F(ListenTest, TheStreamFollowsASessionThatACallFoundLost) {
  const auto reading = open(json::Value{{"resourceSubscriptions", json::Array{"a://1"}}});
  const auto former = push;
  lost["s1"] = true;
  send(call());
  EXPECT_TRUE(former->cancelled);
  ASSERT_NE(push, former);
  EXPECT_EQ(server.count("initialize"), 2);
  EXPECT_EQ(got("resources/subscribe").size(), 2u);
  EXPECT_EQ(server.seen.back().header("Mcp-Session-Id"), "s2");
  say("notifications/resources/updated", json::Value{{"uri", "a://1"}});
  EXPECT_EQ(reading->messages().size(), 2u);
}

TEST_F(ListenTest, AStreamThatCannotBeHadAnyMoreEndsWithAResult) {
  const auto reading = open(json::Value{{"toolsListChanged", true}}, 9);
  has_push = false;
  push->finish(http::StreamEnd::broken);
  settle();
  time.advance(Seconds{5});
  settle();
  ASSERT_EQ(reading->messages().size(), 2u);
  EXPECT_EQ(json::write(reading->messages()[1]), R"({"jsonrpc":"2.0","id":9,"result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":9}}})");
  EXPECT_EQ(reading->end, http::StreamEnd::complete);
}

TEST_F(ListenTest, AClientThatDoesNotReadIsEndedNotBuffered) {
  const auto sending = send(listen(json::Value{{"toolsListChanged", true}}));
  ASSERT_TRUE(sending->answer && *sending->answer);   // and never read
  for (int i = 0; i < 5'000; ++i) push->message(json::Value{{"jsonrpc", "2.0"}, {"method", "notifications/tools/list_changed"}});
  settle();
  const auto reading = read(**sending->answer);
  EXPECT_LT(reading->text.size(), 300'000u);
  EXPECT_EQ(text_at(reading->messages().back(), "result/resultType"), "complete");
}

TEST_F(ListenTest, AServerThatIsDisabledEndsWhatListensToIt) {
  const auto reading = open(json::Value{{"toolsListChanged", true}});
  registry::Objects changed = current;
  changed.servers[0].active = false;
  set_objects(changed);
  bridge.tidy(time.now());
  settle();
  EXPECT_EQ(text_at(reading->messages().back(), "result/resultType"), "complete");
  EXPECT_TRUE(push->cancelled);
}

TEST_F(ListenTest, AListChangeOnACallsStreamIsHeardToo) {
  const auto reading = open(json::Value{{"toolsListChanged", true}});
  stream_for("tools/call");
  const auto call_reading = read(**send(call())->answer);
  stream->message(json::Value{{"jsonrpc", "2.0"}, {"method", "notifications/tools/list_changed"}});
  settle();
  EXPECT_TRUE(call_reading->text.empty());
  EXPECT_EQ(methods(*reading), (std::vector<std::string>{"notifications/subscriptions/acknowledged", "notifications/tools/list_changed"}));
}

}  // namespace
}  // namespace writ::upstreams
