// Two nodes of one deployment, and what clients carry from one to the other (rules §7.3), without sockets.
#include "gateway/gateway_fixture.h"
#include "gateway/handing_on.h"
#include "gateway/node_forwarding.h"
#include "gateway/routes.h"
#include "upstreams/eras/request_state.h"

namespace writ::gateway {
namespace {

// The way between two nodes: what mutual TLS would have proved is there.
class Between final : public http::Upstream {
 public:
  using Answer = Result<http::UpstreamResponse, http::UpstreamFailure>;
  Task<Answer> send(http::UpstreamRequest sent) override {
    requests.push_back(sent);
    if (failure) co_return unexpected(http::UpstreamFailure{*failure, ""});
    http::Request request;
    request.method = sent.method;
    const auto path = sent.url.find('/', sizeof "https://" - 1);
    request.path = sent.url.substr(path);
    request.headers = sent.headers;
    request.body = sent.body;
    request.peer.address = "10.0.0.1";
    request.peer.certificate = certificate;
    http::Response response = co_await handler(request);
    auto state = std::make_shared<ScriptedBody::State>();
    if (!response.body.empty()) state->pieces.push_back(response.body);
    state->end = http::StreamEnd::complete;
    http::UpstreamResponse answer;
    answer.status = response.status;
    answer.headers = std::move(response.headers);
    answer.body = response.stream ? std::move(response.stream) : std::make_unique<ScriptedBody>(state);
    co_return answer;
  }
  http::Handler handler;
  std::vector<http::UpstreamRequest> requests;
  std::optional<http::UpstreamFailure::Kind> failure;
  std::shared_ptr<const crypto::ClientCertificate> certificate = [] {
    crypto::ClientCertificate node;
    node.trusted = true;
    return std::make_shared<const crypto::ClientCertificate>(node);
  }();
};

// The fixture's `gateway` is node 1; node 2 has all but its memory in common with it.
class TwoNodes : public GatewayTest {
 public:
  TwoNodes() {
    const Secret key(std::string(32, 'k'));
    gateway = node(1, key, forwarding);
    second = node(2, key, no_others);
    router = routes(*second, settings);
    first_router = routes(*gateway, settings);
    between.handler = for_other_nodes([this](const http::Request& request) { return router.handle(request); }, [this](const crypto::ClientCertificate&) { return answer_is_node(); });
    upstream.respond = [this](const http::UpstreamRequest& sent) -> HandUpstream::Answer {
      if (sent.method == "GET") return upstream.events({"data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":\"d\"}}\n\n"});
      if (sent.body.find("\"initialize\"") != std::string::npos) {
        return upstream.json(R"({"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"n","version":"1"}}})", {{"Mcp-Session-Id", "upstream-session"}});
      }
      return default_answer(sent);
    };
  }

  std::unique_ptr<Gateway> node(std::uint32_t number, const Secret& key, OtherNodes& others) {
    Dependencies dependencies{settings, clock, objects, policy, *revocations, log, keys, *with_credential, approvals.get(), &tools, &reviews};
    dependencies.handles = std::make_shared<const crypto::Handles>(crypto::SealingKey(key), number);
    dependencies.other_nodes = &others;
    return std::make_unique<Gateway>(std::move(dependencies));
  }
  std::string open_on_second() {
    const http::Response opened = run(executor, second->handle(request("POST", R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{}}})", token()), "notes"));
    EXPECT_EQ(opened.status, 200);
    return *opened.headers.find_single("Mcp-Session-Id");
  }
  http::Request with_session(const std::string& method, const std::string& body, const std::string& id, const std::string& bearer) const {
    http::Request made = request(method, body, bearer);
    made.headers.add("Mcp-Session-Id", id);
    made.headers.add("MCP-Protocol-Version", "2025-11-25");
    return made;
  }
  http::Response ping(const std::string& id) { return send(with_session("POST", R"({"jsonrpc":"2.0","id":7,"method":"ping"})", id, token())); }

  class Nobody final : public OtherNodes {
    Task<std::optional<http::Response>> ask(std::uint32_t, const http::Request&) override { co_return std::nullopt; }
  } no_others;
  Between between;
  std::optional<NodeAddress> there = NodeAddress{"https://node-2.example:8422", "i1"};
  bool is_node = true;
  Task<bool> answer_is_node() { co_return is_node; }
  Task<void> look() {
    ++looks;
    if (comes) there = std::exchange(comes, std::nullopt);
    co_return;
  }
  std::optional<NodeAddress> comes;
  int looks = 0;
  NodeForwarding forwarding{between, {[this](std::uint32_t node) { return node == 2 ? there : std::nullopt; }, [this] { return look(); }}, {"node.pem", "node.key", "ca.pem", Milliseconds{1000}, 1 << 20}};
  std::unique_ptr<Gateway> second;
  http::Router router, first_router;
};

TEST_F(TwoNodes, ASessionIsAnsweredByTheNodeThatHasIt) {
  const std::string id = open_on_second();
  const http::Response answered = ping(id);
  EXPECT_EQ(answered.status, 200) << answered.body;
  EXPECT_EQ(*parsed(answered.body).find_int("id"), 7);
  EXPECT_EQ(*upstream.requests.back().headers.find_single("Mcp-Session-Id"), "upstream-session");
  ASSERT_EQ(between.requests.size(), 1u);
  const auto& sent = between.requests.front();
  EXPECT_EQ(sent.url, "https://node-2.example:8422/mcp/notes");
  EXPECT_EQ(sent.ca_file, "ca.pem");
  EXPECT_EQ(sent.client_certificate_file, "node.pem");
  EXPECT_EQ(sent.client_key_file, "node.key");
  EXPECT_EQ(gateway->session_count(), 0u);
  EXPECT_EQ(forwarding.under_way(), 0u);

  http::Response stream = send(with_session("GET", "", id, token()));
  EXPECT_EQ(stream.status, 200);
  ASSERT_TRUE(stream.stream);
  EXPECT_EQ(forwarding.under_way(), 1u);
  EXPECT_NE(read_all(stream).find("notifications/message"), std::string::npos);
  stream.stream.reset();
  EXPECT_EQ(forwarding.under_way(), 0u);

  EXPECT_EQ(send(with_session("DELETE", "", id, token())).status, 200);
  EXPECT_EQ(second->session_count(), 0u);
  EXPECT_EQ(ping(id).status, 404) << "it has ended there";
}

TEST_F(TwoNodes, TheRecordNamesTheClientAndIsWrittenOnce) {
  const std::string id = open_on_second();
  const std::size_t before = log.records().size();
  ping(id);
  std::size_t decided = 0;
  for (std::size_t i = before; i < log.records().size(); ++i) {
    if (log.records()[i].event != audit::Event::outcome) {
      ++decided;
      EXPECT_EQ(log.records()[i].peer, "192.0.2.7") << "not the other node's";
    }
  }
  EXPECT_EQ(decided, 1u);
}

TEST_F(TwoNodes, NobodyButItsOwnerMakesOneNodeAskAnother) {
  const std::string id = open_on_second();
  struct Row {
    const char* name;
    std::function<http::Request()> make;
    int status;
  };
  const auto ping_by = [&](const std::string& bearer) { return with_session("POST", R"({"jsonrpc":"2.0","id":7,"method":"ping"})", id, bearer); };
  for (const Row& row : {Row{"no token", [&] { auto made = ping_by(""); made.headers.erase("Authorization"); return made; }, 401},
                         Row{"a token that is over", [&] { return ping_by(token([](json::Value& c) { c.set("exp", kNow - 100); })); }, 401},
                         Row{"another agent's", [&] { return ping_by(token([](json::Value& c) { c.set("client_id", "other-at-ras"); })); }, 404},
                         Row{"of another session id", [&] { auto made = ping_by(token()); made.headers.set("Mcp-Session-Id", id.substr(1)); return made; }, 404},
                         Row{"two ids", [&] { auto made = ping_by(token()); made.headers.add("Mcp-Session-Id", id); return made; }, 400}}) {
    EXPECT_EQ(send(row.make()).status, row.status) << row.name;
    EXPECT_TRUE(between.requests.empty()) << row.name;
  }
  clock.seconds += Sessions::kOldest.count();
  EXPECT_EQ(send(ping_by(token([&](json::Value& c) { c.set("iat", clock.seconds), c.set("exp", clock.seconds + 60); }))).status, 404);
  EXPECT_TRUE(between.requests.empty()) << "older than any session";
}

TEST_F(TwoNodes, ANodeThatCannotBeReachedHasNoSessions) {
  const std::string id = open_on_second();
  for (const auto kind : {http::UpstreamFailure::Kind::connect, http::UpstreamFailure::Kind::tls}) {
    between.failure = kind;
    EXPECT_EQ(ping(id).status, 404) << "the client begins a new one";
    EXPECT_EQ(last_reason(), "unknown_session");
    EXPECT_EQ(send(with_session("GET", "", id, token())).status, 404);
    EXPECT_EQ(send(with_session("DELETE", "", id, token())).status, 404);
  }
  between.failure.reset();
  there.reset();
  between.requests.clear();
  EXPECT_EQ(ping(id).status, 404);
  EXPECT_TRUE(between.requests.empty()) << "it may not serve, and is not asked";
}

TEST_F(TwoNodes, ANodeThatHasJustStartedIsFound) {
  const std::string id = open_on_second();
  ping(id);
  EXPECT_EQ(looks, 0) << "it is known";
  comes = std::exchange(there, std::nullopt);
  EXPECT_EQ(ping(id).status, 200);
  EXPECT_EQ(looks, 1);
}

// What broke off may have been done: the client must not take it for a session that never was.
TEST_F(TwoNodes, WhatBrokeOffIsNotUnknown) {
  const std::string id = open_on_second();
  between.failure = http::UpstreamFailure::Kind::timeout;
  EXPECT_EQ(ping(id).status, 504);
  between.failure = http::UpstreamFailure::Kind::closed;
  EXPECT_EQ(ping(id).status, 502);
  EXPECT_EQ(between.requests.size(), 2u) << "nothing is sent twice";
}

TEST_F(TwoNodes, WhatOneHandedOnGoesToNoThird) {
  const std::string id = open_on_second();
  http::Request made = with_session("POST", R"({"jsonrpc":"2.0","id":7,"method":"ping"})", id, token());
  made.peer.by_node = true;
  EXPECT_EQ(send(made).status, 404);
  EXPECT_TRUE(between.requests.empty());
}

TEST_F(TwoNodes, NobodyElseIsAnsweredWhereNodesTalk) {
  const std::string id = open_on_second();
  const auto refused = [&](const char* why) {
    const std::size_t sent = upstream.requests.size();
    EXPECT_EQ(ping(id).status, 403) << why;
    EXPECT_EQ(upstream.requests.size(), sent) << why;
  };
  const auto good = between.certificate;
  between.certificate = nullptr;
  refused("no certificate");
  crypto::ClientCertificate untrusted;
  between.certificate = std::make_shared<const crypto::ClientCertificate>(untrusted);
  refused("a certificate of an authority that we do not trust");
  between.certificate = good;
  is_node = false;
  refused("the certificate of something else of that authority");
  is_node = true;
  EXPECT_EQ(ping(id).status, 200);
}

TEST_F(TwoNodes, ANodeThatIsGoneEndsWhatWaitsForIt) {
  const std::string id = open_on_second();
  upstream.respond = [this](const http::UpstreamRequest&) { return upstream.events({}, std::nullopt); };   // goes on and on
  http::Response stream = send(with_session("GET", "", id, token()));
  ASSERT_TRUE(stream.stream);
  const auto body = upstream.body;
  forwarding.end_lost();
  settle();
  EXPECT_FALSE(body->cancelled) << "it is there";
  there->incarnation = "i2";   // started anew: what it knew is gone
  forwarding.end_lost();
  settle();
  EXPECT_TRUE(body->cancelled);
  const auto piece = run(executor, stream.stream->next());
  ASSERT_FALSE(piece);
  EXPECT_EQ(piece.error(), http::StreamEnd::broken);
}

TEST_F(TwoNodes, ACallThatWaitsIsGoneOnWithWhereItWaits) {
  const upstreams::RequestStates waiting(second->dependencies().handles);
  const std::string key = [&] {
    // The principal of the token, as any request of its shows it.
    send(request("POST", R"({"jsonrpc":"2.0","id":1,"method":"ping"})", token()));
    const std::string part[] = {kRas, "usr_alice", "cursor-at-ras", kNotes};
    std::string all;
    for (const auto& one : part) all += std::to_string(one.size()) + ":" + one;
    return all;
  }();
  const auto come_back = [&](const std::string& state) {
    return send(modern("tools/call", json::Value{{"name", "echo"}, {"arguments", json::Object{}}, {"requestState", state}, {"inputResponses", json::Object{}}}));
  };
  const std::string state = waiting.seal({"call", 1, key, "notes", "digest", clock.now() + Seconds{600}});
  EXPECT_EQ(come_back(state).status, 200);
  EXPECT_EQ(between.requests.size(), 1u);
  between.requests.clear();
  struct Row {
    const char* name;
    std::string state;
  };
  for (const Row& row : {Row{"the server's own", "opaque"}, Row{"of another principal", waiting.seal({"call", 1, "k", "notes", "digest", clock.now() + Seconds{600}})},
                         Row{"of another server", waiting.seal({"call", 1, key, "wiki", "digest", clock.now() + Seconds{600}})},
                         Row{"too old", waiting.seal({"call", 1, key, "notes", "digest", clock.now()})}}) {
    come_back(row.state);
    EXPECT_TRUE(between.requests.empty()) << row.name;
  }
}

// ---- the request between the two

TEST(HandingOn, KeepsWhatTheClientSentAndSaysWhoItWas) {
  http::Request request;
  request.method = "POST", request.path = "/mcp/notes", request.query = "a=b", request.body = "{}";
  request.headers = {{"Authorization", "DPoP t"}, {"DPoP", "proof"}, {"Host", "writ.example"}, {"Connection", "close"}, {"Content-Length", "2"}, {"Transfer-Encoding", "chunked"},
                     {"Writ-Peer-Address", "203.0.113.1"}, {"writ-peer-scheme", "https"}, {"Writ-Peer-Certificate", "somebody's"}, {"X-Request-Id", "theirs"}};
  request.peer.address = "192.0.2.7";
  auto onward = hand_on(request, "https://n:1");
  EXPECT_EQ(onward.url, "https://n:1/mcp/notes?a=b");
  EXPECT_EQ(onward.body, "{}");
  for (const char* gone : {"Host", "Connection", "Content-Length", "Transfer-Encoding", "X-Request-Id", "Writ-Peer-Certificate"}) EXPECT_EQ(onward.headers.count(gone), 0u) << gone;
  EXPECT_EQ(*onward.headers.find_single("Writ-Peer-Address"), "192.0.2.7");
  EXPECT_EQ(*onward.headers.find_single("Writ-Peer-Scheme"), "http");

  http::Request arrived;
  arrived.method = "POST", arrived.path = "/mcp/notes", arrived.headers = onward.headers, arrived.body = onward.body;
  arrived.peer.address = "10.0.0.1", arrived.peer.secure = true;
  const auto taken = take_over(arrived);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->peer.address, "192.0.2.7");
  EXPECT_FALSE(taken->peer.secure);
  EXPECT_TRUE(taken->peer.by_node);
  EXPECT_FALSE(taken->peer.certificate);
  EXPECT_EQ(*taken->headers.find_single("DPoP"), "proof");
  EXPECT_EQ(taken->headers.count("Writ-Peer-Address"), 0u);

  crypto::ClientCertificate certificate;
  certificate.x5t = "thumbprint";
  request.peer.certificate = std::make_shared<const crypto::ClientCertificate>(certificate);
  request.peer.secure = true;
  arrived.headers = hand_on(request, "https://n:1").headers;
  const auto bound = take_over(arrived);
  ASSERT_TRUE(bound && bound->peer.certificate);
  EXPECT_EQ(bound->peer.certificate->x5t, "thumbprint");
  EXPECT_FALSE(bound->peer.certificate->trusted) << "whom the chain makes it is not handed on";
  EXPECT_TRUE(bound->peer.secure);
}

TEST(HandingOn, WhatNoNodeWroteIsNotTakenOver) {
  http::Request whole;
  whole.headers = {{"Writ-Peer-Address", "192.0.2.7"}, {"Writ-Peer-Scheme", "https"}};
  EXPECT_TRUE(take_over(whole));
  for (const char* name : {"Writ-Peer-Address", "Writ-Peer-Scheme"}) {
    http::Request without = whole, twice = whole;
    without.headers.erase(name);
    twice.headers.add(name, "x");
    EXPECT_FALSE(take_over(without)) << name;
    EXPECT_FALSE(take_over(twice)) << name;
  }
  whole.headers.add("Writ-Peer-Certificate", "a");
  whole.headers.add("Writ-Peer-Certificate", "b");
  EXPECT_FALSE(take_over(whole));
}

TEST(HandingOn, TheAnswerComesBackWithoutWhatIsAboutTheConnection) {
  const auto back = hand_back({{"Content-Type", "application/json"}, {"Mcp-Session-Id", "s"}, {"WWW-Authenticate", "Bearer"}, {"DPoP-Nonce", "n"}, {"Content-Length", "2"}, {"Connection", "close"}, {"Date", "d"}});
  EXPECT_EQ(back.fields().size(), 4u);
}

}  // namespace
}  // namespace writ::gateway
