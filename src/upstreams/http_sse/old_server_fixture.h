#pragma once

// A server of the HTTP+SSE transport as the layer sees it through http::Upstream: streams that a test writes to, and messages that it got.

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mcp/streamable_http.h"
#include "upstreams/http_sse/http_sse.h"

namespace writ::upstreams::http_sse {

class HandClock final : public Clock {
 public:
  Instant now() const override { return from_unix_seconds(1'800'000'000) + passed; }
  Milliseconds passed{0};
};

// A body that waits until a test pushes more, ends it, or somebody cancels.
class PushedBody final : public http::BodyStream {
 public:
  using Piece = Result<std::string, http::StreamEnd>;
  struct State {
    std::deque<std::string> pieces;
    std::optional<http::StreamEnd> end;
    bool cancelled = false, destroyed = false;
    int asked = 0;
    std::function<void(Piece)> waiter;
    void push(std::string piece) {
      if (const auto resume = std::exchange(waiter, nullptr)) resume(std::move(piece));
      else pieces.push_back(std::move(piece));
    }
    void finish(http::StreamEnd how) {
      if (!end) end = how;
      if (const auto resume = std::exchange(waiter, nullptr)) resume(unexpected(how));
    }
  };
  explicit PushedBody(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~PushedBody() override { state_->destroyed = true; }
  Task<Piece> next() override {
    const auto state = state_;
    ++state->asked;
    if (!state->pieces.empty()) {
      std::string piece = std::move(state->pieces.front());
      state->pieces.pop_front();
      co_return piece;
    }
    if (state->end) co_return unexpected(*state->end);
    auto begin = [raw = state.get()](std::function<void(Piece)> resume) { raw->waiter = std::move(resume); };
    auto wait = suspend_until<Piece>(begin);
    auto piece = co_await wait;
    co_return piece;
  }
  void cancel() override {
    const auto state = state_;
    state->cancelled = true;
    state->finish(http::StreamEnd::broken);
  }

 private:
  std::shared_ptr<State> state_;
};

class OldServer final : public http::Upstream {
 public:
  using Answer = Result<http::UpstreamResponse, http::UpstreamFailure>;
  Task<Answer> send(http::UpstreamRequest request) override {
    requests.push_back(request);
    if (request.method == "POST" && holds_posts) {
      // Works first and answers then.
      auto message = mcp::Message::parse(request.body, {});
      EXPECT_TRUE(message) << request.body;
      if (message) on_message(stream(), *message);
      auto held = std::make_shared<std::function<void(bool)>>();
      if (request.cancellation) {
        request.cancellation->on_request([this, held] {
          ++cancelled_posts;
          if (*held) std::exchange(*held, nullptr)(false);
        });
      }
      auto begin = [this, held](std::function<void(bool)> resume) {
        *held = std::move(resume);
        held_posts.push_back(held);
      };
      auto wait = suspend_until<bool>(begin);
      const bool goes_on = co_await wait;
      if (request.cancellation) request.cancellation->on_request(nullptr);
      if (!goes_on) co_return unexpected(http::UpstreamFailure{http::UpstreamFailure::Kind::closed, "cancelled"});
      co_return answer(200);
    }
    Answer answer = request.method == "GET" ? open(request) : posted(request);
    co_return answer;
  }

  // What it does; a test changes one of them.
  std::function<Answer(const http::UpstreamRequest&)> on_open;    // absent: a stream that names `first_event`
  std::function<Answer(const http::UpstreamRequest&)> on_post;    // absent: 202, then `on_message`
  std::function<void(PushedBody::State& stream, const mcp::Message& message)> on_message = [](PushedBody::State& stream, const mcp::Message& message) {
    if (message.kind() == mcp::Message::Kind::request) say(stream, json::write(mcp::result_response(*message.id(), json::Value{{"ok", true}})));
  };
  bool holds_posts = false;   // each is answered when the test says so
  std::vector<std::shared_ptr<std::function<void(bool)>>> held_posts;
  int cancelled_posts = 0;
  std::string first_event = "event: endpoint\ndata: /messages?sessionId=s1\n\n";

  std::vector<http::UpstreamRequest> requests;
  std::vector<std::shared_ptr<PushedBody::State>> streams;
  PushedBody::State& stream() { return *streams.back(); }

  static void say(PushedBody::State& stream, const std::string& text) { stream.push("event: message\ndata: " + text + "\n\n"); }
  static http::UpstreamResponse answer(int status, http::Headers headers = {}, std::string body = "") {
    http::UpstreamResponse response;
    response.status = status;
    response.headers = std::move(headers);
    auto state = std::make_shared<PushedBody::State>();
    if (!body.empty()) state->pieces.push_back(std::move(body));
    state->end = http::StreamEnd::complete;
    response.body = std::make_unique<PushedBody>(std::move(state));
    return response;
  }
  http::UpstreamResponse event_stream() {
    http::UpstreamResponse response = answer(200, {{"Content-Type", "text/event-stream"}});
    streams.push_back(std::make_shared<PushedBody::State>());
    response.body = std::make_unique<PushedBody>(streams.back());
    return response;
  }

 private:
  Answer open(const http::UpstreamRequest& request) {
    if (on_open) return on_open(request);
    auto response = event_stream();
    if (!first_event.empty()) stream().push(first_event);
    return response;
  }
  Answer posted(const http::UpstreamRequest& request) {
    if (on_post) return on_post(request);
    auto message = mcp::Message::parse(request.body, {});
    EXPECT_TRUE(message) << request.body;
    if (message) on_message(stream(), *message);
    return answer(202, {}, "Accepted");
  }
};

class HttpSseTest : public testing::Test {
 public:
  HttpSseTest() : scope(executor) { make({}); }
  ~HttpSseTest() override {
    layer = nullptr;
    settle();
  }
  void make(Settings settings) { layer = std::make_unique<HttpSse>(old, clock, settings); }

  Request request(std::string method, std::string body, std::string session = "") const {
    Request made;
    registry::Objects objects;
    objects.servers.push_back(server);
    made.snapshot = std::make_shared<const registry::Snapshot>(std::move(objects), 1);
    made.server = made.snapshot->server(server.id);
    made.principal = std::make_shared<const Principal>(Principal{principal, "https://ras.example", "", "at-1", ""});
    made.http.method = std::move(method);
    made.http.headers = {{"Accept", "application/json, text/event-stream"}, {"X-Key", "of-the-gateway"}};
    if (!session.empty()) made.http.headers.add("Mcp-Session-Id", std::move(session));
    if (!body.empty()) {
      made.http.headers.add("Content-Type", "application/json");
      auto message = mcp::Message::parse(body, {});
      EXPECT_TRUE(message) << body;
      made.message = std::make_shared<const mcp::Message>(std::move(*message));
      made.http.body = std::move(body);
    }
    return made;
  }
  using Answer = Result<http::UpstreamResponse, Failure>;
  // Starts it; the answer is there when the server said enough.
  std::shared_ptr<std::optional<Answer>> start(Request made) {
    auto answer = std::make_shared<std::optional<Answer>>();
    auto task = layer->send(std::move(made));
    executor.post([task = std::make_shared<Task<Answer>>(std::move(task)), answer] {
      spawn(std::move(*task), [answer](std::exception_ptr, std::optional<Answer> got) { answer->emplace(std::move(*got)); });
    });
    settle();
    return answer;
  }
  Answer send(Request made) {
    auto answer = start(std::move(made));
    EXPECT_TRUE(answer->has_value()) << "no answer";
    if (!answer->has_value()) return unexpected(Failure{Failure::Kind::closed, "no answer", "", std::nullopt});
    return std::move(**answer);
  }
  std::string open_session() {
    auto answer = send(request("POST", kInitialize));
    EXPECT_TRUE(answer && answer->status == 200);
    const std::string* id = answer ? answer->headers.find_single("Mcp-Session-Id") : nullptr;
    EXPECT_TRUE(id);
    return id ? *id : "";
  }
  // What is there of a body.
  std::string read(http::UpstreamResponse& response) {
    auto all = std::make_shared<std::string>();
    auto done = std::make_shared<bool>(false);
    while (true) {
      const auto before = all->size();
      auto task = response.body->next();
      auto ended = std::make_shared<std::optional<http::StreamEnd>>();
      *done = false;
      executor.post([task = std::make_shared<Task<PushedBody::Piece>>(std::move(task)), all, done, ended] {
        spawn(std::move(*task), [all, done, ended](std::exception_ptr, std::optional<PushedBody::Piece> piece) {
          *done = true;
          if (*piece) *all += **piece;
          else *ended = piece->error();
        });
      });
      settle();
      if (*ended) return *all + (**ended == http::StreamEnd::complete ? "[complete]" : "[broken]");
      if (!*done || all->size() == before) {
        response.body->cancel();   // it waits for more
        settle();
        return *all + "[open]";
      }
    }
  }
  // Lets all posted work run, and what that posts.
  void settle() {
    for (int round = 0; round < 20; ++round) {
      bool done = false;
      executor.post([&done] { done = true; });
      executor.run_until([&done] { return done; });
    }
  }
  static registry::Server notes() {
    registry::Server made;
    made.id = "notes";
    made.upstream.emplace().url = "http://127.0.0.1:9000/sse";
    made.upstream->transport = registry::UpstreamAddress::Transport::http_sse;
    return made;
  }

  static constexpr const char* kInitialize = R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}})";
  QueueExecutor executor;
  Executor::Scope scope;
  HandClock clock;
  OldServer old;
  registry::Server server = notes();
  std::string principal = "alice";
  std::unique_ptr<HttpSse> layer;
};

}  // namespace writ::upstreams::http_sse
