#pragma once

// A server without sockets that answers what a test tells it to, time that a test moves, and the objects around them.

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mcp/sse.h"
#include "mcp/streamable_http.h"
#include "upstreams/eras/era_bridge.h"
#include "upstreams/eras/whole_body.h"

namespace writ::upstreams {

// Time stands still until a test moves it; whoever pauses goes on then.
class HandTime final : public Clock {
 public:
  ~HandTime() override { advance(Seconds{1'000'000}); }
  Instant now() const override { return now_; }
  Task<void> pause(Milliseconds duration) {
    auto begin = [this, until = now_ + duration](std::function<void(bool)> resume) { sleepers_.push_back({until, std::move(resume)}); };
    auto waiting = suspend_until<bool>(begin);
    co_await waiting;
  }
  void advance(Milliseconds duration) {
    now_ += duration;
    for (bool found = true; found;) {
      found = false;
      for (auto sleeper = sleepers_.begin(); sleeper != sleepers_.end(); ++sleeper) {
        if (sleeper->until > now_) continue;
        const auto resume = std::move(sleeper->resume);
        sleepers_.erase(sleeper);
        resume(true);
        found = true;
        break;
      }
    }
  }
  std::size_t sleepers() const { return sleepers_.size(); }

 private:
  struct Sleeper {
    Instant until;
    std::function<void(bool)> resume;
  };
  Instant now_ = from_unix_seconds(1'800'000'000);
  std::vector<Sleeper> sleepers_;
};

// A body that a test writes while it is read.
class LiveBody final : public http::BodyStream {
 public:
  struct State {
    std::string unread;
    std::optional<http::StreamEnd> end;
    bool cancelled = false;
    std::function<void(Result<std::string, http::StreamEnd>)> waiter;
    void write(const std::string& piece) {
      unread += piece;
      wake();
    }
    void message(const json::Value& value, std::optional<std::string> id = std::nullopt) {
      mcp::Event event;
      event.id = std::move(id);
      event.data = json::write(value);
      event.has_data = true;
      std::string text;
      mcp::append_event(text, event);
      write(text);
    }
    void finish(http::StreamEnd how = http::StreamEnd::complete) {
      if (!end) end = how;
      wake();
    }
    void wake() {
      if (!waiter || (unread.empty() && !end)) return;
      auto resume = std::exchange(waiter, nullptr);
      if (!unread.empty()) resume(std::exchange(unread, {}));
      else resume(unexpected(*end));
    }
  };
  explicit LiveBody(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~LiveBody() override { state_->cancelled = true; }
  Task<Result<std::string, http::StreamEnd>> next() override {
    auto begin = [state = state_](std::function<void(Result<std::string, http::StreamEnd>)> resume) {
      state->waiter = std::move(resume);
      state->wake();
    };
    auto waiting = suspend_until<Result<std::string, http::StreamEnd>>(begin);
    auto piece = co_await waiting;
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

using Sent = Result<http::UpstreamResponse, Failure>;

class ScriptedServer final : public Upstream {
 public:
  struct Got {
    Request request;
    json::Value body;   // null for GET and DELETE
    std::string method() const { return body.find_string("method") ? *body.find_string("method") : ""; }
    json::Value id() const { return body.find("id") ? *body.find("id") : json::Value(); }
    std::string header(std::string_view name) const { return request.http.headers.find_single(name) ? *request.http.headers.find_single(name) : ""; }
  };
  Task<Sent> send(Request request) override {
    Got got;
    if (!request.http.body.empty()) {
      auto body = json::parse(request.http.body, kMessageLimits);
      if (body) got.body = std::move(*body);
    }
    got.request = std::move(request);
    got.request.http.cancellation = nullptr;
    seen.push_back(got);
    Sent answer = respond(got);
    co_return answer;
  }
  std::function<Sent(const Got&)> respond;
  std::vector<Got> seen;

  static http::UpstreamResponse result(const Got& got, json::Value value, http::Headers more = {}) {
    http::UpstreamResponse response = json_response(200, json::write(json::Value{{"jsonrpc", "2.0"}, {"id", got.id()}, {"result", std::move(value)}}));
    for (const auto& [name, text] : more.fields()) response.headers.add(name, text);
    return response;
  }
  static http::UpstreamResponse error(const Got& got, int status, int code, json::Value data = nullptr) {
    json::Value failed{{"code", code}, {"message", "no"}};
    if (!data.is_null()) failed.set("data", std::move(data));
    return json_response(status, json::write(json::Value{{"jsonrpc", "2.0"}, {"id", got.id()}, {"error", std::move(failed)}}));
  }
  static http::UpstreamResponse stream(std::shared_ptr<LiveBody::State> state) {
    http::UpstreamResponse response;
    response.status = 200;
    response.headers = {{"Content-Type", "text/event-stream"}};
    response.body = std::make_unique<LiveBody>(std::move(state));
    return response;
  }
  int count(std::string_view method) const {
    return static_cast<int>(std::count_if(seen.begin(), seen.end(), [&](const Got& got) { return got.method() == method || got.request.http.method == method; }));
  }
};

class ErasTest : public testing::Test {
 public:
  ErasTest() : scope(executor), objects(nullptr) {
    registry::Objects all;
    for (const char* id : {"usr_alice", "usr_bob"}) {
      registry::User user;
      user.id = user.name = id;
      all.users.push_back(std::move(user));
    }
    registry::Agent agent;
    agent.id = "cursor";
    all.agents.push_back(std::move(agent));
    registry::Server notes;
    notes.id = "notes";
    notes.resource = "https://writ.example/mcp/notes";
    notes.upstream.emplace().url = "http://127.0.0.1:9000/mcp";
    all.servers.push_back(std::move(notes));
    set_objects(std::move(all));
  }
  void set_objects(registry::Objects all) {
    current = std::move(all);
    objects.set(std::make_shared<const registry::Snapshot>(current, ++sequence));
  }

  // A decided message as the gateway hands it on.
  Request request(mcp::Era era, const json::Value& body, const std::string& principal = "alice", const std::string& http_method = "POST") {
    Request made;
    made.snapshot = objects.get();
    made.server = made.snapshot->server("notes");
    made.user = made.snapshot->user("usr_" + principal);
    made.agent = made.snapshot->agent("cursor");
    Principal who;
    who.key = principal;
    made.principal = std::make_shared<const Principal>(std::move(who));
    made.era = era;
    made.http.method = http_method;
    made.http.headers.add("Accept", "application/json, text/event-stream");
    if (http_method != "POST") return made;
    made.http.headers.add("Content-Type", "application/json");
    made.http.body = json::write(body);
    auto message = mcp::Message::parse(made.http.body, kMessageLimits);
    if (!message) throw std::runtime_error("no message: " + made.http.body);
    made.message = std::make_shared<const mcp::Message>(std::move(*message));
    return made;
  }
  // Starts and runs until nothing more happens by itself.
  struct Sending {
    std::optional<Sent> answer;
  };
  std::shared_ptr<Sending> start(Upstream& upstream, Request made) {
    auto sending = std::make_shared<Sending>();
    auto task = upstream.send(std::move(made));
    spawn(std::move(task), [sending](std::exception_ptr exception, std::optional<Sent> answer) {
      if (exception) std::rethrow_exception(exception);
      sending->answer = std::move(answer);
    });
    settle();
    return sending;
  }
  void settle() {
    for (int i = 0; i < 50; ++i) {
      bool done = false;
      executor.post([&] { done = true; });
      executor.run_until([&] { return done; });
    }
  }
  // What of a stream is there by now.
  struct Reading {
    std::string text;
    std::optional<http::StreamEnd> end;
    std::unique_ptr<http::BodyStream> body;
    std::vector<json::Value> messages() const {
      std::vector<json::Value> found;
      mcp::SseParser parser(1 << 24);
      std::vector<mcp::Event> events;
      EXPECT_TRUE(parser.feed(text, events).has_value());
      for (const mcp::Event& event : events) {
        if (!event.has_data) continue;
        auto value = json::parse(event.data, kMessageLimits);
        EXPECT_TRUE(value.has_value()) << event.data;
        if (value) found.push_back(std::move(*value));
      }
      return found;
    }
  };
  std::shared_ptr<Reading> read(http::UpstreamResponse& response) {
    auto reading = std::make_shared<Reading>();
    reading->body = std::move(response.body);
    auto task = read_on(reading);
    spawn(std::move(task), [](std::exception_ptr) {});
    settle();
    return reading;
  }
  static Task<void> read_on(std::shared_ptr<Reading> reading) {
    while (true) {
      auto piece = co_await reading->body->next();
      if (!piece) {
        reading->end = piece.error();
        co_return;
      }
      reading->text += *piece;
    }
  }

  QueueExecutor executor;
  Executor::Scope scope;
  registry::Objects current;
  registry::Current objects;
  std::uint64_t sequence = 0;
  HandTime time;
  ScriptedServer server;
  EraParts parts{server, objects, time, [this](Milliseconds duration) { return time.pause(duration); }};
};

}  // namespace writ::upstreams
