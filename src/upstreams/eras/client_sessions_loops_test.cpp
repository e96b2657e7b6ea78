// A legacy client's call lives on one event loop; the answer to its question, its cancellation and the resumed stream come on any.

#include <atomic>
#include <future>
#include <mutex>
#include <thread>

#include "upstreams/eras/eras_fixture.h"
#include "upstreams/eras/loop_thread_fixture.h"

namespace writ::upstreams {
namespace {

// Asks once, then answers. Keeps nothing, so that any thread may use it.
class AskingServer final : public Upstream {
 public:
  Task<Sent> send(Request request) override {
    ScriptedServer::Got got;
    got.body = *json::parse(request.http.body, kMessageLimits);
    if (got.method() == "server/discover") co_return ScriptedServer::result(got, *json::parse(R"({"resultType":"complete","capabilities":{}})"));
    if (got.body.find("params")->find("inputResponses")) {
      ++answered;
      co_return ScriptedServer::result(got, *json::parse(R"({"resultType":"complete","content":[]})"));
    }
    co_return ScriptedServer::result(got, *json::parse(R"({"resultType":"input_required","inputRequests":{"k":{"method":"roots/list"}},"requestState":"s"})"));
  }
  std::atomic<int> answered{0};
};

class ClientSessionsOnLoops : public ErasTest {
 public:
  static Task<std::string> exchange(ForLegacyClient& client, Request made, std::function<void(const std::string&)> on_piece) {
    auto sent = co_await client.send(std::move(made));
    if (!sent) co_return "failed";
    http::UpstreamResponse response = std::move(*sent);
    std::string all;
    if (const auto* id = response.headers.find_single("Mcp-Session-Id")) all = *id + "\n";
    while (true) {
      auto piece = co_await response.body->next();
      if (!piece) break;
      all += *piece;
      if (on_piece) on_piece(*piece);
    }
    co_return all;
  }
  std::future<std::string> send_on(LoopThread& loop, Request made, std::function<void(const std::string&)> on_piece = nullptr) {
    auto text = std::make_shared<std::promise<std::string>>();
    auto held = std::make_shared<Request>(std::move(made));
    loop.executor.post([this, held, text, on_piece] {
      auto task = exchange(client, std::move(*held), on_piece);
      spawn(std::move(task), [text](std::exception_ptr, std::optional<std::string> all) { text->set_value(all.value_or("broken")); });
    });
    return text->get_future();
  }
  Request in_session(const std::string& body, const std::string& session) {
    Request made = request(mcp::Era::legacy, *json::parse(body));
    made.http.headers.add("Mcp-Session-Id", session);
    return made;
  }
  AskingServer asking;
  EraParts asking_parts{asking, objects, time, parts.pause};
  ForLegacyClient client{asking_parts};
};

TEST_F(ClientSessionsOnLoops, QuestionsAreAnsweredAndCallsCancelledFromOtherLoops) {
  constexpr int kCalls = 60;
  LoopThread first, second;
  const std::string opened = send_on(first, request(mcp::Era::legacy, *json::parse(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"roots":{}}}})"))).get();
  const std::string session = opened.substr(0, opened.find('\n'));
  std::vector<std::future<std::string>> calls;
  std::mutex mutex;
  std::vector<std::future<std::string>> replies;
  for (int i = 0; i < kCalls; ++i) {
    const bool is_cancelled = i % 3 == 0;
    const auto on_piece = [&, i, is_cancelled](const std::string& piece) {
      const std::size_t at = piece.find("\"id\":\"writ-");
      if (at == std::string::npos) return;
      const std::string question = piece.substr(at + 6, piece.find('"', at + 6) - at - 6);
      const std::string reply = is_cancelled ? R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":)" + std::to_string(i) + "}}"
                                             : R"({"jsonrpc":"2.0","id":")" + question + R"(","result":{"roots":[]}})";
      const std::lock_guard lock(mutex);
      replies.push_back(send_on(i % 2 == 0 ? second : first, in_session(reply, session)));
    };
    calls.push_back(send_on(i % 2 == 0 ? first : second, in_session(R"({"jsonrpc":"2.0","id":)" + std::to_string(i) + R"(,"method":"tools/call","params":{"name":"x"}})", session), on_piece));
  }
  for (int i = 0; i < kCalls; ++i) {
    ASSERT_EQ(calls[static_cast<std::size_t>(i)].wait_for(std::chrono::seconds(20)), std::future_status::ready) << i;
    const bool has_result = calls[static_cast<std::size_t>(i)].get().find(R"("result":{"content":[]})") != std::string::npos;
    EXPECT_EQ(has_result, i % 3 != 0) << i;
  }
  for (auto& reply : replies) EXPECT_EQ(reply.get(), "");
  EXPECT_EQ(asking.answered, kCalls - kCalls / 3);
}

}  // namespace
}  // namespace writ::upstreams
