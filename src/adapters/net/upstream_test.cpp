#include "adapters/net/upstream.h"

#include <gtest/gtest.h>

#include <future>
#include <optional>

#include "adapters/net/certificates_fixture.h"
#include "adapters/net/mutual_tls_server_fixture.h"
#include "adapters/net/scripted_server_fixture.h"
#include "adapters/net/server.h"

namespace writ::net {
namespace {

using http::StreamEnd;
using http::UpstreamFailure;
using http::UpstreamRequest;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using FailureKind = UpstreamFailure::Kind;
using Peer = ScriptedServer::Peer;

// What came of one exchange, read to its end.
struct Outcome {
  std::optional<FailureKind> failure;
  std::string detail;
  int status = 0;
  http::Headers headers;
  std::string body;
  std::vector<std::string> pieces;
  std::optional<StreamEnd> end;
};

Task<Outcome> exchange(http::Upstream* upstream, UpstreamRequest request, std::size_t body_bytes_max) {
  Outcome outcome;
  auto response = co_await upstream->send(std::move(request));
  if (!response) {
    outcome.failure = response.error().kind;
    outcome.detail = response.error().detail;
    co_return outcome;
  }
  outcome.status = response->status;
  outcome.headers = std::move(response->headers);
  while (outcome.body.size() < body_bytes_max) {
    auto piece = co_await response->body->next();
    if (!piece) {
      outcome.end = piece.error();
      break;
    }
    outcome.body += *piece;
    outcome.pieces.push_back(std::move(*piece));
  }
  co_return outcome;
}

template <class T>
std::future<T> start(Executor& executor, std::function<Task<T>()> make) {
  auto promise = std::make_shared<std::promise<T>>();
  std::future<T> future = promise->get_future();
  executor.post([promise, make = std::move(make)] {
    spawn(make(), [promise](std::exception_ptr exception, std::optional<T> value) {
      if (exception) return promise->set_exception(exception);
      promise->set_value(std::move(*value));
    });
  });
  return future;
}

struct Calling {
  EventLoops loops{1};
  PooledUpstream upstream;
  explicit Calling(UpstreamOptions options = {}) : upstream(loops, options) {}

  std::future<Outcome> begin(UpstreamRequest request, std::size_t body_bytes_max = 64 << 20) {
    const auto shared = std::make_shared<UpstreamRequest>(std::move(request));
    return start<Outcome>(loops.executor(0), [this, shared, body_bytes_max] { return exchange(&upstream, *shared, body_bytes_max); });
  }
  Outcome ask(UpstreamRequest request, std::size_t body_bytes_max = 64 << 20) { return begin(std::move(request), body_bytes_max).get(); }
};

UpstreamRequest request_to(const std::string& url, std::string method = "GET", std::string body = "", std::string pool_key = "") {
  UpstreamRequest request;
  request.method = std::move(method);
  request.url = url;
  request.body = std::move(body);
  request.pool_key = std::move(pool_key);
  request.head_timeout_ms = 3'000;
  request.idle_timeout_ms = 3'000;
  return request;
}

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
void answer_all(Peer& peer) {
  while (!peer.receive().empty()) peer.send(kOk);
}

TEST(Upstream, sends_exactly_the_request_and_reads_the_answer) {
  ScriptedServer server(answer_all);
  Calling calling;
  UpstreamRequest request = request_to(server.url("/mcp?a=b"), "POST", "hello");
  request.headers = {{"Authorization", "Bearer x"}, {"Host", "evil"}, {"Connection", "close"}, {"Transfer-Encoding", "chunked"}};
  const Outcome outcome = calling.ask(std::move(request));
  EXPECT_EQ(outcome.status, 200) << outcome.detail;
  EXPECT_EQ(outcome.body, "ok");
  EXPECT_EQ(outcome.end, StreamEnd::complete);
  ASSERT_EQ(server.requests().size(), 1U);
  EXPECT_EQ(server.requests()[0].second, "POST /mcp?a=b HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                                             "\r\nAuthorization: Bearer x\r\nContent-Length: 5\r\n\r\nhello");
}

struct BodyRow {
  const char* name;
  std::string bytes;
  bool closes;
  std::string body;
  StreamEnd end;
};
std::ostream& operator<<(std::ostream& out, const BodyRow& row) { return out << row.name; }
class UpstreamBodies : public ::testing::TestWithParam<BodyRow> {};

TEST_P(UpstreamBodies, end_as_they_should) {
  const BodyRow& row = GetParam();
  ScriptedServer server([&](Peer& peer) {
    peer.receive();
    peer.send(row.bytes);
    if (!row.closes) peer.hold();
  });
  Calling calling;
  const Outcome outcome = calling.ask(request_to(server.url()));
  EXPECT_FALSE(outcome.failure) << outcome.detail;
  EXPECT_EQ(outcome.body, row.body);
  EXPECT_EQ(outcome.end, row.end);
}

INSTANTIATE_TEST_SUITE_P(
    Upstream, UpstreamBodies,
    testing::Values(BodyRow{"length", kOk, false, "ok", StreamEnd::complete}, BodyRow{"none", "HTTP/1.1 204 No Content\r\n\r\n", false, "", StreamEnd::complete},
                    BodyRow{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", false, "ok", StreamEnd::complete},
                    BodyRow{"until_close", "HTTP/1.1 200 OK\r\n\r\nok", true, "ok", StreamEnd::complete},
                    BodyRow{"after_interim_answers", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + kOk, false, "ok", StreamEnd::complete},
                    BodyRow{"length_cut", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", true, "ok", StreamEnd::broken},
                    BodyRow{"chunked_cut", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", true, "ok", StreamEnd::broken},
                    BodyRow{"chunk_malformed", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n", false, "ok", StreamEnd::broken},
                    BodyRow{"chunk_bare_lf", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nok", false, "", StreamEnd::broken}));

struct BadRow {
  const char* name;
  std::string bytes;
  FailureKind kind;
};
std::ostream& operator<<(std::ostream& out, const BadRow& row) { return out << row.name; }
class BadUpstreams : public ::testing::TestWithParam<BadRow> {};

TEST_P(BadUpstreams, are_not_believed) {   // G15
  const BadRow& row = GetParam();
  ScriptedServer server([&](Peer& peer) {
    peer.receive();
    peer.send(row.bytes);
    if (row.kind == FailureKind::closed) return;
    peer.hold();
  });
  Calling calling;
  const auto begin = steady_clock::now();
  const Outcome outcome = calling.ask(request_to(server.url(), "POST", "x"));
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(*outcome.failure, row.kind) << outcome.detail;
  EXPECT_EQ(server.connections(), 1);   // a call is not sent twice
  EXPECT_LT(steady_clock::now() - begin, milliseconds(2'000));
}

INSTANTIATE_TEST_SUITE_P(
    G15, BadUpstreams,
    testing::Values(BadRow{"nothing", "", FailureKind::closed}, BadRow{"half_a_head", "HTTP/1.1 200 OK\r\nContent-", FailureKind::closed},
                    BadRow{"no_http", "220 mail.example ESMTP\r\n\r\n", FailureKind::bad_response}, BadRow{"http_0_9", "<html>hello</html>\r\n\r\n", FailureKind::bad_response},
                    BadRow{"endless_status_line", "HTTP/1.1 200 " + std::string(70'000, 'a'), FailureKind::bad_response},
                    BadRow{"endless_field", "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'a'), FailureKind::bad_response},
                    BadRow{"length_and_chunked", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", FailureKind::bad_response},
                    BadRow{"two_lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", FailureKind::bad_response},
                    BadRow{"unknown_coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", FailureKind::bad_response},
                    BadRow{"bare_lf", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", FailureKind::bad_response},
                    BadRow{"nul_in_field", "HTTP/1.1 200 OK\r\nX: a" + std::string(1, '\0') + "\r\n\r\n", FailureKind::bad_response},
                    BadRow{"control_in_field", "HTTP/1.1 200 OK\r\nX: \x01\r\n\r\n", FailureKind::bad_response},
                    BadRow{"folded_field", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", FailureKind::bad_response},
                    BadRow{"switches_protocols", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", FailureKind::bad_response},
                    BadRow{"interim_without_end", [] { std::string all; for (int i = 0; i < 50; ++i) all += "HTTP/1.1 100 Continue\r\n\r\n"; return all; }(), FailureKind::bad_response}));

TEST(Upstream, redirects_and_cookies_are_answers_like_any_other) {
  ScriptedServer trap(answer_all);
  ScriptedServer server([&](Peer& peer) {
    while (!peer.receive().empty()) peer.send("HTTP/1.1 302 Found\r\nLocation: " + trap.url() + "\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n");
  });
  Calling calling;
  EXPECT_EQ(calling.ask(request_to(server.url())).status, 302);
  EXPECT_EQ(calling.ask(request_to(server.url())).status, 302);
  EXPECT_EQ(trap.connections(), 0);
  EXPECT_EQ(server.requests()[1].second.find("Cookie"), std::string::npos);
}

TEST(Upstream, hands_pieces_on_as_they_come) {
  std::promise<void> first_seen;
  ScriptedServer server([&](Peer& peer) {
    peer.receive();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n9\r\ndata: 1\n\n\r\n");
    first_seen.get_future().wait_for(std::chrono::seconds(5));
    peer.send("9\r\ndata: 2\n\n\r\n0\r\n\r\n");
    peer.hold();
  });
  Calling calling;
  const Outcome first = calling.ask(request_to(server.url()), 1);   // reads one piece and goes away
  EXPECT_EQ(first.body, "data: 1\n\n");
  first_seen.set_value();
}

TEST(UpstreamDeadlines, hold_for_head_and_pieces) {
  ScriptedServer silent([](Peer& peer) { peer.receive(), peer.hold(); });
  ScriptedServer dripping([](Peer& peer) {
    peer.receive();
    for (int i = 0; i < 200 && peer.send("HTTP/1.1 "); ++i) std::this_thread::sleep_for(milliseconds(20));
  });
  ScriptedServer hanging([](Peer& peer) {
    peer.receive();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
    peer.hold();
  });
  Calling calling;
  for (ScriptedServer* server : {&silent, &dripping}) {
    UpstreamRequest request = request_to(server->url());
    request.head_timeout_ms = 300;
    const auto begin = steady_clock::now();
    const Outcome outcome = calling.ask(std::move(request));
    ASSERT_TRUE(outcome.failure);
    EXPECT_EQ(*outcome.failure, FailureKind::timeout) << outcome.detail;
    EXPECT_LT(steady_clock::now() - begin, milliseconds(2'000));
  }
  UpstreamRequest request = request_to(hanging.url());
  request.idle_timeout_ms = 300;
  const Outcome outcome = calling.ask(std::move(request));
  EXPECT_EQ(outcome.body, "hel");
  EXPECT_EQ(outcome.end, StreamEnd::broken);
}

TEST(Upstream, says_when_nobody_listens) {
  std::uint16_t port = 0;
  {
    ScriptedServer server(answer_all);
    port = server.port();
  }
  Calling calling;
  const Outcome outcome = calling.ask(request_to("http://127.0.0.1:" + std::to_string(port) + "/"));
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(*outcome.failure, FailureKind::connect);
}

TEST(Upstream, refuses_urls_that_would_leak) {
  Calling calling;
  for (const char* url : {"http://192.0.2.1/", "ftp://127.0.0.1/", "http://user@127.0.0.1/", "http://127.0.0.1/#f", "127.0.0.1", ""}) {
    const Outcome outcome = calling.ask(request_to(url));
    ASSERT_TRUE(outcome.failure) << url;
    EXPECT_EQ(*outcome.failure, FailureKind::connect) << url;
  }
  UpstreamRequest request = request_to("http://127.0.0.1:1/");
  request.headers = {{"X", "a\r\nY: b"}};
  EXPECT_EQ(*calling.ask(std::move(request)).failure, FailureKind::bad_response);
}

TEST(UpstreamPool, shares_connections_within_a_key_only) {   // G13
  ScriptedServer server(answer_all);
  Calling calling;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(calling.ask(request_to(server.url(), "POST", "x", "alice")).status, 200);
    EXPECT_EQ(calling.ask(request_to(server.url(), "POST", "x", "bob")).status, 200);
  }
  EXPECT_EQ(server.connections(), 2);
  for (const auto& [connection, request] : server.requests()) EXPECT_EQ(request.substr(0, 4), "POST");
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(server.requests()[i].first, static_cast<int>(i % 2));
}

TEST(UpstreamPool, drops_connections_that_are_out_of_step) {
  ScriptedServer server([](Peer& peer) {
    while (!peer.receive().empty()) peer.send(kOk + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");   // an answer nobody asked for
  });
  Calling calling;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(calling.ask(request_to(server.url())).body, "ok");
  EXPECT_EQ(server.connections(), 3);
}

TEST(UpstreamPool, drops_connections_that_spoke_while_idle) {
  ScriptedServer server([](Peer& peer) {
    peer.receive();
    peer.send(kOk);
    std::this_thread::sleep_for(milliseconds(100));
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    while (!peer.receive().empty()) peer.send(kOk);
  });
  Calling calling;
  EXPECT_EQ(calling.ask(request_to(server.url())).body, "ok");
  std::this_thread::sleep_for(milliseconds(300));
  EXPECT_EQ(calling.ask(request_to(server.url())).body, "ok");
  EXPECT_EQ(server.connections(), 2);
}

TEST(UpstreamPool, keeps_connections_for_a_while) {
  ScriptedServer server(answer_all);
  UpstreamOptions options;
  options.keep_idle = milliseconds(200);
  Calling calling(options);
  EXPECT_EQ(calling.ask(request_to(server.url())).status, 200);
  std::this_thread::sleep_for(milliseconds(600));
  EXPECT_EQ(calling.ask(request_to(server.url())).status, 200);
  EXPECT_EQ(server.connections(), 2);
}

// A kept connection that dies exactly when it is used again: the server closes instead of answering.
TEST(UpstreamRetry, happens_once_and_for_safe_methods_only) {
  for (const auto& [method, is_sent_again] : {std::pair<const char*, bool>{"GET", true}, {"POST", false}, {"DELETE", false}}) {
    ScriptedServer server([](Peer& peer) {
      peer.receive();
      peer.send(kOk);
      if (peer.number > 0) return answer_all(peer);
      peer.receive();   // the second request on the first connection is read and not answered
    });
    Calling calling;
    ASSERT_EQ(calling.ask(request_to(server.url(), method)).status, 200);
    const Outcome second = calling.ask(request_to(server.url(), method));
    if (is_sent_again) {
      EXPECT_EQ(second.status, 200) << second.detail;
      EXPECT_EQ(server.requests().size(), 3U);
    } else {
      ASSERT_TRUE(second.failure) << method;
      EXPECT_EQ(*second.failure, FailureKind::closed);
      EXPECT_EQ(server.requests().size(), 2U) << "the call was sent again";
    }
  }
}

TEST(UpstreamRetry, does_not_happen_on_a_fresh_connection) {
  ScriptedServer server([](Peer& peer) { peer.receive(); });
  Calling calling;
  EXPECT_EQ(*calling.ask(request_to(server.url())).failure, FailureKind::closed);
  EXPECT_EQ(server.connections(), 1);
}

TEST(UpstreamCancellation, closes_the_connection_at_once) {
  std::promise<bool> closed;
  ScriptedServer server([&](Peer& peer) {
    peer.receive();
    closed.set_value(peer.is_closed_within(milliseconds(3'000)));
  });
  Calling calling;
  http::Cancellation cancellation;
  UpstreamRequest request = request_to(server.url(), "POST", "x");
  request.cancellation = &cancellation;
  request.head_timeout_ms = 30'000;
  auto outcome = calling.begin(std::move(request));
  while (server.requests().empty()) std::this_thread::sleep_for(milliseconds(2));
  calling.loops.executor(0).post([&] { cancellation.request(); });
  const Outcome ended = outcome.get();
  ASSERT_TRUE(ended.failure);
  EXPECT_EQ(*ended.failure, FailureKind::closed);
  EXPECT_TRUE(closed.get_future().get());
}

TEST(UpstreamCancellation, that_came_before_sends_nothing) {
  ScriptedServer server(answer_all);
  Calling calling;
  http::Cancellation cancellation;
  cancellation.request();
  UpstreamRequest request = request_to(server.url());
  request.cancellation = &cancellation;
  EXPECT_EQ(*calling.ask(std::move(request)).failure, FailureKind::closed);
  EXPECT_EQ(server.connections(), 0);
}

TEST(UpstreamBodiesGivenUp, close_the_connection) {
  std::promise<bool> closed;
  ScriptedServer server([&](Peer& peer) {
    peer.receive();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n");
    closed.set_value(peer.is_closed_within(milliseconds(3'000)));
  });
  Calling calling;
  EXPECT_EQ(calling.ask(request_to(server.url()), 1).body, "ok");
  EXPECT_TRUE(closed.get_future().get());
}

TEST(UpstreamBackPressure, reads_only_as_fast_as_the_body_is_taken) {   // G15: memory bounded
  std::atomic<std::size_t> sent{0};
  ScriptedServer server([&](Peer& peer) {
    peer.receive();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n");
    const std::string piece(64 * 1024, 'x');
    while (peer.send(piece)) sent += piece.size();
  });
  EventLoops loops(1);
  PooledUpstream upstream(loops, {});
  const auto response = start<std::shared_ptr<http::UpstreamResponse>>(loops.executor(0), [&]() -> Task<std::shared_ptr<http::UpstreamResponse>> {
    return [](http::Upstream* from, UpstreamRequest request) -> Task<std::shared_ptr<http::UpstreamResponse>> {
      auto answer = co_await from->send(std::move(request));
      co_return answer ? std::make_shared<http::UpstreamResponse>(std::move(*answer)) : nullptr;
    }(&upstream, request_to(server.url()));
  }).get();
  ASSERT_NE(response, nullptr);
  std::size_t before = 1;
  while (before != sent) before = sent, std::this_thread::sleep_for(milliseconds(300));
  EXPECT_LT(sent, 32U << 20);   // what the system's own buffers hold
  std::promise<void> destroyed;
  loops.executor(0).post([&] { response->body = nullptr, destroyed.set_value(); });
  destroyed.get_future().wait();
}

Task<http::Response> secure_answer(const http::Request&) { co_return http::text(200, "secure"); }

struct TlsServing {
  TestAuthority authority;
  EventLoops loops{1};
  Server server{loops, {{}, [](std::string_view) {}}};
  std::string url;
  explicit TlsServing(const std::string& names) {
    const auto files = authority.issue("server", names, 1);
    Listener listener;
    listener.handler = secure_answer;
    listener.tls = std::make_unique<TlsFiles>(TlsFiles{files.certificate_file, files.key_file});
    url = "https://127.0.0.1:" + std::to_string(*server.listen(std::move(listener))) + "/";
  }
};

TEST(UpstreamTls, needs_a_certificate_of_the_authority_for_the_host) {
  TlsServing serving("DNS:localhost,IP:127.0.0.1");
  TlsServing misnamed("DNS:other.example");
  Calling calling;
  UpstreamRequest good = request_to(serving.url);
  good.ca_file = serving.authority.ca_file();
  EXPECT_EQ(calling.ask(good).body, "secure");
  EXPECT_EQ(calling.ask(good).body, "secure");   // by the kept connection
  EXPECT_EQ(serving.server.connections(), 1U);

  const Outcome unknown = calling.ask(request_to(serving.url));   // the system does not know this authority
  ASSERT_TRUE(unknown.failure);
  EXPECT_EQ(*unknown.failure, FailureKind::tls) << unknown.detail;
  UpstreamRequest wrong_name = request_to(misnamed.url);
  wrong_name.ca_file = misnamed.authority.ca_file();
  const Outcome refused = calling.ask(std::move(wrong_name));
  ASSERT_TRUE(refused.failure);
  EXPECT_EQ(*refused.failure, FailureKind::tls);
  EXPECT_NE(refused.detail.find("certificate not accepted"), std::string::npos) << refused.detail;
  UpstreamRequest no_file = request_to(serving.url);
  no_file.ca_file = "/nonexistent";
  EXPECT_EQ(*calling.ask(std::move(no_file)).failure, FailureKind::tls);
}

TEST(UpstreamTls, shows_its_certificate_to_servers_that_want_one) {
  TestAuthority authority, other;
  MutualTlsServer server(authority);
  Calling calling;
  UpstreamRequest request = request_to(server.url());
  request.ca_file = authority.ca_file();
  EXPECT_TRUE(calling.ask(request).failure) << "without a certificate";

  auto files = authority.issue("writ-gateway", "", 2);
  request.client_certificate_file = files.certificate_file, request.client_key_file = files.key_file;
  EXPECT_EQ(calling.ask(request).body, "writ-gateway");

  const auto strange = other.issue("writ-gateway", "", 3);
  UpstreamRequest of_another = request;
  of_another.client_certificate_file = strange.certificate_file, of_another.client_key_file = strange.key_file;
  EXPECT_TRUE(calling.ask(of_another).failure) << "of an authority that the server does not know";

  ::chmod(files.key_file.c_str(), 0644);
  ::unlink(files.certificate_file.c_str());
  EXPECT_EQ(calling.ask(request).body, "writ-gateway") << "while the files are being replaced the earlier certificate stays in use";
  files = authority.issue("writ-gateway", "", 4);
  EXPECT_EQ(calling.ask(request).body, "writ-gateway") << "renewed";
}

TEST(UpstreamTls, refuses_client_certificates_that_cannot_be_used) {
  TestAuthority authority;
  MutualTlsServer server(authority);
  const auto one = authority.issue("one", "", 2), two = authority.issue("two", "", 3), open = authority.issue("open", "", 4);
  ::chmod(open.key_file.c_str(), 0640);
  struct Row {
    std::string certificate, key, says;
  };
  for (const Row& row : {Row{one.certificate_file, "", "needs its key"}, Row{"", one.key_file, "needs its key"}, Row{one.certificate_file, two.key_file, "key"},
                         Row{"/nonexistent", one.key_file, "cannot use the certificate file"}, Row{one.certificate_file, "/nonexistent", "cannot read the key file"},
                         Row{open.certificate_file, open.key_file, "use mode 0600"}}) {
    Calling calling;
    UpstreamRequest request = request_to(server.url());
    request.ca_file = authority.ca_file();
    request.client_certificate_file = row.certificate, request.client_key_file = row.key;
    const Outcome outcome = calling.ask(request);
    ASSERT_TRUE(outcome.failure) << row.says;
    EXPECT_EQ(*outcome.failure, FailureKind::tls);
    EXPECT_NE(outcome.detail.find(row.says), std::string::npos) << outcome.detail;
  }
}

TEST(UpstreamTls, finds_plain_speakers_out) {
  ScriptedServer server([](Peer& peer) {
    peer.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    peer.hold();
  });
  Calling calling;
  const Outcome outcome = calling.ask(request_to("https://127.0.0.1:" + std::to_string(server.port()) + "/"));
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(*outcome.failure, FailureKind::tls);
}

TEST(UpstreamTls, gives_a_silent_server_up) {
  ScriptedServer server([](Peer& peer) { peer.hold(); });
  UpstreamOptions options;
  options.connect_deadline = milliseconds(300);
  Calling calling(options);
  const Outcome outcome = calling.ask(request_to("https://127.0.0.1:" + std::to_string(server.port()) + "/"));
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(*outcome.failure, FailureKind::timeout);
}

}  // namespace
}  // namespace writ::net
