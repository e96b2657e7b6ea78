#include "adapters/net/proxy.h"

#include <gtest/gtest.h>

#include "adapters/net/raw_client_fixture.h"
#include "adapters/net/server.h"

namespace writ::net {
namespace {

using std::chrono::milliseconds;

std::vector<Network> networks(std::initializer_list<const char*> texts) {
  std::vector<Network> result;
  for (const char* text : texts) result.push_back(*Network::parse(text));
  return result;
}

TEST(Networks, contain_their_addresses_and_no_others) {
  EXPECT_TRUE(contains(networks({"10.0.0.0/8"}), "10.255.0.1"));
  EXPECT_FALSE(contains(networks({"10.0.0.0/8"}), "11.0.0.1"));
  EXPECT_TRUE(contains(networks({"10.0.0.0/8"}), "::ffff:10.1.2.3"));
  EXPECT_TRUE(contains(networks({"192.0.2.128/25"}), "192.0.2.200"));
  EXPECT_FALSE(contains(networks({"192.0.2.128/25"}), "192.0.2.127"));
  EXPECT_TRUE(contains(networks({"192.0.2.1"}), "192.0.2.1"));
  EXPECT_FALSE(contains(networks({"192.0.2.1"}), "192.0.2.2"));
  EXPECT_TRUE(contains(networks({"2001:db8::/33"}), "2001:db8:7fff::1"));
  EXPECT_FALSE(contains(networks({"2001:db8::/33"}), "2001:db8:8000::1"));
  EXPECT_FALSE(contains(networks({"0.0.0.0/0"}), "2001:db8::1"));
  EXPECT_FALSE(contains(networks({"0.0.0.0/0"}), ""));
  for (const char* text : {"", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "host/8"}) {
    EXPECT_FALSE(Network::parse(text)) << text;
  }
}

struct ForwardedRow {
  const char* name;
  http::Headers headers;
  const char* address;
  int secure;   // 1 yes, 0 no, -1 not said
};
std::ostream& operator<<(std::ostream& out, const ForwardedRow& row) { return out << row.name; }

void expect_client(const ProxiedClient& client, const ForwardedRow& row) {
  EXPECT_EQ(client.address, row.address);
  EXPECT_EQ(client.secure ? static_cast<int>(*client.secure) : -1, row.secure);
}

class XForwarded : public ::testing::TestWithParam<ForwardedRow> {};
TEST_P(XForwarded, yields_the_nearest_stranger) { expect_client(from_x_forwarded(GetParam().headers, networks({"10.0.0.0/8"})), GetParam()); }

INSTANTIATE_TEST_SUITE_P(
    Fields, XForwarded,
    testing::Values(ForwardedRow{"none", {}, "", -1}, ForwardedRow{"one", {{"X-Forwarded-For", "192.0.2.1"}}, "192.0.2.1", -1},
                    ForwardedRow{"client_claims_another", {{"X-Forwarded-For", "203.0.113.9, 192.0.2.1"}}, "192.0.2.1", -1},
                    ForwardedRow{"client_claims_a_proxy", {{"X-Forwarded-For", "10.0.0.9, 192.0.2.1, 10.0.0.1"}}, "192.0.2.1", -1},
                    ForwardedRow{"two_lines", {{"X-Forwarded-For", "203.0.113.9"}, {"X-Forwarded-For", "192.0.2.1"}}, "192.0.2.1", -1},
                    ForwardedRow{"all_are_proxies", {{"X-Forwarded-For", "10.0.0.2, 10.0.0.1"}}, "10.0.0.2", -1},
                    ForwardedRow{"nonsense_ends_the_walk", {{"X-Forwarded-For", "203.0.113.9, nonsense, 10.0.0.1"}}, "10.0.0.1", -1},
                    ForwardedRow{"nonsense_alone", {{"X-Forwarded-For", "nonsense"}}, "", -1}, ForwardedRow{"with_port", {{"X-Forwarded-For", "192.0.2.1:99"}}, "192.0.2.1", -1},
                    ForwardedRow{"ipv6", {{"X-Forwarded-For", "[2001:db8::1]:99"}}, "2001:db8::1", -1}, ForwardedRow{"https", {{"X-Forwarded-Proto", "HTTPS"}}, "", 1},
                    ForwardedRow{"http", {{"X-Forwarded-Proto", "http"}}, "", 0}, ForwardedRow{"protocol_list", {{"X-Forwarded-Proto", "https, http"}}, "", 0},
                    ForwardedRow{"protocol_twice", {{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Proto", "https"}}, "", 0}));

class Forwarded : public ::testing::TestWithParam<ForwardedRow> {};
TEST_P(Forwarded, yields_the_nearest_stranger) { expect_client(from_forwarded(GetParam().headers, networks({"10.0.0.0/8"})), GetParam()); }

INSTANTIATE_TEST_SUITE_P(
    Rfc7239, Forwarded,
    testing::Values(ForwardedRow{"none", {}, "", -1}, ForwardedRow{"one", {{"Forwarded", "for=192.0.2.1;proto=https"}}, "192.0.2.1", 1},
                    ForwardedRow{"quoted_ipv6", {{"Forwarded", "For=\"[2001:db8::1]:4711\""}}, "2001:db8::1", 0},
                    ForwardedRow{"client_claims_another", {{"Forwarded", "for=203.0.113.9;proto=https, for=192.0.2.1;proto=http"}}, "192.0.2.1", 0},
                    ForwardedRow{"over_a_proxy", {{"Forwarded", "for=192.0.2.1, for=10.0.0.1;proto=https"}}, "192.0.2.1", 1},
                    ForwardedRow{"hidden_node", {{"Forwarded", "for=192.0.2.1, for=_hidden"}}, "", 0},
                    ForwardedRow{"separator_in_quotes", {{"Forwarded", "for=\"203.0.113.9, for=192.0.2.7\""}}, "", 0}));

// PROXY protocol v2

std::string proxy_header(unsigned char command, unsigned char family, const std::string& rest) {
  std::string header("\r\n\r\n\0\r\nQUIT\n", 12);
  header += static_cast<char>(command);
  header += static_cast<char>(family);
  header += static_cast<char>(rest.size() >> 8);
  header += static_cast<char>(rest.size() & 0xFF);
  return header + rest;
}
const std::string kV4("\xC0\x00\x02\x01\x7F\x00\x00\x01\x30\x39\x01\xBB", 12);   // 192.0.2.1:12345 to 127.0.0.1:443
const std::string kV6 = std::string("\x20\x01\x0D\xB8", 4) + std::string(11, '\0') + "\x01" + std::string(15, '\0') + "\x01" + std::string("\x30\x39\x01\xBB", 4);
const std::string kTls("\x20\x00\x05\x01\x00\x00\x00\x00", 8);

TEST(ProxyProtocol, names_the_client) {
  const auto v4 = parse_proxy_header(proxy_header(0x21, 0x11, kV4));
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->address, "192.0.2.1");
  EXPECT_EQ(v4->secure, false);
  const auto v6 = parse_proxy_header(proxy_header(0x21, 0x21, kV6 + kTls));
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->address, "2001:db8::1");
  EXPECT_EQ(v6->secure, true);
  const auto local = parse_proxy_header(proxy_header(0x20, 0x00, ""));
  ASSERT_TRUE(local);
  EXPECT_EQ(local->address, "");
}

TEST(ProxyProtocol, refuses_what_is_not_whole) {
  const std::string good = proxy_header(0x21, 0x11, kV4 + kTls);
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(parse_proxy_header(good.substr(0, size))) << size;
  EXPECT_FALSE(parse_proxy_header(good + "x"));
  EXPECT_FALSE(parse_proxy_header(proxy_header(0x21, 0x11, kV4.substr(1))));
  EXPECT_FALSE(parse_proxy_header(proxy_header(0x21, 0x12, kV4)));   // datagrams
  EXPECT_FALSE(parse_proxy_header(proxy_header(0x22, 0x11, kV4)));
  EXPECT_FALSE(parse_proxy_header(proxy_header(0x11, 0x11, kV4)));   // version 1
  EXPECT_FALSE(parse_proxy_header(proxy_header(0x21, 0x11, kV4 + std::string("\x20\x00\x09\x01", 4))));
  EXPECT_FALSE(proxy_header_size(proxy_header(0x21, 0x11, std::string(1025 - 16, '\0'))));
}

Task<http::Response> answer(const http::Request& request) { co_return http::text(200, request.peer.address + (request.peer.secure ? " secure" : " plain")); }

struct Serving {
  EventLoops loops{1};
  Server server{loops, {{}, [](std::string_view) {}}};
  std::uint16_t port = 0;
  explicit Serving(std::function<void(Listener&)> change) {
    Listener listener;
    listener.hosts = {"h"};
    listener.handler = answer;
    change(listener);
    port = server.listen(std::move(listener)).value_or(std::uint16_t{0});
  }
  std::string ask(const std::string& before, const std::string& fields) {
    RawClient client(port);
    client.send(before + "GET / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n");
    const std::string all = client.receive_response(milliseconds(3'000));
    const std::size_t body = all.find("\r\n\r\n");
    return body == std::string::npos ? all : all.substr(body + 4);
  }
};

const std::string kFields = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nForwarded: for=192.0.2.2;proto=https\r\n";

TEST(ForwardingFields, of_a_stranger_mean_nothing) {   // T9
  Serving nobody([](Listener&) {});
  EXPECT_EQ(nobody.ask("", kFields), "127.0.0.1 plain");
  Serving others([](Listener& listener) { listener.trusted_proxies = {"10.0.0.0/8"}; });
  EXPECT_EQ(others.ask("", kFields), "127.0.0.1 plain");
}

TEST(BeginningOfARequest, is_told_before_the_handler_and_whether_a_proxy_handed_it_on) {
  const auto begin = [](http::Request& request, bool proxied) { request.peer.address += proxied ? " by a proxy" : " directly"; };
  Serving direct([&](Listener& listener) { listener.begin = begin; });
  EXPECT_EQ(direct.ask("", ""), "127.0.0.1 directly plain");
  Serving proxied([&](Listener& listener) { listener.begin = begin, listener.trusted_proxies = {"127.0.0.1"}; });
  EXPECT_EQ(proxied.ask("", kFields), "192.0.2.1 by a proxy secure");
}

TEST(ForwardingFields, of_a_trusted_proxy_are_believed_in_one_kind) {
  Serving x_forwarded([](Listener& listener) { listener.trusted_proxies = {"127.0.0.1"}; });
  EXPECT_EQ(x_forwarded.ask("", kFields), "192.0.2.1 secure");
  EXPECT_EQ(x_forwarded.ask("", "Forwarded: for=192.0.2.2;proto=https\r\n"), "127.0.0.1 plain");
  Serving forwarded([](Listener& listener) {
    listener.trusted_proxies = {"127.0.0.1"};
    listener.forwarding_fields = Listener::ForwardingFields::forwarded;
  });
  EXPECT_EQ(forwarded.ask("", kFields), "192.0.2.2 secure");
}

TEST(ProxyProtocol, is_read_before_the_first_request) {
  Serving serving([](Listener& listener) {
    listener.trusted_proxies = {"127.0.0.1"};
    listener.proxy_protocol = true;
  });
  EXPECT_EQ(serving.ask(proxy_header(0x21, 0x11, kV4), kFields), "192.0.2.1 plain");   // the client's own fields mean nothing
  EXPECT_EQ(serving.ask(proxy_header(0x21, 0x11, kV4 + kTls), ""), "192.0.2.1 secure");
  EXPECT_EQ(serving.ask("", ""), "");
  EXPECT_EQ(serving.ask("PROXY TCP4 192.0.2.1 127.0.0.1 1 2\r\n", ""), "");
}

TEST(ProxyProtocol, is_taken_from_trusted_proxies_only) {
  Serving serving([](Listener& listener) {
    listener.trusted_proxies = {"10.0.0.0/8"};
    listener.proxy_protocol = true;
  });
  EXPECT_EQ(serving.ask(proxy_header(0x21, 0x11, kV4), ""), "");
}

}  // namespace
}  // namespace writ::net
