// Bodies that are produced piece by piece, handlers that wait, and the end of the server.

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "adapters/net/server.h"
#include "adapters/net/raw_client_fixture.h"

namespace writ::net {
namespace {

using http::StreamEnd;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A stream that the test feeds from its own thread.
struct Feed {
  std::atomic<int> asked{0};
  std::atomic<int> cancelled{0};
  std::atomic<bool> destroyed{false};

  void push(std::string piece) { give([piece = std::move(piece)](Feed& feed) { feed.pieces.push_back(piece); }); }
  void finish(StreamEnd how) {
    give([how](Feed& feed) { feed.end = how; });
  }

  // The rest belongs to the loop.
  std::deque<std::string> pieces;
  std::optional<StreamEnd> end;
  std::function<void(bool)> waiting;
  void wake() {
    if (waiting) std::exchange(waiting, nullptr)(true);
  }

  std::mutex mutex;
  Executor* executor = nullptr;

 private:
  void give(std::function<void(Feed&)> change) {
    for (int i = 0; i < 2'000; ++i) {
      {
        const std::lock_guard lock(mutex);
        if (executor) return executor->post([this, change] { change(*this), wake(); });
      }
      std::this_thread::sleep_for(milliseconds(1));
    }
    FAIL() << "nobody asked for the stream";
  }
};

class FedStream final : public http::BodyStream {
 public:
  explicit FedStream(Feed& feed) : feed_(feed) {
    const std::lock_guard lock(feed.mutex);
    feed.executor = Executor::current();
  }
  ~FedStream() override { feed_.destroyed = true; }
  Task<Result<std::string, StreamEnd>> next() override {
    ++feed_.asked;
    while (feed_.pieces.empty() && !feed_.end) {
      auto wait = suspend_until<bool>([this](std::function<void(bool)> resume) { feed_.waiting = std::move(resume); });
      co_await wait;
    }
    if (feed_.pieces.empty()) co_return unexpected(*feed_.end);
    std::string piece = std::move(feed_.pieces.front());
    feed_.pieces.pop_front();
    co_return piece;
  }
  void cancel() override {
    ++feed_.cancelled;
    if (!feed_.end) feed_.end = StreamEnd::broken;
    feed_.pieces.clear();
    feed_.wake();
  }

 private:
  Feed& feed_;
};

// As much as is asked for, without end.
class EndlessStream final : public http::BodyStream {
 public:
  explicit EndlessStream(Feed& feed) : feed_(feed) {}
  ~EndlessStream() override { feed_.destroyed = true; }
  Task<Result<std::string, StreamEnd>> next() override {
    ++feed_.asked;
    if (feed_.cancelled > 0) co_return unexpected(StreamEnd::broken);
    co_return std::string(16 * 1024, 'x');
  }
  void cancel() override { ++feed_.cancelled; }

 private:
  Feed& feed_;
};

// Nothing, until it is cancelled.
class SilentStream final : public http::BodyStream {
 public:
  explicit SilentStream(std::atomic<int>& count) : count_(count) { ++count_; }
  ~SilentStream() override { --count_; }
  Task<Result<std::string, StreamEnd>> next() override {
    auto wait = suspend_until<bool>([this](std::function<void(bool)> resume) { waiting_ = std::move(resume); });
    co_await wait;
    co_return unexpected(StreamEnd::broken);
  }
  void cancel() override {
    if (waiting_) std::exchange(waiting_, nullptr)(true);
  }

 private:
  std::atomic<int>& count_;
  std::function<void(bool)> waiting_;
};

http::Response event_stream(std::unique_ptr<http::BodyStream> stream) {
  http::Response response;
  response.headers = {{"Content-Type", "text/event-stream"}};
  response.stream = std::move(stream);
  return response;
}

// What takes an answer back, from the test's thread.
struct Withdrawal {
  std::shared_ptr<http::Cancellation> made(std::mutex& mutex) {
    const std::lock_guard lock(mutex);
    executor = Executor::current();
    return cancellation = std::make_shared<http::Cancellation>();
  }
  void request(std::mutex& mutex) {
    const std::lock_guard lock(mutex);
    executor->post([withdrawn = cancellation] { withdrawn->request(); });
  }
  Executor* executor = nullptr;
  std::shared_ptr<http::Cancellation> cancellation;
};

struct Scene {
  Feed feed;
  std::mutex mutex;
  Withdrawal withdrawal;
  std::atomic<int> gone{0};
  std::atomic<int> waiting{0};
  std::atomic<int> silent{0};
};

Task<http::Response> handle(Scene* scene, const http::Request& request) {
  if (request.path == "/events") co_return event_stream(std::make_unique<FedStream>(scene->feed));
  if (request.path == "/silent") co_return event_stream(std::make_unique<SilentStream>(scene->silent));
  if (request.path == "/endless") co_return event_stream(std::make_unique<EndlessStream>(scene->feed));
  if (request.path == "/file") {
    http::Response response = event_stream(std::make_unique<FedStream>(scene->feed));
    response.headers.set("Content-Type", "application/json");
    co_return response;
  }
  if (request.path == "/large" || request.path == "/endless-until-withdrawn") {
    http::Response response = request.path == "/large" ? http::text(200, std::string(64 << 20, 'x')) : event_stream(std::make_unique<EndlessStream>(scene->feed));
    response.withdrawn = scene->withdrawal.made(scene->mutex);
    ++scene->waiting;
    co_return response;
  }
  if (request.path == "/events-until-withdrawn") {
    http::Response response = event_stream(std::make_unique<FedStream>(scene->feed));
    response.withdrawn = scene->withdrawal.made(scene->mutex);
    ++scene->waiting;
    co_return response;
  }
  if (request.path == "/throws") throw std::runtime_error("a bug");
  if (request.path == "/throws-other") throw 1;
  if (request.path == "/splits") co_return http::Response{200, {{"X", "a\r\nSet-Cookie: b"}}, "", nullptr};
  if (request.path == "/waits") {   // until the client has gone
    ++scene->waiting;
    auto wait = suspend_until<bool>([&](std::function<void(bool)> resume) {
      request.client_gone->on_request([&, resume] { ++scene->gone, resume(true); });
    });
    co_await wait;
    co_return http::text(200, "too late");
  }
  if (request.path == "/posted") {   // completes on the loop a little later
    ++scene->waiting;
    Executor* executor = Executor::current();
    auto wait = suspend_until<bool>([&](std::function<void(bool)> resume) {
      std::thread([executor, resume] {
        std::this_thread::sleep_for(milliseconds(300));
        executor->post([resume] { resume(true); });
      }).detach();
    });
    co_await wait;
    co_return http::text(200, "later");
  }
  co_return http::text(200, "plain");
}

struct Serving {
  Scene scene;
  EventLoops loops{2};
  std::mutex mutex;
  std::vector<std::string> log;
  std::unique_ptr<Server> server;
  std::uint16_t port = 0;

  explicit Serving(ServerLimits limits = {}) {
    server = std::make_unique<Server>(loops, ServerOptions{limits, [this](std::string_view line) {
                                                             const std::lock_guard lock(mutex);
                                                             log.emplace_back(line);
                                                           }});
    Listener listener;
    listener.hosts = {"h"};
    listener.handler = [this](const http::Request& request) { return handle(&scene, request); };
    port = server->listen(std::move(listener)).value_or(std::uint16_t{0});
  }
  std::vector<std::string> logged() {
    const std::lock_guard lock(mutex);
    return log;
  }
};

std::string get(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n"; }

template <class Condition>
bool becomes_true(Condition condition, milliseconds limit = milliseconds(5'000)) {
  const auto until = steady_clock::now() + limit;
  while (!condition() && steady_clock::now() < until) std::this_thread::sleep_for(milliseconds(2));
  return condition();
}

TEST(Streams, are_relayed_piece_by_piece_at_once) {
  Serving serving;
  RawClient client(serving.port);
  client.send(get("/events"));
  const std::string head = client.receive_until("\r\n\r\n");   // before there is any piece
  EXPECT_NE(head.find("Transfer-Encoding: chunked\r\n"), std::string::npos) << head;
  for (const std::string& event : {std::string("data: 1\n\n"), std::string("data: 22\n\n"), std::string("data: 333\n\n")}) {
    serving.scene.feed.push(event);
    std::array<char, 8> size{};
    std::snprintf(size.data(), size.size(), "%zx\r\n", event.size());
    EXPECT_EQ(client.receive_until(event + "\r\n"), size.data() + event + "\r\n");
  }
  serving.scene.feed.finish(StreamEnd::complete);
  EXPECT_EQ(client.receive_until("0\r\n\r\n"), "0\r\n\r\n");
  client.send(get("/plain"));   // the connection lives on
  EXPECT_EQ(status_of(client.receive_response()), 200);
  EXPECT_EQ(serving.scene.feed.cancelled, 0);
}

// G14: a reader that takes its time does not get the rest of what it may no longer have.
TEST(Withdrawal, breaks_off_what_is_being_written) {
  for (const char* path : {"/large", "/endless-until-withdrawn"}) {
    Serving serving;
    RawClient client(serving.port);
    client.send(get(path));
    ASSERT_TRUE(becomes_true([&] { return serving.scene.waiting > 0; })) << path;
    std::this_thread::sleep_for(milliseconds(100));
    EXPECT_EQ(serving.server->connections(), 1U) << path;
    serving.scene.withdrawal.request(serving.scene.mutex);
    EXPECT_TRUE(becomes_true([&] { return serving.server->connections() == 0; })) << path;
    bool closed = false;
    const std::string all = client.receive_all(milliseconds(5'000), &closed);
    EXPECT_TRUE(closed) << path;
    EXPECT_LT(all.size(), std::size_t{32} << 20) << path;   // what was on its way
    EXPECT_FALSE(all.ends_with("0\r\n\r\n")) << path;
  }
}

TEST(Withdrawal, lets_a_stream_that_waits_say_its_last) {
  Serving serving;
  RawClient client(serving.port);
  client.send(get("/events-until-withdrawn"));
  serving.scene.feed.push("data: 1\n\n");
  EXPECT_NE(client.receive_until("data: 1\n\n"), "");
  serving.scene.withdrawal.request(serving.scene.mutex);
  serving.scene.feed.push("data: no longer\n\n");
  serving.scene.feed.finish(StreamEnd::complete);
  EXPECT_NE(client.receive_until("data: no longer\n\n\r\n0\r\n\r\n"), "");
  client.send(get("/plain"));   // of another answer nothing was taken back
  EXPECT_EQ(status_of(client.receive_response()), 200);
}

TEST(Streams, that_break_look_broken) {
  Serving serving;
  RawClient client(serving.port);
  client.send(get("/events"));
  serving.scene.feed.push("data: 1\n\n");
  serving.scene.feed.finish(StreamEnd::broken);
  bool closed = false;
  const std::string all = client.receive_all(milliseconds(5'000), &closed);
  EXPECT_TRUE(closed);
  EXPECT_EQ(all.find("0\r\n\r\n"), std::string::npos);
}

TEST(Streams, end_with_the_connection_in_http_1_0) {
  Serving serving;
  RawClient client(serving.port);
  client.send("GET /events HTTP/1.0\r\nHost: h\r\n\r\n");
  serving.scene.feed.push("data: 1\n\n");
  serving.scene.feed.finish(StreamEnd::complete);
  const std::string all = client.receive_all();
  EXPECT_EQ(all.find("chunked"), std::string::npos);
  EXPECT_TRUE(all.ends_with("\r\n\r\ndata: 1\n\n")) << all;
}

TEST(Streams, are_cancelled_when_head_asked_for_none) {
  Serving serving;
  RawClient client(serving.port);
  client.send("HEAD /events HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(status_of(client.receive_until("\r\n\r\n")), 200);
  EXPECT_TRUE(becomes_true([&] { return serving.scene.feed.destroyed.load(); }));
  EXPECT_EQ(serving.scene.feed.cancelled, 1);
  client.send(get("/plain"));
  EXPECT_EQ(status_of(client.receive_response()), 200);
}

TEST(Streams, notice_within_a_second_that_the_client_has_gone) {
  for (const bool after_a_piece : {false, true}) {
    Serving serving;
    RawClient client(serving.port);
    client.send(get("/events"));
    ASSERT_EQ(status_of(client.receive_until("\r\n\r\n")), 200);
    if (after_a_piece) {
      serving.scene.feed.push("data: 1\n\n");
      client.receive_until("data: 1\n\n\r\n");
      client.send(get("/next"));   // bytes in between do not hide the end
    }
    ASSERT_TRUE(becomes_true([&] { return serving.scene.feed.asked > (after_a_piece ? 1 : 0); }));
    const auto start = steady_clock::now();
    client.close();
    EXPECT_TRUE(becomes_true([&] { return serving.scene.feed.destroyed.load(); }));
    EXPECT_EQ(serving.scene.feed.cancelled, 1);
    EXPECT_LT(steady_clock::now() - start, milliseconds(1'000));
  }
}

TEST(Streams, are_asked_only_for_what_the_client_takes) {   // G16
  Serving serving;
  RawClient client(serving.port);
  client.send(get("/endless"));
  ASSERT_EQ(status_of(client.receive_until("\r\n\r\n")), 200);
  ASSERT_TRUE(becomes_true([&] { return serving.scene.feed.asked > 2; }));
  int before = -1;
  ASSERT_TRUE(becomes_true([&] {   // it comes to a standstill when the system's buffers are full
    const int now = serving.scene.feed.asked;
    std::this_thread::sleep_for(milliseconds(100));
    return now == std::exchange(before, now);
  }));
  EXPECT_LT(serving.scene.feed.asked * 16 * 1024, 32 * 1024 * 1024);
  RawClient honest(serving.port);
  honest.send(get("/plain"));
  EXPECT_EQ(status_of(honest.receive_response(milliseconds(2'000))), 200);
  for (int i = 0; i < 100; ++i) client.receive_some();
  EXPECT_TRUE(becomes_true([&] { return serving.scene.feed.asked > before; }));   // and goes on
}

TEST(Streams, may_be_idle_in_their_thousands) {   // G16
  constexpr int kStreams = 2'000;
  ServerLimits limits;
  limits.connections_per_source_max = kStreams + 10;
  Serving serving(limits);
  {
    std::vector<RawClient> idle;
    for (int i = 0; i < kStreams; ++i) {
      idle.emplace_back(serving.port);
      ASSERT_TRUE(idle.back().send(get("/silent")));
    }
    ASSERT_TRUE(becomes_true([&] { return serving.scene.silent == kStreams; }, milliseconds(20'000)));
    RawClient honest(serving.port);
    honest.send(get("/plain"));
    EXPECT_EQ(status_of(honest.receive_response(milliseconds(2'000))), 200);
  }
  EXPECT_TRUE(becomes_true([&] { return serving.server->connections() == 0 && serving.scene.silent == 0; }, milliseconds(20'000)));
}

TEST(Streams, to_stuck_readers_are_reaped) {
  ServerLimits limits;
  limits.write_deadline = milliseconds(300);
  Serving serving(limits);
  RawClient client(serving.port);
  client.send(get("/endless"));
  EXPECT_TRUE(becomes_true([&] { return serving.scene.feed.destroyed.load(); }));
  EXPECT_EQ(serving.scene.feed.cancelled, 1);
}

TEST(Handlers, that_throw_become_500_and_one_line) {
  for (const auto& [path, line] : {std::pair<std::string, std::string>{"/throws", "a request handler failed: a bug"},
                                   {"/throws-other", "a request handler failed: unknown exception"},
                                   {"/splits", "a request handler answered with a malformed status or header field"}}) {
    Serving serving;
    RawClient client(serving.port);
    client.send(get(path) + get("/plain"));
    const std::string all = client.receive_all();
    EXPECT_EQ(status_of(all), 500);
    EXPECT_EQ(all.find("a bug"), std::string::npos);
    EXPECT_EQ(all.find("Set-Cookie"), std::string::npos);
    EXPECT_EQ(all.find("HTTP/1.1", 1), std::string::npos) << "the connection was used again";
    EXPECT_EQ(serving.logged(), std::vector<std::string>{line});
  }
}

TEST(Handlers, learn_that_the_client_has_gone) {
  Serving serving;
  RawClient client(serving.port);
  client.send(get("/waits"));
  ASSERT_TRUE(becomes_true([&] { return serving.scene.waiting == 1; }));
  client.close();
  EXPECT_TRUE(becomes_true([&] { return serving.scene.gone == 1; }, milliseconds(1'000)));
  EXPECT_TRUE(becomes_true([&] { return serving.server->connections() == 0; }));
}

TEST(Drain, lets_requests_finish_and_closes_idle_connections) {
  Serving serving;
  RawClient idle(serving.port);
  idle.send(get("/plain"));
  ASSERT_EQ(status_of(idle.receive_response()), 200);
  RawClient busy(serving.port);
  busy.send(get("/posted"));
  ASSERT_TRUE(becomes_true([&] { return serving.scene.waiting == 1; }));
  std::thread draining([&] { serving.server->drain(milliseconds(10'000)); });
  const std::string answer = busy.receive_all(milliseconds(5'000));
  EXPECT_TRUE(answer.ends_with("later")) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  bool idle_closed = false;
  EXPECT_EQ(idle.receive_all(milliseconds(5'000), &idle_closed), "");
  EXPECT_TRUE(idle_closed);
  busy.close();
  draining.join();
  EXPECT_FALSE(RawClient(serving.port).is_connected());
  EXPECT_EQ(serving.server->connections(), 0U);
}

TEST(Drain, ends_event_streams_whole_and_other_streams_broken) {
  ServerLimits limits;
  limits.stream_drain_deadline = milliseconds(100);
  for (const bool is_events : {true, false}) {
    Serving serving(limits);
    RawClient client(serving.port);
    client.send(get(is_events ? "/events" : "/file"));
    ASSERT_EQ(status_of(client.receive_until("\r\n\r\n")), 200);
    const auto start = steady_clock::now();
    std::thread draining([&] { serving.server->drain(milliseconds(20'000)); });
    const std::string rest = client.receive_all(milliseconds(10'000));
    client.close();
    draining.join();
    EXPECT_EQ(rest, is_events ? "0\r\n\r\n" : "");
    EXPECT_LT(steady_clock::now() - start, milliseconds(5'000));
    EXPECT_EQ(serving.scene.feed.cancelled, 1);
  }
}

TEST(Drain, breaks_off_what_does_not_end_by_its_deadline) {
  Serving serving;
  RawClient client(serving.port);
  client.send(get("/waits"));
  ASSERT_TRUE(becomes_true([&] { return serving.scene.waiting == 1; }));
  const auto start = steady_clock::now();
  serving.server->drain(milliseconds(200));
  EXPECT_GE(steady_clock::now() - start, milliseconds(200));
  EXPECT_LT(steady_clock::now() - start, milliseconds(3'000));
  EXPECT_EQ(serving.scene.gone, 1);
  EXPECT_EQ(serving.server->connections(), 0U);
}

}  // namespace
}  // namespace writ::net
