#pragma once

// Programs in memory, time that a test moves, and the objects around them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mcp/sse.h"
#include "mcp/streamable_http.h"
#include "upstreams/stdio/stdio_programs.h"

namespace writ::upstreams::stdio {

// A running program of a test. What it says arrives when the executor gets to it, as from another thread.
class FakeProgram final : public Program, public std::enable_shared_from_this<FakeProgram> {
 public:
  FakeProgram(QueueExecutor& executor, Launch launched, std::shared_ptr<Listener> listener) : launch(std::move(launched)), executor_(executor), listener_(std::move(listener)) {}
  bool write(std::string line) override {
    if (ended_ || is_full) return false;
    auto value = json::parse(line, {32 << 20, 64, 200'000});
    EXPECT_TRUE(value) << line;
    EXPECT_EQ(line.find('\n'), std::string::npos);
    got.push_back(*value);
    if (answer) executor_.post([self = shared_from_this(), message = *value] { if (!self->ended_ && self->answer) self->answer(*self, message); });
    return true;
  }
  void end() override {
    if (ended_ || was_asked_to_end) return;
    was_asked_to_end = true;
    executor_.post([self = shared_from_this()] { self->stop({true, "ended with exit status 0"}); });
  }
  void started() { listener_->on_started(); }
  void say(const json::Value& value) { if (listener_) listener_->on_line(json::write(value)); }
  void say_text(std::string line) { listener_->on_line(std::move(line)); }
  void lose(std::string beginning, std::string end) { listener_->on_lost_line(std::move(beginning), std::move(end)); }
  void stop(Listener::Ended how) {
    if (std::exchange(ended_, true)) return;
    std::exchange(listener_, nullptr)->on_ended(std::move(how));
  }
  void crash() { stop({true, "ended with exit status 7"}); }
  void result(const json::Value& to, json::Value value) { say(json::Value{{"jsonrpc", "2.0"}, {"id", *to.find("id")}, {"result", std::move(value)}}); }
  void error(const json::Value& to, int code) { say(json::Value{{"jsonrpc", "2.0"}, {"id", *to.find("id")}, {"error", json::Value{{"code", code}, {"message", "no"}}}}); }
  std::vector<json::Value> got_of(std::string_view method) const {
    std::vector<json::Value> found;
    for (const auto& message : got) {
      if (const auto* name = message.find_string("method"); name && *name == method) found.push_back(message);
    }
    return found;
  }

  Launch launch;
  std::function<void(FakeProgram&, const json::Value&)> answer;
  std::vector<json::Value> got;
  bool is_full = false, was_asked_to_end = false;

 private:
  QueueExecutor& executor_;
  std::shared_ptr<Listener> listener_;
  bool ended_ = false;
};

inline std::string method_of(const json::Value& message) { return message.find_string("method") ? *message.find_string("method") : ""; }

inline json::Value legacy_initialize_result() {
  return json::Value{{"protocolVersion", "2025-11-25"},
                     {"capabilities", json::Value{{"tools", json::Value{{"listChanged", true}}}, {"resources", json::Value{{"subscribe", true}}}, {"logging", json::Object{}}, {"tasks", json::Object{}}}},
                     {"serverInfo", json::Value{{"name", "fake"}, {"version", "1"}}}};
}
inline void legacy_program(FakeProgram& self, const json::Value& message) {
  const std::string method = method_of(message);
  if (method == "initialize") return self.result(message, legacy_initialize_result());
  if (!message.find("id") || method.empty()) return;
  if (method == "tools/list" || method.starts_with("resources/") || method == "ping") return self.result(message, json::Object{});
  if (method == "tools/call") return;   // a test answers
  self.error(message, mcp::code::kMethodNotFound);
}
inline void modern_program(FakeProgram& self, const json::Value& message) {
  const std::string method = method_of(message);
  if (method == "server/discover") return self.result(message, json::Value{{"resultType", "complete"}, {"supportedVersions", json::Array{"2026-07-28"}}, {"capabilities", json::Object{}}});
  if (method == "initialize") return self.error(message, mcp::code::kUnsupportedVersion);
  if (method == "tools/list") return self.result(message, json::Value{{"resultType", "complete"}, {"tools", json::Array{}}});
  if (method == "unknown/method") return self.error(message, mcp::code::kMethodNotFound);
}

class FakePrograms final : public Programs {
 public:
  explicit FakePrograms(QueueExecutor& executor) : executor_(executor) {}
  std::shared_ptr<Program> start(Launch launch, std::shared_ptr<Listener> listener) override {
    auto program = std::make_shared<FakeProgram>(executor_, std::move(launch), std::move(listener));
    program->answer = answer;
    all.push_back(program);
    executor_.post([this, program] {
      if (refuse.empty()) program->started();
      else program->stop({false, refuse});
    });
    return program;
  }
  FakeProgram& last() { return *all.back(); }

  std::function<void(FakeProgram&, const json::Value&)> answer = legacy_program;
  std::string refuse;
  std::vector<std::shared_ptr<FakeProgram>> all;

 private:
  QueueExecutor& executor_;
};

class StdioTest : public testing::Test {
 public:
  StdioTest() : scope(executor), objects(std::make_shared<registry::Snapshot>(registry::Objects{}, 0)), fakes(executor) {
    program.command = {"/usr/bin/tool"};
    settings.now = [this] { return now; };
    settings.log = [this](const std::string& sentence) { log.push_back(sentence); };
    set_objects();
  }
  ~StdioTest() override {
    stdio.reset();
    settle();
  }
  void set_objects(bool server_is_active = true, bool alice_is_active = true) {
    registry::Objects all;
    for (const char* id : {"usr_alice", "usr_bob", "usr_carol"}) {
      registry::User user;
      user.id = user.name = id;
      user.active = alice_is_active || user.id != "usr_alice";
      all.users.push_back(std::move(user));
    }
    registry::Agent agent;
    agent.id = "cursor";
    all.agents.push_back(std::move(agent));
    registry::Server server;
    server.id = "tools";
    server.active = server_is_active;
    server.resource = "https://writ.example/mcp/tools";
    registry::UpstreamAddress& upstream = server.upstream.emplace();
    upstream.transport = registry::UpstreamAddress::Transport::stdio;
    upstream.era = era;
    upstream.program = program;
    all.servers.push_back(std::move(server));
    objects.set(std::make_shared<const registry::Snapshot>(std::move(all), ++sequence));
  }
  StdioPrograms& layer() {
    if (!stdio) {
      set_objects();
      StdioParts parts{fakes, objects, [this](const std::string& file) -> Result<Secret, std::string> {
                         if (file == "missing") return unexpected(std::string("cannot open `missing`"));
                         return Secret("secret of " + file);
                       }};
      stdio = std::make_unique<StdioPrograms>(std::move(parts), settings);
    }
    return *stdio;
  }

  // A decided message as the gateway hands it on. `session` may be empty.
  Request request(const json::Value& body, const std::string& principal = "alice", const std::string& session = "", const std::string& http_method = "POST") {
    layer();
    Request made;
    made.snapshot = objects.get();
    made.server = made.snapshot->server("tools");
    made.user = made.snapshot->user("usr_" + principal);
    made.agent = made.snapshot->agent("cursor");
    Principal who;
    who.key = principal;
    made.principal = std::make_shared<const Principal>(std::move(who));
    made.http.method = http_method;
    if (!session.empty()) made.http.headers.add("Mcp-Session-Id", session);
    if (http_method != "POST") {
      made.stands = http_method == "GET";
      return made;
    }
    made.http.body = json::write(body);
    auto message = mcp::Message::parse(made.http.body, {32 << 20, 64, 200'000});
    if (!message) throw std::runtime_error("no message: " + made.http.body);
    made.message = std::make_shared<const mcp::Message>(std::move(*message));
    return made;
  }
  static json::Value call(const json::Value& id, json::Value params = json::Object{}, std::string_view method = "tools/call") {
    return json::Value{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}};
  }
  static json::Value modern(const json::Value& id, std::string_view method, json::Value params = json::Object{}) {
    json::Value meta = params.find("_meta") ? *params.find("_meta") : json::Value(json::Object{});
    meta.set(mcp::kMetaVersion, mcp::kModernVersion);
    meta.set(mcp::kMetaCapabilities, json::Object{});
    params.set("_meta", std::move(meta));
    return call(id, std::move(params), method);
  }
  static json::Value notification(std::string_view method, json::Value params = json::Object{}) {
    return json::Value{{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}};
  }

  struct Sending {
    std::optional<Result<http::UpstreamResponse, Failure>> answer;
    std::string text;                        // of the body, as far as it came
    std::optional<http::StreamEnd> end;
    std::unique_ptr<http::BodyStream> body;
    int status() const { return answer && *answer ? (*answer)->status : 0; }
    std::string session() const {
      const auto* id = answer && *answer ? (*answer)->headers.find_single("Mcp-Session-Id") : nullptr;
      return id ? *id : "";
    }
    const Failure* failure() const { return answer && !*answer ? &answer->error() : nullptr; }
    bool is_stream() const { return answer && *answer && mcp::is_event_stream((*answer)->headers); }
    json::Value json() const {
      auto value = json::parse(text, {32 << 20, 64, 200'000});
      return value ? *value : json::Value(text);
    }
    std::vector<json::Value> messages() const {
      std::vector<json::Value> found;
      mcp::SseParser parser(1 << 24);
      std::vector<mcp::Event> events;
      EXPECT_TRUE(parser.feed(text, events).has_value());
      for (const mcp::Event& event : events) found.push_back(*json::parse(event.data));
      return found;
    }
  };
  std::shared_ptr<Sending> send(Request made, bool reads = true) {
    auto sending = std::make_shared<Sending>();
    auto task = go(&layer(), std::move(made), sending, reads);
    spawn(std::move(task), [](std::exception_ptr exception) { if (exception) std::rethrow_exception(exception); });
    settle();
    return sending;
  }
  static Task<void> go(StdioPrograms* layer, Request made, std::shared_ptr<Sending> sending, bool reads) {
    auto answer = co_await layer->send(std::move(made));
    if (answer) sending->body = std::move(answer->body);
    const bool answered = answer.has_value();
    sending->answer.emplace(std::move(answer));
    while (answered && reads) {
      auto piece = co_await sending->body->next();
      if (!piece) {
        sending->end = piece.error();
        break;
      }
      sending->text += *piece;
    }
  }
  void settle() {
    for (int i = 0; i < 60; ++i) {
      bool done = false;
      executor.post([&] { done = true; });
      executor.run_until([&] { return done; });
    }
  }
  void advance(Milliseconds duration) {
    now += duration;
    layer().tick();
    settle();
  }
  static json::Value initialize_message(const json::Value& id = 1) {
    return call(id, json::Value{{"protocolVersion", "2025-11-25"}, {"capabilities", json::Value{{"sampling", json::Object{}}}}, {"clientInfo", json::Value{{"name", "client"}, {"version", "1"}}}}, "initialize");
  }
  std::string open_session(const std::string& principal = "alice") {
    const auto opened = send(request(initialize_message(), principal));
    EXPECT_EQ(opened->status(), 200) << (opened->failure() ? opened->failure()->detail : opened->text);
    EXPECT_NE(opened->session(), "");
    return opened->session();
  }

  QueueExecutor executor;
  Executor::Scope scope;
  registry::Current objects;
  std::uint64_t sequence = 0;
  FakePrograms fakes;
  registry::UpstreamProgram program;
  registry::UpstreamAddress::Era era = registry::UpstreamAddress::Era::detect;
  SteadyTime now = SteadyTime(std::chrono::hours(100));
  Settings settings;
  std::vector<std::string> log;
  std::unique_ptr<StdioPrograms> stdio;
};

}  // namespace writ::upstreams::stdio
