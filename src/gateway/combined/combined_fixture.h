#pragma once

// A combined server over scripted MCP servers, each in both eras, without sockets: `notes` and `wiki` answer, `dead` refuses connections, `slow` never ends its
// answer, `hidden` no grant opens.

#include <map>
#include <set>

#include "gateway/gateway_fixture.h"
#include "gateway/routes.h"

namespace writ::gateway::combined {

// One server behind the gateway.
struct FakeServer {
  std::vector<std::string> tools, prompts, resources;
  std::size_t page = 0;                           // elements of one page; 0: all
  std::string instructions;
  json::Value capabilities = json::Value{{"tools", json::Value{{"listChanged", true}}}, {"logging", json::Object{}}};
  bool has_sessions = true, has_stream = true;
  std::vector<json::Value> got;                   // messages
  std::vector<http::UpstreamRequest> requests;
  std::shared_ptr<ScriptedBody::State> stream;    // of the last GET or listen
  std::function<std::optional<json::Value>(const json::Value& message)> result;   // instead of the usual result
  std::vector<std::string> methods() const {
    std::vector<std::string> all;
    for (const auto& message : got) {
      if (const auto* method = message.find_string("method")) all.push_back(*method);
      else all.emplace_back("response");
    }
    return all;
  }
};

inline std::string data_event(const json::Value& message) { return "data: " + json::write(message) + "\n\n"; }

class CombinedTest : public GatewayTest {
 public:
  static constexpr const char* kAll = "https://writ.example/mcp";

  CombinedTest() {
    fakes["notes"].tools = {"search_notes", "add_note", "delete_note"};
    fakes["wiki"].tools = {"search_notes", "read_note"};
    for (const char* id : {"dead", "slow", "hidden"}) fakes[id].tools = {"echo"};
    for (const auto& [id, fake] : fakes) {
      for (const std::string& tool : fake.tools) approve(id, json::Value{{"name", tool}, {"description", "of " + id}});
    }
    objects_change = [](registry::Objects&) {};
    set_world({"notes", "wiki"});
    settings.member_deadline = Milliseconds{5'000};
    upstream.respond = [this](const http::UpstreamRequest& sent) { return respond(sent); };
  }

  void set_world(std::vector<std::string> members) {
    set_objects([&](registry::Objects& all) {
      registry::Server base = all.servers.front();
      for (const char* id : {"dead", "slow", "hidden"}) {
        base.id = id;
        base.resource = std::string("https://writ.example/mcp/") + id;
        base.scopes.clear();
        all.servers.push_back(base);
      }
      for (auto& server : all.servers) server.upstream->url = "http://127.0.0.1:9000/" + server.id;
      registry::Server combined;
      combined.id = "all";
      combined.display_name = "Everything";
      combined.resource = kAll;
      combined.resource_as = kRas;
      combined.members = members;
      all.servers.push_back(combined);
      objects_change(all);
    });
    set_usual_grants();
  }
  void set_usual_grants() {
    std::vector<policy::AccessGrant> grants;
    grants.push_back({"all", "eng", {false, {"cursor"}}, "all", {true, {}}, {true, {}}});
    grants.push_back({"notes", "eng", {false, {"cursor"}}, "notes", {true, {}}, {false, {"search_notes", "read_*", "add_note"}}});
    for (const char* id : {"wiki", "dead", "slow"}) grants.push_back({id, "eng", {false, {"cursor"}}, id, {true, {}}, {true, {}}});
    set_grants(std::move(grants));
  }

  // A message of the client's to the combined address.
  http::Request to_all(const std::string& method, const std::string& body) {
    http::Request made = request(method, body, bearer.empty() ? all_token() : bearer);
    made.path = "/mcp";
    if (!session.empty()) made.headers.add("Mcp-Session-Id", session);
    return made;
  }
  std::string all_token(const std::function<void(json::Value&)>& change = [](json::Value&) {}) const {
    return token([&](json::Value& claims) {
      claims.set("aud", kAll);
      claims.set("scope", "notes:notes:read wiki:notes:read");
      change(claims);
    });
  }
  http::Response say(const std::string& body) { return send(to_all("POST", body), ""); }
  http::Response say_modern(const std::string& method, json::Value params, const std::function<void(json::Value&)>& claims = [](json::Value&) {}) {
    http::Request made = modern(method, std::move(params));
    made.headers.set("Authorization", "Bearer " + all_token(claims));
    return send(made, "");
  }
  json::Value open() {
    http::Response opened = say(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"roots":{}},"clientInfo":{"name":"t","version":"1"}}})");
    EXPECT_EQ(opened.status, 200) << opened.body << last_reason();
    if (const auto* id = opened.headers.find_single("Mcp-Session-Id")) session = *id;
    return parsed(opened.body);
  }
  json::Value result_of(http::Response response) {
    const std::string text = read_all(response);
    const json::Value body = parsed(text);
    EXPECT_TRUE(body.find("result")) << response.status << " " << text;
    return body.find("result") ? *body.find("result") : json::Value();
  }
  static std::vector<std::string> names(const json::Value& result, const char* list = "tools", const char* member = "name") {
    std::vector<std::string> found;
    const auto* elements = result.find_array(list);
    EXPECT_TRUE(elements) << json::write(result);
    if (elements) {
      for (const json::Value& element : *elements) found.push_back(*element.find_string(member));
    }
    return found;
  }
  std::string list_text(const char* method, const std::string& cursor = "", const char* id = "7") const {
    json::Value params = json::Object{};
    if (!cursor.empty()) params.set("cursor", cursor);
    return R"({"jsonrpc":"2.0","id":)" + std::string(id) + R"(,"method":")" + method + R"(","params":)" + json::write(params) + "}";
  }

  HandUpstream::Answer respond(const http::UpstreamRequest& sent) {
    const std::string id = sent.url.substr(sent.url.rfind('/') + 1);
    FakeServer& fake = fakes[id];
    fake.requests.push_back(sent);
    if (id == "dead") return unexpected(http::UpstreamFailure{http::UpstreamFailure::Kind::connect, ""});
    const auto keep_stream = [&](http::UpstreamResponse answer) {
      fake.stream = upstream.body;
      return answer;
    };
    if (sent.method == "GET") {
      if (!fake.has_stream) return upstream.answer(405, {}, {});
      return keep_stream(upstream.events({}, std::nullopt));
    }
    if (sent.method == "DELETE") return upstream.answer(200, {}, {});
    const json::Value message = parsed(sent.body);
    fake.got.push_back(message);
    const auto* method = message.find_string("method");
    const json::Value* request_id = message.find("id");
    if (!method || !request_id) return upstream.answer(202, {}, {});
    if (id == "slow" && *method != "initialize" && *method != "server/discover") {
      return upstream.answer(200, {{"Content-Type", "application/json"}}, {}, std::nullopt);
    }
    if (*method == "subscriptions/listen") {
      json::Value meta = json::Object{};
      meta.set("io.modelcontextprotocol/subscriptionId", *request_id);
      json::Value params{{"_meta", std::move(meta)}, {"notifications", *message.find("params")->find("notifications")}};
      return keep_stream(upstream.events({data_event(json::Value{{"jsonrpc", "2.0"}, {"method", "notifications/subscriptions/acknowledged"}, {"params", std::move(params)}})}, std::nullopt));
    }
    std::optional<json::Value> result = fake.result ? fake.result(message) : std::nullopt;
    if (!result) result = usual(id, fake, *method, message);
    json::Value response{{"jsonrpc", "2.0"}, {"id", *request_id}};
    if (result->find("code")) response.set("error", *result);
    else response.set("result", *result);
    http::Headers more;
    if (*method == "initialize" && fake.has_sessions) more.add("Mcp-Session-Id", "upstream-" + id + "-" + std::to_string(++opened_sessions));
    return upstream.json(json::write(response), std::move(more));
  }
  json::Value usual(const std::string& id, const FakeServer& fake, const std::string& method, const json::Value& message) const {
    json::Value result = json::Object{};
    if (message.find("params") && message.find("params")->find("_meta")) result.set("resultType", "complete");
    const auto fill = [&](const char* list, const char* member, const std::vector<std::string>& all) {
      std::size_t from = 0;
      const json::Value* params = message.find("params");
      if (const auto* cursor = params ? params->find_string("cursor") : nullptr) from = static_cast<std::size_t>(std::stoul(cursor->substr(cursor->rfind('-') + 1)));
      const std::size_t to = fake.page ? std::min(all.size(), from + fake.page) : all.size();
      json::Array elements;
      for (std::size_t i = from; i < to; ++i) {
        json::Value element{{member, all[i]}};
        if (std::string_view(list) != "resources") element.set("description", "of " + id);
        elements.push_back(std::move(element));
      }
      result.set(list, std::move(elements));
      if (to < all.size()) result.set("nextCursor", id + "-" + std::to_string(to));
      result.set("ttlMs", 60'000);
      result.set("cacheScope", "public");
    };
    if (method == "initialize" || method == "server/discover") {
      result.set("protocolVersion", "2025-06-18");
      result.set("capabilities", fake.capabilities);
      if (!fake.instructions.empty()) result.set("instructions", fake.instructions);
    } else if (method == "tools/list") {
      fill("tools", "name", fake.tools);
    } else if (method == "prompts/list") {
      fill("prompts", "name", fake.prompts);
    } else if (method == "resources/list") {
      fill("resources", "uri", fake.resources);
    } else if (method == "tools/call") {
      result.set("content", json::Array{json::Value{{"type", "text"}, {"text", id + " did " + *message.find("params")->find_string("name")}}});
    } else {
      result.set("ok", true);
    }
    return result;
  }
  // While the next request is under way: the clock goes on, and what is due is ended.
  void pass_time_meanwhile(int seconds) {
    executor.post([this, seconds] {
      executor.post([this, seconds] {
        clock.seconds += seconds;
        gateway->check_streams(clock.now());
      });
    });
  }
  // What a standing stream has for the client now; it must have something.
  std::string next_of(http::Response& response) {
    auto piece = run(executor, response.stream->next());
    return piece ? *piece : piece.error() == http::StreamEnd::complete ? "END" : "BROKEN";
  }

  std::map<std::string, FakeServer> fakes;
  std::function<void(registry::Objects&)> objects_change;
  std::string session, bearer;
  int opened_sessions = 0;
};

}  // namespace writ::gateway::combined
