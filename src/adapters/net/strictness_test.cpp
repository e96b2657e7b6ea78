// What the listener refuses, sent over real sockets: the status, that the connection is closed, and that no handler saw it (G1, G2, G3, T3).

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "adapters/net/server.h"
#include "adapters/net/raw_client_fixture.h"

namespace writ::net {
namespace {

using std::chrono::milliseconds;

Task<http::Response> count(std::atomic<int>* calls, const http::Request& request) {
  ++*calls;
  co_return http::text(200, "[" + request.method + " " + request.path + " " + request.body + "]");
}

// One server for all rows.
class Strict {
 public:
  static Strict& get() {
    static Strict instance;
    return instance;
  }
  std::atomic<int> calls{0};
  std::uint16_t port = 0;

 private:
  Strict() : server_(loops_, {{}, [](std::string_view) {}}) {
    Listener listener;
    listener.hosts = {"example.com", "other.example:8443"};
    listener.handler = [this](const http::Request& request) { return count(&calls, request); };
    listener.body_bytes_max = [](std::string_view path) -> std::size_t { return path == "/token" ? 256 * 1024 : 1024 * 1024; };
    port = server_.listen(std::move(listener)).value_or(std::uint16_t{0});
  }
  EventLoops loops_{1};
  Server server_;
};

struct Row {
  const char* name;
  std::string bytes;
  int status;
};
std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.name; }

class RefusedRequests : public ::testing::TestWithParam<Row> {};

TEST_P(RefusedRequests, never_reach_a_handler) {
  Strict& strict = Strict::get();
  const Row& row = GetParam();
  const int calls_before = strict.calls;
  RawClient client(strict.port);
  ASSERT_TRUE(client.is_connected());
  // Behind it a request as a smuggler would hide it: it must not be answered either.
  client.send(row.bytes + "GET /smuggled HTTP/1.1\r\nHost: example.com\r\n\r\n");
  bool closed = false;
  const std::string answer = client.receive_all(milliseconds(5'000), &closed);
  EXPECT_EQ(status_of(answer), row.status) << answer;
  EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos) << answer;
  EXPECT_EQ(answer.find("HTTP/1.1", 1), std::string::npos) << "a second answer: " << answer;
  EXPECT_TRUE(closed);
  EXPECT_EQ(strict.calls, calls_before);
}

TEST_P(RefusedRequests, are_refused_alike_at_every_cut) {
  Strict& strict = Strict::get();
  const Row& row = GetParam();
  const int calls_before = strict.calls;
  const std::size_t step = row.bytes.size() < 400 ? 1 : row.bytes.size() / 7;
  for (std::size_t cut = 1; cut < row.bytes.size(); cut += step) {
    RawClient client(strict.port);
    client.send(std::string_view(row.bytes).substr(0, cut));
    std::this_thread::sleep_for(std::chrono::microseconds(300));
    client.send(std::string_view(row.bytes).substr(cut));
    const std::string answer = client.receive_all(milliseconds(5'000));
    ASSERT_EQ(status_of(answer), row.status) << "cut at " << cut << ": " << answer;
  }
  EXPECT_EQ(strict.calls, calls_before);
}

std::string get(const std::string& fields) { return "GET /a HTTP/1.1\r\nHost: example.com\r\n" + fields + "\r\n"; }
std::string post(const std::string& fields, const std::string& body = "") {
  return "POST /a HTTP/1.1\r\nHost: example.com\r\n" + fields + "\r\n" + body;
}
std::string chunked(const std::string& body) { return post("Transfer-Encoding: chunked\r\n", body); }
std::string fields(std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += "A: b\r\n";
  return all;
}

INSTANTIATE_TEST_SUITE_P(
    Smuggling, RefusedRequests,
    testing::Values(Row{"length_beside_chunked", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
                    Row{"chunked_beside_length", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 400},
                    Row{"two_lengths", post("Content-Length: 0\r\nContent-Length: 40\r\n"), 400},
                    Row{"two_equal_lengths", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400},
                    Row{"length_with_plus", post("Content-Length: +5\r\n", "hello"), 400}, Row{"length_list", post("Content-Length: 5,5\r\n", "hello"), 400},
                    Row{"coding_unknown", post("Transfer-Encoding: gzip\r\n"), 501}, Row{"coding_after_tab_name", post("Transfer-Encoding\t: chunked\r\n"), 400},
                    Row{"coding_behind_vertical_tab", post("Transfer-Encoding:\x0B" "chunked\r\n"), 400},
                    Row{"coding_list", post("Transfer-Encoding: identity, chunked\r\n", "0\r\n\r\n"), 501},
                    Row{"coding_in_1_0", "POST / HTTP/1.0\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
                    Row{"chunk_size_bad", chunked("zz\r\n"), 400}, Row{"chunk_bare_lf", chunked("5\nhello\r\n0\r\n\r\n"), 400},
                    Row{"chunk_bare_lf_in_extension", chunked("5;a\nb\r\nhello\r\n0\r\n\r\n"), 400}, Row{"chunk_too_long", chunked("4\r\nhello\r\n0\r\n\r\n"), 400},
                    Row{"chunk_end_other_bytes", chunked("5\r\nhelloXX0\r\n\r\n"), 400}, Row{"chunk_size_overflows", chunked("fffffffffffffffff\r\n"), 400},
                    Row{"folded_field", get("X: a\r\n b\r\n"), 400}, Row{"bare_cr_in_field", get("X: a\rb\r\n"), 400}, Row{"bare_lf_in_field", get("X: a\nb\r\n"), 400},
                    Row{"bare_lf_line", "GET /a HTTP/1.1\nHost: example.com\n\n", 400}, Row{"nul_in_field", get("X: a" + std::string(1, '\0') + "\r\n"), 400},
                    Row{"space_before_colon", get("X : a\r\n"), 400}, Row{"space_before_name", get(" X: a\r\n"), 400}, Row{"empty_line_first", "\r\n" + get(""), 400}));

INSTANTIATE_TEST_SUITE_P(
    HostAndForm, RefusedRequests,
    testing::Values(Row{"no_host", "GET /a HTTP/1.1\r\n\r\n", 400}, Row{"no_host_in_1_0", "GET /a HTTP/1.0\r\n\r\n", 400}, Row{"two_hosts", get("Host: example.com\r\n"), 400},
                    Row{"host_unknown", "GET /a HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421}, Row{"host_with_other_port", "GET /a HTTP/1.1\r\nHost: example.com:81\r\n\r\n", 421},
                    Row{"host_without_its_port", "GET /a HTTP/1.1\r\nHost: other.example\r\n\r\n", 421}, Row{"host_with_suffix", "GET /a HTTP/1.1\r\nHost: example.com.evil.example\r\n\r\n", 421},
                    Row{"host_with_dot", "GET /a HTTP/1.1\r\nHost: example.com.\r\n\r\n", 421}, Row{"host_with_user", "GET /a HTTP/1.1\r\nHost: a@example.com\r\n\r\n", 400},
                    Row{"host_only_in_forwarding_field", "GET /a HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: example.com\r\nForwarded: host=example.com\r\n\r\n", 421},
                    Row{"absolute_form", "GET http://example.com/a HTTP/1.1\r\nHost: example.com\r\n\r\n", 400}, Row{"asterisk_form", "OPTIONS * HTTP/1.1\r\nHost: example.com\r\n\r\n", 400},
                    Row{"connect", "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n", 501},
                    Row{"h2c_upgrade", get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"), 400},
                    Row{"websocket_upgrade", get("Connection: Upgrade\r\nUpgrade: websocket\r\n"), 400}, Row{"http2_preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
                    Row{"http_2_version", "GET /a HTTP/2.0\r\nHost: example.com\r\n\r\n", 505}, Row{"tls_hello", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", 13), 400}));

INSTANTIATE_TEST_SUITE_P(
    Limits, RefusedRequests,
    testing::Values(Row{"line_too_long", "GET /" + std::string(8192, 'a') + " HTTP/1.1\r\nHost: example.com\r\n\r\n", 414},
                    Row{"line_endless", "GET /" + std::string(20'000, 'a'), 414}, Row{"field_of_1_mb", get("X: " + std::string(1 << 20, 'a') + "\r\n"), 431},
                    Row{"fields_101", get(fields(100)), 431}, Row{"fields_20000", get(fields(20'000)), 431},
                    Row{"body_announced_too_large", post("Content-Length: 1048577\r\n"), 413}, Row{"body_announced_huge", post("Content-Length: 999999999999999999\r\n"), 413},
                    Row{"token_body_too_large", "POST /token HTTP/1.1\r\nHost: example.com\r\nContent-Length: 262145\r\n\r\n", 413},
                    Row{"chunked_body_too_large", chunked("100001\r\n"), 413}, Row{"chunk_extensions_too_large", chunked("5;" + std::string(17'000, 'a') + "\r\n"), 400}));

INSTANTIATE_TEST_SUITE_P(
    Codings, RefusedRequests,
    testing::Values(Row{"gzip", post("Content-Encoding: gzip\r\nContent-Length: 5\r\n", "hello"), 415}, Row{"deflate_in_other_case", post("content-encoding: DEFLATE\r\nContent-Length: 0\r\n"), 415},
                    Row{"gzip_behind_identity", post("Content-Encoding: identity\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n", "hello"), 415},
                    Row{"expect_other", post("Expect: the-moon\r\nContent-Length: 5\r\n", "hello"), 417}));

TEST(AcceptedRequests, are_answered_alike_at_every_cut) {
  Strict& strict = Strict::get();
  const std::string bytes = "POST /a HTTP/1.1\r\nhost: EXAMPLE.com:80\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nT: u\r\n\r\n"
                            "GET /b HTTP/1.1\r\nHost: other.example:8443\r\n\r\n"
                            "POST /c HTTP/1.1\r\nHost: example.com\r\nContent-Length: 3\r\nConnection: close\r\n\r\nend";
  for (std::size_t cut = 1; cut <= bytes.size(); ++cut) {
    RawClient client(strict.port);
    client.send(std::string_view(bytes).substr(0, cut));
    std::this_thread::sleep_for(std::chrono::microseconds(300));
    client.send(std::string_view(bytes).substr(cut));
    const std::string answer = client.receive_all(milliseconds(5'000));
    const std::size_t first = answer.find("[POST /a hello]");
    const std::size_t second = answer.find("[GET /b ]");
    const std::size_t third = answer.find("[POST /c end]");
    ASSERT_NE(first, std::string::npos) << "cut at " << cut << ": " << answer;
    ASSERT_TRUE(first < second && second < third && third != std::string::npos) << "cut at " << cut << ": " << answer;
  }
}

TEST(AcceptedRequests, may_be_as_large_as_the_limit) {
  Strict& strict = Strict::get();
  for (const auto& [path, size] : {std::pair<std::string, std::size_t>{"/token", 256 * 1024}, {"/a", 1024 * 1024}}) {
    RawClient client(strict.port);
    client.send("POST " + path + " HTTP/1.1\r\nHost: example.com\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" + std::string(size, 'x'));
    const std::string answer = client.receive_response();
    EXPECT_EQ(status_of(answer), 200);
    EXPECT_GT(answer.size(), size);
  }
}

TEST(AcceptedRequests, wait_for_leave_when_they_ask_for_it) {
  Strict& strict = Strict::get();
  RawClient client(strict.port);
  client.send("POST /a HTTP/1.1\r\nHost: example.com\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(client.receive_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hello");
  EXPECT_EQ(status_of(client.receive_response()), 200);
  // Too large: the refusal comes instead of the leave.
  client.send("POST /token HTTP/1.1\r\nHost: example.com\r\nExpect: 100-continue\r\nContent-Length: 262145\r\n\r\n");
  EXPECT_EQ(status_of(client.receive_response()), 413);
}

TEST(AcceptedRequests, get_no_body_when_they_ask_with_head) {
  Strict& strict = Strict::get();
  RawClient client(strict.port);
  client.send("HEAD /a HTTP/1.1\r\nHost: example.com\r\n\r\nGET /b HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n");
  const std::string answer = client.receive_all();
  EXPECT_NE(answer.find("Content-Length: 10\r\n"), std::string::npos) << answer;
  EXPECT_EQ(answer.find("[HEAD"), std::string::npos) << answer;
  EXPECT_NE(answer.find("[GET /b ]"), std::string::npos) << answer;
}

TEST(Answers, allow_no_other_origin) {   // T10
  Strict& strict = Strict::get();
  RawClient client(strict.port);
  client.send("OPTIONS /a HTTP/1.1\r\nHost: example.com\r\nOrigin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n\r\n");
  EXPECT_EQ(client.receive_response().find("Access-Control"), std::string::npos);
}

TEST(Refusals, do_not_echo_what_was_sent) {
  Strict& strict = Strict::get();
  RawClient client(strict.port);
  client.send("GET /a HTTP/1.1\r\nHost: example.com\r\nS3CRET\x1B: b\r\n\r\n");
  EXPECT_EQ(client.receive_all().find("S3CRET"), std::string::npos);
}

}  // namespace
}  // namespace writ::net
