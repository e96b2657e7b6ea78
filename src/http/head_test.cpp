#include "http/head.h"

#include <gtest/gtest.h>

#include <string>

namespace writ::http {
namespace {

using Kind = Framing::Kind;

// Feeds `bytes` in two pieces, as a connection would, and answers the status of the refusal, 0 when the head is good, -1 when more is needed.
int verdict(const std::string& bytes, std::size_t cut, const HeadLimits& limits = {}, RequestHead* head = nullptr) {
  HeadEnd end;
  for (const std::string_view arrived : {std::string_view(bytes).substr(0, cut), std::string_view(bytes)}) {
    const auto found = end.find(arrived, limits);
    if (!found) return found.error().status;
    if (!*found) continue;
    auto parsed = parse_request_head(arrived.substr(0, **found), limits);
    if (!parsed) return parsed.error().status;
    if (head) *head = std::move(*parsed);
    return 0;
  }
  return -1;
}

struct Row {
  const char* name;
  std::string bytes;
  int status;
};
std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.name; }

class RequestHeadRules : public ::testing::TestWithParam<Row> {};

TEST_P(RequestHeadRules, hold_at_every_cut) {
  const Row& row = GetParam();
  const std::size_t step = row.bytes.size() < 1'000 ? 1 : 61;
  for (std::size_t cut = 0; cut <= row.bytes.size(); cut += step) ASSERT_EQ(verdict(row.bytes, cut), row.status) << "cut at " << cut;
}

std::string get(std::string fields) { return "GET / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n"; }
std::string post(std::string fields) { return "POST / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n"; }

INSTANTIATE_TEST_SUITE_P(
    Rfc9112, RequestHeadRules,
    testing::Values(
        Row{"plain", get(""), 0}, Row{"plain_with_query", "GET /a?b=c&d HTTP/1.1\r\nHost: h\r\n\r\n", 0},
        Row{"http_1_0", "GET / HTTP/1.0\r\nHost: h\r\n\r\n", 0}, Row{"host_with_port", "GET / HTTP/1.1\r\nHost: h:80\r\n\r\n", 0},
        Row{"host_is_ipv6", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 0}, Row{"value_is_empty", get("X:\r\n"), 0},
        Row{"tab_around_value", get("X:\tv\t\r\n"), 0}, Row{"obs_text_in_value", get("X: \xC3\xA9\r\n"), 0},
        Row{"unknown_method", "FROB / HTTP/1.1\r\nHost: h\r\n\r\n", 0},
        // request line
        Row{"bare_lf_ends_the_line", "GET / HTTP/1.1\nHost: h\r\n\r\n", 400}, Row{"bare_lf_everywhere", "GET / HTTP/1.1\nHost: h\n\n", 400},
        Row{"bare_lf_ends_the_head", "GET / HTTP/1.1\r\nHost: h\r\n\n", 400}, Row{"bare_cr_in_the_line", "GET /\r HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Row{"empty_line_first", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 400}, Row{"space_first", " GET / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Row{"two_spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400}, Row{"tab_for_space", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Row{"space_in_target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400}, Row{"space_last", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", 400},
        Row{"no_version", "GET /\r\nHost: h\r\n\r\n", 400}, Row{"version_lower_case", "GET / http/1.1\r\nHost: h\r\n\r\n", 400},
        Row{"version_2_0", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505}, Row{"version_1_2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", 505},
        Row{"version_too_long", "GET / HTTP/1.10\r\nHost: h\r\n\r\n", 400}, Row{"http2_preface", "PRI * HTTP/2.0\r\n\r\n", 400},
        Row{"method_with_bad_byte", "G(T / HTTP/1.1\r\nHost: h\r\n\r\n", 400}, Row{"method_empty", " / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Row{"method_too_long", std::string(33, 'A') + " / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Row{"connect", "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", 501}, Row{"absolute_form", "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Row{"asterisk_form", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 400}, Row{"authority_form", "GET h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Row{"fragment", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 400}, Row{"backslash", "GET /a\\b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Row{"target_not_ascii", "GET /\xC3\xA9 HTTP/1.1\r\nHost: h\r\n\r\n", 400}, Row{"nul_in_target", std::string("GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", 29), 400},
        // fields
        Row{"folded_by_space", get("X: a\r\n b\r\n"), 400}, Row{"folded_by_tab", get("X: a\r\n\tb\r\n"), 400},
        Row{"first_field_folded", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400}, Row{"space_before_colon", get("X : a\r\n"), 400},
        Row{"tab_before_colon", get("X\t: a\r\n"), 400}, Row{"no_colon", get("X\r\n"), 400}, Row{"name_empty", get(": a\r\n"), 400},
        Row{"space_in_name", get("X Y: a\r\n"), 400}, Row{"name_not_ascii", get("X\xC3: a\r\n"), 400},
        Row{"nul_in_value", "GET / HTTP/1.1\r\nHost: h\r\nX: a" + std::string(1, '\0') + "\r\n\r\n", 400}, Row{"bare_cr_in_value", get("X: a\rb\r\n"), 400},
        Row{"bare_lf_in_value", get("X: a\nb\r\n"), 400}, Row{"escape_in_value", get("X: \x1B\r\n"), 400}, Row{"delete_in_value", get("X: \x7F\r\n"), 400},
        Row{"cr_cr_lf", get("X: a\r\r\n"), 400},
        // Host
        Row{"no_host", "GET / HTTP/1.1\r\n\r\n", 400}, Row{"no_host_in_1_0", "GET / HTTP/1.0\r\n\r\n", 400}, Row{"two_hosts", get("Host: h\r\n"), 400},
        Row{"host_twice_in_other_case", get("HOST: h\r\n"), 400}, Row{"host_empty", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
        Row{"host_with_user", "GET / HTTP/1.1\r\nHost: a@h\r\n\r\n", 400}, Row{"host_with_path", "GET / HTTP/1.1\r\nHost: h/a\r\n\r\n", 400},
        Row{"host_is_a_list", "GET / HTTP/1.1\r\nHost: h, g\r\n\r\n", 400}, Row{"host_with_two_ports", "GET / HTTP/1.1\r\nHost: h:1:2\r\n\r\n", 400},
        Row{"host_with_escape", "GET / HTTP/1.1\r\nHost: %68\r\n\r\n", 400}, Row{"host_port_empty", "GET / HTTP/1.1\r\nHost: h:\r\n\r\n", 400},
        Row{"host_port_not_digits", "GET / HTTP/1.1\r\nHost: h:a\r\n\r\n", 400}, Row{"host_ipv6_open", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},
        Row{"host_ipv6_zone", "GET / HTTP/1.1\r\nHost: [fe80::1%25eth0]\r\n\r\n", 400}));

INSTANTIATE_TEST_SUITE_P(
    Smuggling, RequestHeadRules,
    testing::Values(
        Row{"length_alone", post("Content-Length: 5\r\n"), 0}, Row{"length_zero", post("Content-Length: 0\r\n"), 0},
        Row{"chunked_alone", post("Transfer-Encoding: chunked\r\n"), 0}, Row{"chunked_in_other_case", post("transfer-encoding: Chunked\r\n"), 0},
        Row{"length_and_chunked", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400},
        Row{"chunked_and_length", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400},
        Row{"length_zero_and_chunked", post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"), 400},
        Row{"two_equal_lengths", post("Content-Length: 5\r\nContent-Length: 5\r\n"), 400},
        Row{"two_lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n"), 400}, Row{"length_list", post("Content-Length: 5, 5\r\n"), 400},
        Row{"length_with_plus", post("Content-Length: +5\r\n"), 400}, Row{"length_negative", post("Content-Length: -1\r\n"), 400},
        Row{"length_hexadecimal", post("Content-Length: 0x5\r\n"), 400}, Row{"length_empty", post("Content-Length:\r\n"), 400},
        Row{"length_with_space", post("Content-Length: 5 5\r\n"), 400}, Row{"length_over_64_bits", post("Content-Length: 18446744073709551621\r\n"), 400},
        Row{"length_fraction", post("Content-Length: 5.0\r\n"), 400}, Row{"coding_unknown", post("Transfer-Encoding: gzip\r\n"), 501},
        Row{"coding_list", post("Transfer-Encoding: gzip, chunked\r\n"), 501}, Row{"coding_identity", post("Transfer-Encoding: identity\r\n"), 501},
        Row{"chunked_twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
        Row{"chunked_list", post("Transfer-Encoding: chunked, chunked\r\n"), 501}, Row{"chunked_misspelt", post("Transfer-Encoding: xchunked\r\n"), 501},
        Row{"chunked_quoted", post("Transfer-Encoding: \"chunked\"\r\n"), 501}, Row{"chunked_with_vertical_tab", post("Transfer-Encoding: \x0B" "chunked\r\n"), 400},
        Row{"chunked_after_space_name", post("Transfer-Encoding : chunked\r\n"), 400}, Row{"coding_empty", post("Transfer-Encoding:\r\n"), 501},
        Row{"chunked_in_1_0", "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        Row{"h2c_upgrade", get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"), 400},
        Row{"websocket_upgrade", get("Connection: Upgrade\r\nUpgrade: websocket\r\n"), 400},
        Row{"expect_continue", post("Expect: 100-Continue\r\nContent-Length: 1\r\n"), 0}, Row{"expect_other", post("Expect: 200-ok\r\n"), 417},
        Row{"body_compressed", post("Content-Encoding: gzip\r\nContent-Length: 5\r\n"), 415}, Row{"body_identity", post("Content-Encoding: identity\r\n"), 0},
        Row{"body_compressed_second", post("Content-Encoding: identity\r\nContent-Encoding: br\r\n"), 415}));

std::string many_fields(std::size_t count) {
  std::string fields;
  for (std::size_t i = 0; i < count; ++i) fields += "A: b\r\n";
  return fields;
}

std::string head_of(std::size_t bytes) {
  const std::string long_fields = "X: " + std::string(8000, 'a') + "\r\nY: " + std::string(8000, 'a') + "\r\n";
  return get(long_fields + "Z: " + std::string(bytes - get(long_fields + "Z: \r\n").size(), 'a') + "\r\n");
}

// Just inside and just outside of each limit.
INSTANTIATE_TEST_SUITE_P(
    Limits, RequestHeadRules,
    testing::Values(Row{"line_of_8192", "GET /" + std::string(8192 - 14, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", 0},
                    Row{"line_of_8193", "GET /" + std::string(8193 - 14, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", 414},
                    Row{"field_of_8192", get("X: " + std::string(8192 - 3, 'a') + "\r\n"), 0},
                    Row{"field_of_8193", get("X: " + std::string(8193 - 3, 'a') + "\r\n"), 431},
                    Row{"head_of_16384", head_of(16384), 0},
                    Row{"head_of_16385", head_of(16385), 431},
                    Row{"fields_100", get(many_fields(99)), 0}, Row{"fields_101", get(many_fields(100)), 431}));

TEST(RequestHead, is_handed_on_as_it_was_sent) {
  RequestHead head;
  ASSERT_EQ(verdict("POST /a%2Fb?c=%00 HTTP/1.1\r\nHOST: H:8\r\nX-y:  a b \r\nContent-Length: 12\r\n\r\n", 0, {}, &head), 0);
  EXPECT_EQ(head.request.method, "POST");
  EXPECT_EQ(head.request.path, "/a%2Fb");
  EXPECT_EQ(head.request.query, "c=%00");
  EXPECT_EQ(head.request.host, "H:8");
  ASSERT_NE(head.request.headers.find_single("x-Y"), nullptr);
  EXPECT_EQ(*head.request.headers.find_single("x-Y"), "a b");
  EXPECT_EQ(head.framing.kind, Kind::length);
  EXPECT_EQ(head.framing.length, 12U);
  EXPECT_TRUE(head.keep_alive);
}

TEST(RequestHead, says_whether_the_connection_lives_on) {
  RequestHead head;
  ASSERT_EQ(verdict(get("Connection: foo, Close\r\n"), 0, {}, &head), 0);
  EXPECT_FALSE(head.keep_alive);
  ASSERT_EQ(verdict("GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n", 0, {}, &head), 0);
  EXPECT_FALSE(head.keep_alive);
}

TEST(RequestHead, waits_for_more_while_it_is_not_whole) {
  const std::string whole = get("X: y\r\n");
  for (std::size_t size = 0; size < whole.size(); ++size) ASSERT_EQ(verdict(whole.substr(0, size), 0), -1) << size;
}

struct ResponseRow {
  const char* name;
  std::string bytes;
  bool good;
  Kind kind = Kind::none;
  const char* method = "GET";
};
std::ostream& operator<<(std::ostream& out, const ResponseRow& row) { return out << row.name; }
class ResponseHeadRules : public ::testing::TestWithParam<ResponseRow> {};

TEST_P(ResponseHeadRules, hold) {
  const ResponseRow& row = GetParam();
  HeadEnd end;
  const auto found = end.find(row.bytes, {});
  if (!found) {
    EXPECT_FALSE(row.good);
    return;
  }
  ASSERT_TRUE(found->has_value());
  const auto head = parse_response_head(std::string_view(row.bytes).substr(0, **found), row.method, {});
  ASSERT_EQ(head.has_value(), row.good) << (head ? "" : head.error().what);
  if (!head) return;
  EXPECT_EQ(static_cast<int>(head->framing.kind), static_cast<int>(row.kind));
}

INSTANTIATE_TEST_SUITE_P(
    Rfc9112, ResponseHeadRules,
    testing::Values(ResponseRow{"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, Kind::length},
                    ResponseRow{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true, Kind::chunked},
                    ResponseRow{"until_close", "HTTP/1.1 200 OK\r\n\r\n", true, Kind::until_close},
                    ResponseRow{"no_reason", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", true, Kind::none},
                    ResponseRow{"no_content", "HTTP/1.1 204 No Content\r\n\r\n", true, Kind::none},
                    ResponseRow{"not_modified_with_length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", true, Kind::none},
                    ResponseRow{"answer_to_head", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, Kind::none, "HEAD"},
                    ResponseRow{"length_and_chunked", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", false},
                    ResponseRow{"two_lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", false},
                    ResponseRow{"coding_unknown", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", false},
                    ResponseRow{"bare_lf", "HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\n", false},
                    ResponseRow{"folded", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", false},
                    ResponseRow{"nul_in_value", std::string("HTTP/1.1 200 OK\r\nX: a\0\r\n\r\n", 26), false},
                    ResponseRow{"escape_in_reason", "HTTP/1.1 200 \x1B\r\nContent-Length: 0\r\n\r\n", false},
                    ResponseRow{"status_too_short", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", false},
                    ResponseRow{"status_0", "HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n", false},
                    ResponseRow{"status_600", "HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n", false},
                    ResponseRow{"http_0_9", "hello\r\n\r\n", false}, ResponseRow{"http_2", "HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n", false},
                    ResponseRow{"space_before_colon", "HTTP/1.1 200 OK\r\nX : a\r\n\r\n", false}));

}  // namespace
}  // namespace writ::http
