// A session lives on one event loop; its client's requests come on any.

#include <future>

#include "upstreams/eras/legacy_server_fixture.h"
#include "upstreams/eras/loop_thread_fixture.h"

namespace writ::upstreams {
namespace {

class SeveralLoopsTest : public ForModernClientTest {
 public:
  void TearDown() override {}   // loops end before: see finish()
  // Ends everything at the sessions' home, and then the loop.
  void finish(LoopThread& home) {
    home.run([this] {
      end_all(bridge);
      return 0;
    });
    for (int i = 0; i < 100; ++i) home.run([] { return 0; });
    home.run([this] {
      time.advance(Seconds{3'600});
      return 0;
    });
    for (int i = 0; i < 100; ++i) home.run([] { return 0; });
    home.stop();
  }
  // Sends on that loop, reads the body to its end there, and hands it back.
  std::future<std::string> send_on(LoopThread& loop, json::Value body) {
    auto text = std::make_shared<std::promise<std::string>>();
    auto future = text->get_future();
    auto made = std::make_shared<Request>(request(mcp::Era::modern, body));
    loop.executor.post([this, made, text] {
      auto task = exchange(bridge, std::move(*made));
      spawn(std::move(task), [text](std::exception_ptr, std::optional<std::string> all) { text->set_value(all.value_or("broken")); });
    });
    return future;
  }
  static Task<std::string> exchange(ForModernClient& bridge, Request made) {
    auto sent = co_await bridge.send(std::move(made));
    if (!sent) co_return "failed: " + sent.error().detail;
    http::UpstreamResponse response = std::move(*sent);
    std::string all;
    while (true) {
      auto piece = co_await response.body->next();
      if (!piece) break;
      all += *piece;
    }
    co_return all;
  }
  static json::Value parsed(const std::string& text) {
    const std::size_t begin = text.find('{');
    auto value = json::parse(text.substr(begin, text.find_last_of('}') + 1 - begin), kMessageLimits);
    EXPECT_TRUE(value) << text;
    return value ? std::move(*value) : json::Value();
  }
};

TEST_F(SeveralLoopsTest, AnAnswerComesBackToTheLoopThatAsked) {
  LoopThread first, second;
  on["tools/call"] = [](const Got& got) -> Sent { return ScriptedServer::result(got, json::Value{{"content", json::Array{}}}); };
  EXPECT_EQ(text_at(parsed(send_on(first, call(0)).get()), "id"), "0");
  std::vector<std::future<std::string>> all;
  for (int i = 1; i <= 200; ++i) all.push_back(send_on(i % 2 ? first : second, call(i)));
  for (int i = 1; i <= 200; ++i) EXPECT_EQ(text_at(parsed(all[static_cast<std::size_t>(i - 1)].get()), "id"), std::to_string(i));
  EXPECT_EQ(first.run([&] { return server.count("initialize"); }), 1);
  second.stop();
  finish(first);
}

TEST_F(SeveralLoopsTest, ARetryOnAnotherLoopGoesOnWithTheCall) {
  LoopThread home, other;
  // The server asks at once, and answers when it was answered.
  on["tools/call"] = [this](const Got& got) -> Sent {
    stream_id = got.id();
    stream = std::make_shared<LiveBody::State>();
    stream->message(server_request("elicitation/create", elicitation()));
    return ScriptedServer::stream(stream);
  };
  for (int i = 0; i < 50; ++i) {
    const json::Value asked = parsed(send_on(home, call("first")).get());
    ASSERT_EQ(text_at(asked, "result/resultType"), "input_required");
    json::Value more{{"requestState", text_at(asked, "result/requestState")}};
    more.set("inputResponses", json::Value{{"input-1", json::Value{{"action", "accept"}}}});
    auto again = send_on(i % 2 ? other : home, call(i, more));
    home.run([&] {
      stream->message(json::Value{{"jsonrpc", "2.0"}, {"id", stream_id}, {"result", json::Value{{"round", i}}}});
      return 0;
    });
    const json::Value answer = parsed(again.get());
    ASSERT_EQ(text_at(answer, "id"), std::to_string(i));
    EXPECT_EQ(text_at(answer, "result/round"), std::to_string(i));
  }
  other.stop();
  finish(home);
}

TEST_F(SeveralLoopsTest, WhoLeavesOnAnotherLoopCancelsTheCall) {
  LoopThread home, other;
  send_on(home, message("tools/list")).get();
  stream_for("tools/call");
  auto made = std::make_shared<Request>(request(mcp::Era::modern, call()));
  const auto left = std::make_shared<std::promise<bool>>();
  other.executor.post([this, made, left] {
    auto task = bridge.send(std::move(*made));
    spawn(std::move(task), [left](std::exception_ptr, std::optional<Sent> sent) {
      (*sent)->body->cancel();
      left->set_value(true);
    });
  });
  left->get_future().get();
  for (int i = 0; i < 1'000 && home.run([&] { return server.count("notifications/cancelled"); }) == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(home.run([&] { return server.count("notifications/cancelled"); }), 1);
  other.stop();
  finish(home);
}

}  // namespace
}  // namespace writ::upstreams
