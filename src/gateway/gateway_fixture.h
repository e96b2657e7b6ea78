#pragma once

// A gateway with everything around it in memory: one RAS key, two users, two agents, two servers, a grants table, and an upstream that
// answers what a test tells it to. No sockets, a clock that stands still.

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "adapters/memory/decisions_log.h"
#include "adapters/memory/documents.h"
#include "gateway/gateway.h"
#include "mcp/streamable_http.h"
#include "policy/grants_table_fixture.h"
#include "registry/read.h"
#include "registry/stored_revocations.h"
#include "upstreams/credentials/credentials.h"
#include "upstreams/credentials/scripted_outgoing_fixture.h"
#include "upstreams/streamable_http.h"

namespace writ::gateway {

inline constexpr const char* kRas = "https://writ.example/ras";
inline constexpr const char* kForeignRas = "https://ras.other.example";
inline constexpr const char* kNotes = "https://writ.example/mcp/notes";
inline constexpr std::int64_t kNow = 1'800'000'000;

class HandClock final : public Clock {
 public:
  Instant now() const override { return from_unix_seconds(seconds); }
  std::int64_t seconds = kNow;
};

class HandKeys final : public IssuerKeys {
 public:
  Task<Result<std::shared_ptr<const jose::KeySet>, Unavailable>> find(std::string issuer, std::optional<std::string> kid, Instant) override {
    {
      const std::lock_guard lock(mutex_);   // some tests have many threads ask, for a token that is in the cache too
      if (kid) ++lookups;                   // of a token that was not in the cache
      asked_issuer = std::move(issuer);
    }
    if (!set) co_return unexpected(Unavailable{"keys"});
    co_return set;
  }
  std::shared_ptr<const jose::KeySet> set;
  std::string asked_issuer;
  int lookups = 0;

 private:
  std::mutex mutex_;
};

// Pieces that are there at once, then an end; or, without an end, a wait until a test pushes more or somebody cancels.
class ScriptedBody final : public http::BodyStream {
 public:
  struct State {
    std::deque<std::string> pieces;
    std::optional<http::StreamEnd> end;
    bool cancelled = false;
    int taken = 0;
    std::function<void(Result<std::string, http::StreamEnd>)> waiter;
    void push(std::string piece) {
      if (const auto resume = std::exchange(waiter, nullptr)) resume(std::move(piece));
      else pieces.push_back(std::move(piece));
    }
    void finish(http::StreamEnd how) {
      end = how;
      if (const auto resume = std::exchange(waiter, nullptr)) resume(unexpected(how));
    }
  };
  explicit ScriptedBody(std::shared_ptr<State> state) : state_(std::move(state)) {}
  Task<Result<std::string, http::StreamEnd>> next() override {
    ++state_->taken;
    if (!state_->pieces.empty()) {
      std::string piece = std::move(state_->pieces.front());
      state_->pieces.pop_front();
      co_return piece;
    }
    if (state_->end) co_return unexpected(*state_->end);
    const auto state = state_;
    auto begin = [raw = state.get()](std::function<void(Result<std::string, http::StreamEnd>)> resume) { raw->waiter = std::move(resume); };
    auto wait = suspend_until<Result<std::string, http::StreamEnd>>(begin);
    auto piece = co_await wait;
    co_return piece;
  }
  void cancel() override {
    const auto state = state_;
    state->cancelled = true;
    if (!state->end) state->finish(http::StreamEnd::broken);
  }

 private:
  std::shared_ptr<State> state_;
};

class HandUpstream final : public http::Upstream {
 public:
  using Answer = Result<http::UpstreamResponse, http::UpstreamFailure>;
  Task<Answer> send(http::UpstreamRequest request) override {
    requests.push_back(std::move(request));
    Answer answer = respond(requests.back());
    co_return answer;
  }
  std::vector<http::UpstreamRequest> requests;
  std::function<Answer(const http::UpstreamRequest&)> respond;
  std::shared_ptr<ScriptedBody::State> body = std::make_shared<ScriptedBody::State>();   // of the last answer made here

  http::UpstreamResponse answer(int status, http::Headers headers, std::vector<std::string> pieces, std::optional<http::StreamEnd> end = http::StreamEnd::complete) {
    body = std::make_shared<ScriptedBody::State>();
    body->pieces.assign(pieces.begin(), pieces.end());
    body->end = end;
    http::UpstreamResponse response;
    response.status = status;
    response.headers = std::move(headers);
    response.body = std::make_unique<ScriptedBody>(body);
    return response;
  }
  http::UpstreamResponse json(std::string text, http::Headers more = {}) {
    more.add("Content-Type", "application/json");
    return answer(200, std::move(more), {std::move(text)});
  }
  http::UpstreamResponse events(std::vector<std::string> pieces, std::optional<http::StreamEnd> end = http::StreamEnd::complete, http::Headers more = {}) {
    more.add("Content-Type", "text/event-stream");
    return answer(200, std::move(more), std::move(pieces), end);
  }
};

// What the gateway left for review; a test approves.
class HandReviews final : public DefinitionReviews {
 public:
  Task<Result<void, Unavailable>> keep(std::string server, std::vector<SeenDefinition> seen) override {
    ++batches;
    for (SeenDefinition& one : seen) {
      if (on_seen) on_seen(server, one);
      kept.push_back(std::move(one));
    }
    co_return Result<void, Unavailable>{};
  }
  int batches = 0;
  std::vector<SeenDefinition> kept;
  std::function<void(const std::string& server, const SeenDefinition&)> on_seen;
};

class GatewayTest : public testing::Test {
 public:
  GatewayTest() : executor_scope(executor), objects(nullptr) {
    settings.base = "https://writ.example/mcp";
    settings.why_url = "https://writ.example/why";
    settings.own_resource_as = kRas;
    settings.allowed_origins = {"https://inspector.example"};
    ras_key = std::make_unique<jose::SigningKey>(jose::SigningKey{"k1", crypto::Algorithm::es256, crypto::PrivateKey::generate(crypto::Algorithm::es256)});
    keys.set = std::make_shared<const jose::KeySet>(std::vector<jose::Jwk>{ras_key->public_jwk()});
    revocations = std::move(*registry::StoredRevocations::open(documents));
    approvals = std::move(*approvals::Requests::open(documents));
    for (const char* name : {"search_notes", "read_note", "add_note", "delete_note", "forget", "forget_everything", "echo", "x"}) {
      for (const char* server : {"notes", "wiki"}) approve(server, json::Value{{"name", name}});
    }
    set_objects([](registry::Objects&) {});
    set_grants({{"grants.yaml:1", "eng", {false, {"cursor"}}, "notes", {true, {}}, {false, {"search_notes", "read_*", "add_note", "echo"}}}});
    upstream.respond = [this](const http::UpstreamRequest& request) { return default_answer(request); };
    with_credential = credentials([](const std::string&) { return Secret("upstream-secret"); });
    Dependencies dependencies{settings, clock, objects, policy, *revocations, log, keys, *with_credential, approvals.get(), &tools, &reviews};
    gateway = std::make_unique<Gateway>(std::move(dependencies));
  }

  std::unique_ptr<upstreams::Credentials> credentials(upstreams::ReadSecret read_secret) {
    auto servers = std::make_shared<upstreams::AuthorizationServers>(authorization_servers, read_secret);
    auto core = std::make_shared<upstreams::Core>(std::move(servers), clock, *revocations);
    return std::make_unique<upstreams::Credentials>(direct, std::move(core), std::move(read_secret), nullptr);
  }

  void set_objects(const std::function<void(registry::Objects&)>& change) {
    registry::Objects all;
    registry::User alice;
    alice.id = "usr_alice", alice.name = "alice", alice.groups = {"eng"};
    alice.links = {{kForeignRas, "", "alice@other"}};
    registry::User bob;
    bob.id = "usr_bob", bob.name = "bob";
    all.users = {alice, bob};
    registry::Group eng;
    eng.id = "eng";
    all.groups = {eng};
    for (const char* id : {"cursor", "other"}) {
      registry::Agent agent;
      agent.id = id;
      registry::Registration registration;
      registration.client_id = std::string(id) + "-at-ras";
      agent.resource_as = {{kRas, registration}, {kForeignRas, registration}};
      all.agents.push_back(agent);
    }
    for (const char* id : {"notes", "wiki"}) {
      registry::Server server;
      server.id = id;
      server.resource = std::string("https://writ.example/mcp/") + id;
      server.resource_as = kRas;
      server.upstream.emplace().url = "http://127.0.0.1:9000/mcp";
      server.scopes = {{"notes:read", "", true, false, {}, {"search_notes", "read_*"}},
                       {"notes:write", "", false, false, {"notes:read"}, {"add_note", "delete_note"}},
                       {"notes:admin", "", false, true, {"notes:write"}, {"*_note"}}};
      all.servers.push_back(server);
    }
    change(all);
    current = std::move(all);
    publish();
  }
  void publish() {
    tools.set(policy::ToolCatalogue::of(definitions));
    objects.set(std::make_shared<const registry::Snapshot>(current, ++sequence, definitions));
  }
  // For the next publish().
  void approve(const std::string& server, json::Value definition, registry::ObjectKind kind = registry::ObjectKind::tool) {
    set_definition(kind, json::Value{{"id", kind == registry::ObjectKind::instructions ? server : server + "/" + *definition.find_string("name")}, {"definition", definition}});
  }
  void set_definition(registry::ObjectKind kind, const json::Value& document) {
    auto read = registry::read_stored_definition(kind, document);
    if (!read) throw std::runtime_error(registry::to_string(read.error()));
    definitions.set(std::make_shared<const registry::Definition>(std::move(*read)));
  }
  void set_grants(std::vector<policy::AccessGrant> grants) {
    policy.set(std::make_shared<const policy::GrantsTable>(std::move(grants), "v" + std::to_string(++versions)));
  }

  json::Value claims() const {
    return json::Value{{"iss", kRas},        {"sub", "usr_alice"}, {"client_id", "cursor-at-ras"}, {"aud", kNotes}, {"jti", "at-1"},
                       {"sid", "session-1"}, {"iat", kNow - 10},   {"exp", kNow + 300},            {"scope", "notes:read"}};
  }
  std::string token(const std::function<void(json::Value&)>& change = [](json::Value&) {}) const {
    json::Value all = claims();
    change(all);
    return jose::sign(*ras_key, "at+jwt", all);
  }

  http::Request request(std::string method, std::string body, std::string bearer) const {
    http::Request made;
    made.method = std::move(method);
    made.path = "/mcp/notes";
    made.host = "writ.example";
    made.peer.address = "192.0.2.7";
    made.headers = {{"Authorization", "Bearer " + bearer}, {"Accept", "application/json, text/event-stream"}};
    if (!body.empty()) made.headers.add("Content-Type", "application/json");
    made.body = std::move(body);
    return made;
  }
  http::Response send(const http::Request& made, std::string server = "notes") { return run(executor, gateway->handle(made, std::move(server))); }
  http::Response post(const std::string& body) { return send(request("POST", body, token())); }
  // A message of the modern era with its headers.
  http::Request modern(const std::string& method, json::Value params) const {
    json::Value meta = json::Object{};
    meta.set(mcp::kMetaVersion, mcp::kModernVersion);
    meta.set(mcp::kMetaCapabilities, json::Object{});
    params.set("_meta", std::move(meta));
    http::Request made = request("POST", "", token());
    made.headers.add("Content-Type", "application/json");
    made.headers.add("MCP-Protocol-Version", "2026-07-28");
    made.headers.add("Mcp-Method", method);
    const auto* name = params.find_string(method == "resources/read" ? "uri" : "name");
    if (name) made.headers.add("Mcp-Name", mcp::encode_header_value(*name));
    json::Value body{{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}};
    body.set("params", std::move(params));
    made.body = json::write(body);
    return made;
  }

  std::string read_all(http::Response& response) {
    std::string all = std::move(response.body);
    if (!response.stream) return all;
    while (true) {
      auto piece = run(executor, response.stream->next());
      if (!piece) break;
      all += *piece;
    }
    return all;
  }
  static json::Value parsed(const std::string& text) {
    auto value = json::parse(text);
    EXPECT_TRUE(value) << text;
    return value ? std::move(*value) : json::Value();
  }
  std::string last_reason() const { return log.records().empty() ? "" : log.records().back().reason; }
  std::vector<audit::Record> records(audit::Event event) const {
    std::vector<audit::Record> found;
    for (const auto& record : log.records()) {
      if (record.event == event) found.push_back(record);
    }
    return found;
  }
  // Echoes the request's id with an empty result.
  HandUpstream::Answer default_answer(const http::UpstreamRequest& sent) {
    if (sent.method != "POST") return upstream.events({}, http::StreamEnd::complete);
    const auto message = mcp::Message::parse(sent.body, {});
    if (!message || message->kind() != mcp::Message::Kind::request) return upstream.answer(202, {}, {});
    return upstream.json(json::write(mcp::result_response(*message->id(), json::Value{{"ok", true}})));
  }
  // Lets posted work run.
  void settle() {
    bool done = false;
    executor.post([&] { done = true; });
    executor.run_until([&] { return done; });
  }

  QueueExecutor executor;
  Executor::Scope executor_scope;
  HandClock clock;
  Settings settings;
  std::unique_ptr<jose::SigningKey> ras_key;
  HandKeys keys;
  memory::MemoryDocuments documents;
  std::unique_ptr<registry::StoredRevocations> revocations;
  std::unique_ptr<approvals::Requests> approvals;
  registry::Current objects;
  registry::Objects current;
  registry::Definitions definitions;
  policy::CurrentTools tools;
  HandReviews reviews;
  policy::Current policy;
  memory::MemoryDecisionsLog log;
  HandUpstream upstream;
  upstreams::StreamableHttp direct{upstream};
  upstreams::ScriptedOutgoing authorization_servers;
  std::unique_ptr<upstreams::Credentials> with_credential;
  std::unique_ptr<Gateway> gateway;
  std::uint64_t sequence = 0;
  int versions = 0;
};

inline std::string call_text(const std::string& tool, const std::string& arguments = "{}", const std::string& id = "1") {
  return R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":"tools/call","params":{"name":")" + tool + R"(","arguments":)" + arguments + "}}";
}

}  // namespace writ::gateway
