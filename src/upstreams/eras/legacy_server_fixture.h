#pragma once

// A server of the legacy era as the modern client's bridge meets it: sessions, a GET stream, calls that a test answers by hand.

#include <map>

#include "upstreams/eras/eras_fixture.h"
#include "upstreams/eras/modern_answer.h"

namespace writ::upstreams {

class ForModernClientTest : public ErasTest {
 public:
  using Got = ScriptedServer::Got;

  ForModernClientTest() {
    server.respond = [this](const Got& got) { return answer(got); };
  }

  // Everything that still waits ends, so that nothing is left behind.
  void TearDown() override {
    end_all(bridge);
    settle();
    time.advance(Seconds{3'600});
    settle();
  }
  void end_all(ForModernClient& some) {
    set_objects({});
    some.tidy(time.now());
  }

  Sent answer(const Got& got) {
    const std::string method = got.method(), session = got.header("Mcp-Session-Id");
    if (method == "initialize") {
      if (on_initialize) return on_initialize(got);
      http::Headers more;
      if (gives_ids) more.add("Mcp-Session-Id", "s" + std::to_string(++sessions));
      return ScriptedServer::result(got, initialized, more);
    }
    if (gives_ids && lost.contains(session)) return ScriptedServer::error({}, 404, -32001);
    if (got.request.http.method == "DELETE") return whole_response(200, {}, "");
    if (got.request.http.method == "GET") {
      if (got.header("Last-Event-ID").empty() && !has_push) return whole_response(405, {}, "");
      if (!got.header("Last-Event-ID").empty() && on_resume) return on_resume(got);
      return ScriptedServer::stream(push = std::make_shared<LiveBody::State>());
    }
    if (!got.body.find("id") || !got.body.find("method")) return whole_response(202, {}, "");
    const auto found = on.find(method);
    if (found != on.end()) return found->second(got);
    return ScriptedServer::result(got, json::Object{});
  }
  // Has calls of this method answered with a stream that the test writes.
  void stream_for(const std::string& method) {
    on[method] = [this](const Got& got) -> Sent {
      stream_id = got.id();
      return ScriptedServer::stream(stream = std::make_shared<LiveBody::State>());
    };
  }
  void say_result(json::Value result) {
    stream->message(json::Value{{"jsonrpc", "2.0"}, {"id", stream_id}, {"result", std::move(result)}});
    settle();
  }
  static json::Value server_request(const std::string& method, json::Value params, json::Value id = 900) {
    return json::Value{{"jsonrpc", "2.0"}, {"id", std::move(id)}, {"method", method}, {"params", std::move(params)}};
  }
  static json::Value elicitation(const std::string& message = "who?") { return json::Value{{"message", message}, {"requestedSchema", json::Value{{"type", "object"}}}}; }

  json::Value meta(json::Value more = json::Object{}) const {
    json::Value all = json::Object{};
    all.set(mcp::kMetaVersion, mcp::kModernVersion);
    all.set(mcp::kMetaCapabilities, capabilities);
    all.set("io.modelcontextprotocol/clientInfo", json::Value{{"name", "desk"}, {"version", "2"}});
    for (const json::Member& member : *more.as_object()) all.set(member.name, member.value);
    return all;
  }
  json::Value message(const std::string& method, json::Value params = json::Object{}, json::Value id = 1, json::Value more_meta = json::Object{}) const {
    params.set("_meta", meta(std::move(more_meta)));
    return json::Value{{"jsonrpc", "2.0"}, {"id", std::move(id)}, {"method", method}, {"params", std::move(params)}};
  }
  json::Value call(json::Value id = 1, json::Value more = json::Object{}, json::Value more_meta = json::Object{}) const {
    json::Value params{{"name", "ask"}, {"arguments", json::Value{{"a", 1}}}};
    for (const json::Member& member : *more.as_object()) params.set(member.name, member.value);
    return message("tools/call", std::move(params), std::move(id), std::move(more_meta));
  }
  std::shared_ptr<Sending> send(const json::Value& body, const std::string& principal = "alice") { return start_on(request(mcp::Era::modern, body, principal)); }
  std::shared_ptr<Sending> start_on(Request made) {
    auto sending = std::make_shared<Sending>();
    auto task = bridge.send(std::move(made));
    spawn(std::move(task), [sending](std::exception_ptr exception, std::optional<Sent> sent) {
      if (exception) std::rethrow_exception(exception);
      sending->answer = std::move(sent);
    });
    settle();
    return sending;
  }
  // The whole JSON answer.
  json::Value json_of(const std::shared_ptr<Sending>& sending) {
    if (!sending->answer || !*sending->answer) {
      ADD_FAILURE() << (sending->answer ? "failed: " + sending->answer->error().detail : "no answer");
      return {};
    }
    auto parsed = json::parse(read(**sending->answer)->text, kMessageLimits);
    EXPECT_TRUE(parsed);
    return parsed ? std::move(*parsed) : json::Value();
  }
  static const json::Value& at(const json::Value& value, std::string_view path) {
    static const json::Value none;
    const json::Value* found = &value;
    while (!path.empty() && found) {
      const std::size_t end = path.find('/');
      found = found->find(path.substr(0, end));
      path = end == std::string_view::npos ? "" : path.substr(end + 1);
    }
    return found ? *found : none;
  }
  static std::string text_at(const json::Value& value, std::string_view path) {
    const json::Value& found = at(value, path);
    return found.is_string() ? *found.as_string() : found.is_null() ? "" : json::write(found);
  }
  // What the server got with this method, or as answer to its requests ("").
  std::vector<json::Value> got(const std::string& method) const {
    std::vector<json::Value> found;
    for (const Got& one : server.seen) {
      if (one.body.is_object() && one.method() == method) found.push_back(one.body);
    }
    return found;
  }

  json::Value capabilities{{"elicitation", json::Value{{"form", json::Object{}}}}, {"sampling", json::Object{}}};
  json::Value initialized{{"protocolVersion", "2025-11-25"},
                          {"capabilities", json::Value{{"tools", json::Value{{"listChanged", true}}}, {"resources", json::Value{{"subscribe", true}, {"listChanged", true}}},
                                                       {"logging", json::Object{}}, {"tasks", json::Object{}}}},
                          {"serverInfo", json::Value{{"name", "old"}, {"version", "1"}}},
                          {"instructions", "be kind"}};
  bool gives_ids = true, has_push = true;
  int sessions = 0;
  std::map<std::string, bool> lost;
  std::map<std::string, std::function<Sent(const Got&)>> on;
  std::function<Sent(const Got&)> on_initialize, on_resume;
  std::shared_ptr<LiveBody::State> push, stream;
  json::Value stream_id;
  ForModernClient bridge{parts};
};

}  // namespace writ::upstreams
