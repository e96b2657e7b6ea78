#include "adapters/outgoing/curl_outgoing.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "adapters/net/certificates_fixture.h"
#include "adapters/net/mutual_tls_server_fixture.h"
#include "adapters/net/scripted_server_fixture.h"
#include "adapters/net/server.h"

namespace writ::outgoing {
namespace {

using http::OutgoingRequest;
using net::ScriptedServer;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Kind = http::OutgoingFailure::Kind;
using Outcome = Result<http::OutgoingResponse, http::OutgoingFailure>;
using Peer = ScriptedServer::Peer;

Outcome fetch(OutgoingRequest request, CurlOptions options = {}) {
  CurlOutgoing outgoing(std::move(options));
  return run(outgoing.fetch(std::move(request)));
}
Outcome fetch(const std::string& url) {
  OutgoingRequest request;
  request.url = url;
  return fetch(std::move(request));
}

// Names the kind, so that a wrong one shows.
std::string kind_of(const Outcome& outcome) {
  if (outcome) return "status " + std::to_string(outcome->status);
  switch (outcome.error().kind) {
    case Kind::refused_url: return "refused_url";
    case Kind::refused_address: return "refused_address";
    case Kind::connect: return "connect";
    case Kind::tls: return "tls";
    case Kind::timeout: return "timeout";
    case Kind::too_large: return "too_large";
    case Kind::broken: return "broken";
  }
  return "";
}

void answer_all(Peer& peer) {
  while (!peer.receive().empty()) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Y: z\r\n\r\nok");
}

TEST(Outgoing, fetches) {
  ScriptedServer server(answer_all);
  const Outcome outcome = fetch(server.url("/a?b=c"));
  ASSERT_TRUE(outcome) << outcome.error().detail;
  EXPECT_EQ(outcome->status, 200);
  EXPECT_EQ(outcome->body, "ok");
  ASSERT_NE(outcome->headers.find_single("x-y"), nullptr);
  EXPECT_EQ(*outcome->headers.find_single("x-y"), "z");
  const std::string sent = server.requests()[0].second;
  EXPECT_EQ(sent.substr(0, 22), "GET /a?b=c HTTP/1.1\r\nH") << sent;
  EXPECT_EQ(sent.find("Cookie"), std::string::npos);
  EXPECT_EQ(sent.find("Accept-Encoding"), std::string::npos) << "a decoder would be where the bombs are";
}

TEST(Outgoing, sends_bodies_and_fields_as_they_are) {
  ScriptedServer server(answer_all);
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE"}) {
    OutgoingRequest request;
    request.method = method;
    request.url = server.url("/scim");
    request.headers = {{"Content-Type", "application/scim+json"}, {"Authorization", "Bearer x"}};
    request.body = std::string("a\0b", 3);
    const Outcome outcome = fetch(std::move(request));
    ASSERT_TRUE(outcome) << outcome.error().detail;
    const std::string sent = server.requests().back().second;
    EXPECT_TRUE(sent.starts_with(std::string(method) + " /scim HTTP/1.1\r\n")) << sent;
    EXPECT_NE(sent.find("\r\nContent-Type: application/scim+json\r\n"), std::string::npos) << sent;
    EXPECT_EQ(sent.find("Expect"), std::string::npos);
    EXPECT_TRUE(sent.ends_with(std::string("\r\n\r\na\0b", 7)));
  }
}

TEST(Outgoing, runs_many_at_once_and_resumes_where_it_was_asked) {
  ScriptedServer server([](Peer& peer) {
    while (!peer.receive().empty()) {
      std::this_thread::sleep_for(milliseconds(200));
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
  });
  CurlOutgoing outgoing({});
  QueueExecutor executor;
  int done = 0;
  const auto thread = std::this_thread::get_id();
  const auto begin = steady_clock::now();
  executor.post([&] {
    for (int i = 0; i < 20; ++i) {
      OutgoingRequest request;
      request.url = server.url();
      spawn(outgoing.fetch(std::move(request)), [&](std::exception_ptr, std::optional<Outcome> outcome) {
        EXPECT_EQ(std::this_thread::get_id(), thread);
        EXPECT_TRUE(outcome && *outcome);
        ++done;
      });
    }
  });
  executor.run_until([&] { return done == 20; });
  EXPECT_LT(steady_clock::now() - begin, milliseconds(2'000));
}

TEST(Outgoing, ends_what_is_under_way_when_it_goes_away) {
  ScriptedServer server([](Peer& peer) { peer.receive(), peer.hold(); });
  QueueExecutor executor;
  auto outgoing = std::make_unique<CurlOutgoing>(CurlOptions{});
  std::optional<Outcome> result;
  executor.post([&] {
    OutgoingRequest request;
    request.url = server.url();
    request.timeout_ms = 60'000;
    spawn(outgoing->fetch(std::move(request)), [&](std::exception_ptr, std::optional<Outcome> outcome) { result = std::move(outcome); });
  });
  std::thread stopping([&] {
    while (server.requests().empty()) std::this_thread::sleep_for(milliseconds(2));
    outgoing.reset();
  });
  executor.run_until([&] { return result.has_value(); });
  stopping.join();
  EXPECT_EQ(kind_of(*result), "broken");
}

TEST(OutgoingRedirects, are_not_followed) {   // N2
  ScriptedServer trap(answer_all);
  for (const char* status : {"301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"}) {
    ScriptedServer server([&](Peer& peer) {
      peer.receive();
      peer.send(std::string("HTTP/1.1 ") + status + "\r\nLocation: " + trap.url() + "\r\nRefresh: 0; url=" + trap.url() + "\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n");
    });
    EXPECT_EQ(kind_of(fetch(server.url())), std::string("status ") + std::string(status, 3));
  }
  EXPECT_EQ(trap.connections(), 0);
}

struct RefusedRow {
  const char* name;
  std::string url;
  bool public_only;
  const char* kind;
};
std::ostream& operator<<(std::ostream& out, const RefusedRow& row) { return out << row.name; }
class RefusedUrls : public ::testing::TestWithParam<RefusedRow> {};

TEST_P(RefusedUrls, are_not_fetched) {   // N1
  ScriptedServer trap([](Peer& peer) { peer.receive(); });
  const RefusedRow& row = GetParam();
  std::string url = row.url;
  if (const std::size_t at = url.find("PORT"); at != std::string::npos) url.replace(at, 4, std::to_string(trap.port()));
  OutgoingRequest request;
  request.url = url;
  request.public_addresses_only = row.public_only;
  request.timeout_ms = 1'000;
  CurlOptions options;
  options.public_ports = {443, trap.port()};   // so that only the address can be the reason
  EXPECT_EQ(kind_of(fetch(std::move(request), std::move(options))), row.kind);
  EXPECT_EQ(trap.connections(), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Anyone, RefusedUrls,
    testing::Values(RefusedRow{"plain_http", "http://192.0.2.1/", false, "refused_url"}, RefusedRow{"file", "file:///etc/passwd", false, "refused_url"},
                    RefusedRow{"gopher", "gopher://127.0.0.1:PORT/_x", false, "refused_url"}, RefusedRow{"user_information", "http://a:b@127.0.0.1:PORT/", false, "refused_url"},
                    RefusedRow{"control_character", "http://127.0.0.1:PORT/\r\nX: y", false, "refused_url"}, RefusedRow{"space", "http://127.0.0.1:PORT/a b", false, "refused_url"},
                    RefusedRow{"not_absolute", "/a", false, "refused_url"}, RefusedRow{"empty", "", false, "refused_url"}));

INSTANTIATE_TEST_SUITE_P(
    Stranger, RefusedUrls,
    testing::Values(RefusedRow{"loopback_http", "http://127.0.0.1:PORT/", true, "refused_url"}, RefusedRow{"loopback", "https://127.0.0.1:PORT/", true, "refused_address"},
                    RefusedRow{"localhost", "https://localhost:PORT/", true, "refused_address"}, RefusedRow{"loopback_elsewhere", "https://127.9.9.9:PORT/", true, "refused_address"},
                    RefusedRow{"loopback_short", "https://127.1:PORT/", true, "refused_address"}, RefusedRow{"loopback_number", "https://2130706433:PORT/", true, "refused_address"},
                    RefusedRow{"loopback_hexadecimal", "https://0x7f000001:PORT/", true, "refused_address"}, RefusedRow{"loopback_octal", "https://0177.0.0.1:PORT/", true, "refused_address"},
                    RefusedRow{"this_host", "https://0.0.0.0:PORT/", true, "refused_address"}, RefusedRow{"ipv6_loopback", "https://[::1]:PORT/", true, "refused_address"},
                    RefusedRow{"ipv6_mapped", "https://[::ffff:127.0.0.1]:PORT/", true, "refused_address"}, RefusedRow{"metadata_service", "https://169.254.169.254/", true, "refused_address"},
                    RefusedRow{"private_10", "https://10.0.0.1/", true, "refused_address"}, RefusedRow{"private_192", "https://192.168.1.1/", true, "refused_address"},
                    RefusedRow{"nat64", "https://[64:ff9b::7f00:1]/", true, "refused_address"}, RefusedRow{"unique_local", "https://[fd00::1]/", true, "refused_address"},
                    RefusedRow{"other_port", "https://example.com:22/", true, "refused_url"}));

// A name that a stranger controls resolves to a private address: only the check at the socket can see it.
TEST(PublicAddressesOnly, judges_what_the_name_resolves_to) {
  ScriptedServer trap([](Peer& peer) { peer.receive(); });
  std::array<char, 256> name{};
  ASSERT_EQ(::gethostname(name.data(), name.size() - 1), 0);
  OutgoingRequest request;
  request.url = std::string("https://") + name.data() + ":" + std::to_string(trap.port()) + "/";   // this machine's own name, a private address
  request.public_addresses_only = true;
  CurlOptions options;
  options.public_ports = {trap.port()};
  const std::string kind = kind_of(fetch(std::move(request), std::move(options)));
  if (kind == "connect") GTEST_SKIP() << "this machine's name does not resolve";
  EXPECT_EQ(kind, "refused_address");
  EXPECT_EQ(trap.connections(), 0);
}

struct BadRow {
  const char* name;
  std::string bytes;
  bool holds;
  const char* kind;
};
std::ostream& operator<<(std::ostream& out, const BadRow& row) { return out << row.name; }
class BadServers : public ::testing::TestWithParam<BadRow> {};

TEST_P(BadServers, are_bounded) {   // N4
  const BadRow& row = GetParam();
  ScriptedServer server([&](Peer& peer) {
    peer.receive();
    peer.send(row.bytes);
    if (row.holds) peer.hold();
  });
  OutgoingRequest request;
  request.url = server.url();
  request.timeout_ms = 500;
  const auto begin = steady_clock::now();
  EXPECT_EQ(kind_of(fetch(std::move(request))), row.kind);
  EXPECT_LT(steady_clock::now() - begin, milliseconds(3'000));
}

INSTANTIATE_TEST_SUITE_P(
    N4, BadServers,
    testing::Values(BadRow{"status_500", "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops", false, "status 500"}, BadRow{"closes_at_once", "", false, "broken"},
                    BadRow{"hangs", "", true, "timeout"}, BadRow{"hangs_in_the_head", "HTTP/1.1 200 OK\r\nContent-", true, "timeout"},
                    BadRow{"hangs_in_the_body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", true, "timeout"},
                    BadRow{"body_cut", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", false, "broken"}, BadRow{"no_http", "hello\r\n\r\n", false, "broken"},
                    BadRow{"announces_200_mb", "HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n" + std::string(70'000, 'x'), true, "too_large"},
                    BadRow{"sends_too_much_without_announcing", "HTTP/1.1 200 OK\r\n\r\n" + std::string(70'000, 'x'), false, "too_large"},
                    BadRow{"exactly_the_limit", "HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n" + std::string(65'536, 'x'), false, "status 200"},
                    BadRow{"one_more_than_the_limit", "HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n" + std::string(65'537, 'x'), false, "too_large"},
                    BadRow{"head_too_large", "HTTP/1.1 200 OK\r\n" + [] { std::string all; for (int i = 0; i < 2'000; ++i) all += "X: " + std::string(60, 'a') + "\r\n"; return all; }() + "\r\n", false, "too_large"},
                    BadRow{"compressed_stays_compressed", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", false, "status 200"}));

TEST(DrippingServers, do_not_extend_the_time_limit) {
  ScriptedServer server([](Peer& peer) {
    peer.receive();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n");
    while (peer.send("x")) std::this_thread::sleep_for(milliseconds(20));
  });
  OutgoingRequest request;
  request.url = server.url();
  request.timeout_ms = 400;
  const auto begin = steady_clock::now();
  EXPECT_EQ(kind_of(fetch(std::move(request))), "timeout");
  EXPECT_LT(steady_clock::now() - begin, milliseconds(2'000));
}

TEST(OutgoingProxy, of_the_environment_is_ignored) {
  ScriptedServer proxy(answer_all);
  ScriptedServer server(answer_all);
  const std::string url = "http://127.0.0.1:" + std::to_string(proxy.port());
  for (const char* name : {"http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"}) ::setenv(name, url.c_str(), 1);
  EXPECT_EQ(kind_of(fetch(server.url())), "status 200");
  OutgoingRequest request;
  request.url = "https://writ-test.invalid/";
  request.timeout_ms = 3'000;
  EXPECT_NE(kind_of(fetch(std::move(request))), "status 200");
  for (const char* name : {"http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"}) ::unsetenv(name);
  EXPECT_EQ(proxy.connections(), 0);
}

TEST(OutgoingProxy, that_is_configured_is_used_except_for_loopback) {
  ScriptedServer proxy([](Peer& peer) {
    peer.receive();
    peer.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  });
  ScriptedServer server(answer_all);
  CurlOptions options;
  options.proxy = "http://127.0.0.1:" + std::to_string(proxy.port());
  OutgoingRequest request;
  request.url = "https://writ-test.invalid/";
  EXPECT_NE(kind_of(fetch(std::move(request), options)), "status 200");
  ASSERT_EQ(proxy.requests().size(), 1U);
  EXPECT_TRUE(proxy.requests()[0].second.starts_with("CONNECT writ-test.invalid:443 HTTP/1.1\r\n"));
  OutgoingRequest local;
  local.url = server.url();
  EXPECT_EQ(kind_of(fetch(std::move(local), options)), "status 200");
  OutgoingRequest stranger;   // the proxy would resolve the name where we cannot check it
  stranger.url = "https://writ-test.invalid/";
  stranger.public_addresses_only = true;
  EXPECT_EQ(kind_of(fetch(std::move(stranger), options)), "connect");
  EXPECT_EQ(proxy.connections(), 1);
}

Task<http::Response> secure_answer(const http::Request&) { co_return http::text(200, "secure"); }

TEST(OutgoingTls, needs_a_certificate_of_the_authority_for_the_host) {
  net::TestAuthority authority;
  net::EventLoops loops(1);
  net::Server server(loops, {});
  const auto serve = [&](const std::string& name, const std::string& names) {
    const auto files = authority.issue(name, names, 1);
    net::Listener listener;
    listener.handler = secure_answer;
    listener.tls = std::make_unique<net::TlsFiles>(net::TlsFiles{files.certificate_file, files.key_file});
    return "https://127.0.0.1:" + std::to_string(*server.listen(std::move(listener))) + "/";
  };
  CurlOptions trusting;
  trusting.ca_file = authority.ca_file();
  OutgoingRequest request;
  request.url = serve("good", "IP:127.0.0.1");
  const Outcome good = fetch(request, trusting);
  ASSERT_TRUE(good) << good.error().detail;
  EXPECT_EQ(good->body, "secure");
  EXPECT_EQ(kind_of(fetch(request)), "tls");   // the system does not know this authority
  request.url = serve("misnamed", "DNS:other.example");
  EXPECT_EQ(kind_of(fetch(request, trusting)), "tls");
}

TEST(OutgoingTls, takes_authorities_and_a_certificate_with_the_request) {
  net::TestAuthority authority;
  net::MutualTlsServer server(authority);
  OutgoingRequest request;
  request.url = server.url();
  EXPECT_EQ(kind_of(fetch(request)), "tls");
  request.ca_file = authority.ca_file();
  EXPECT_NE(kind_of(fetch(request)), "status 200") << "without a certificate";
  const auto files = authority.issue("writ-gateway", "", 2);
  request.client_certificate_file = files.certificate_file, request.client_key_file = files.key_file;
  const Outcome good = fetch(request);
  ASSERT_TRUE(good) << good.error().detail;
  EXPECT_EQ(good->body, "writ-gateway");
}

}  // namespace
}  // namespace writ::outgoing
