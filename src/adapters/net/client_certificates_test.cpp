// Listeners that ask clients for certificates: everybody is served, and what was shown is told with what is believed of it (RFC 8705 §2).

#include <gtest/gtest.h>

#include "adapters/net/certificates_fixture.h"
#include "adapters/net/raw_client_fixture.h"
#include "adapters/net/server.h"
#include "adapters/net/tls.h"

namespace writ::net {
namespace {

Task<http::Response> tell(const http::Request& request) {
  const auto& certificate = request.peer.certificate;
  co_return http::text(200, !certificate ? "none." : (certificate->trusted ? "trusted " : "untrusted ") + certificate->subject + ".");
}

struct Asking {
  TestAuthority authority, clients, foreign;
  TestAuthority::Files own = authority.issue("server", "DNS:localhost", 1);
  TestAuthority::Files desk = clients.issue("desk", "DNS:desk.example", 2), stranger = foreign.issue("desk", "DNS:desk.example", 3);
  EventLoops loops{1};
  Server server{loops, {{}, [](std::string_view) {}}};
  std::uint16_t port = 0;

  explicit Asking(bool asks = true, bool with_authorities = true, std::vector<std::string> proxies = {}) {
    Listener listener;
    listener.hosts = {"localhost"};
    listener.handler = tell;
    listener.trusted_proxies = std::move(proxies);
    listener.tls = std::make_unique<TlsFiles>(TlsFiles{own.certificate_file, own.key_file, asks, with_authorities ? clients.ca_file() : ""});
    port = server.listen(std::move(listener)).value_or(std::uint16_t{0});
  }

  // What the handler was told, of each of two requests of one connection; empty: there was none.
  std::string ask(const TestAuthority::Files& files = {}, int version = TLS1_3_VERSION) const {
    RawClient raw(port);
    const timeval limit{10, 0};
    ::setsockopt(raw.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    const auto context = load_client_tls(authority.ca_file(), files.certificate_file, files.key_file);
    if (!context) return context.error();
    SSL_CTX_set_max_proto_version(context->get(), version);
    const SslPointer ssl = connect_tls(*context, "localhost");
    SSL_set_fd(ssl.get(), raw.descriptor());
    if (SSL_do_handshake(ssl.get()) != 1) return "";
    std::string told;
    for (int i = 0; i < 2; ++i) {
      constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n";
      if (SSL_write(ssl.get(), kRequest.data(), kRequest.size()) <= 0) return "";
      std::string answer;
      std::array<char, 4096> buffer;
      while (!answer.ends_with('.')) {
        const int received = SSL_read(ssl.get(), buffer.data(), buffer.size());
        if (received <= 0) return "";
        answer.append(buffer.data(), static_cast<std::size_t>(received));
      }
      told += answer.substr(answer.find("\r\n\r\n") + 4);
    }
    return told;
  }
};

class EitherVersion : public testing::TestWithParam<int> {};
TEST_P(EitherVersion, TellsWhatIsBelieved) {
  const Asking asking;
  EXPECT_EQ(asking.ask({}, GetParam()), "none.none.");
  EXPECT_EQ(asking.ask(asking.desk, GetParam()), "trusted CN=desk.trusted CN=desk.");
  EXPECT_EQ(asking.ask(asking.stranger, GetParam()), "untrusted CN=desk.untrusted CN=desk.");
}
INSTANTIATE_TEST_SUITE_P(Tls, EitherVersion, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION), [](const auto& row) { return row.param == TLS1_2_VERSION ? "v1_2" : "v1_3"; });

TEST(ClientCertificates, are_untrusted_without_authorities) {
  const Asking asking(true, false);
  EXPECT_EQ(asking.ask(asking.desk), "untrusted CN=desk.untrusted CN=desk.");
}

TEST(ClientCertificates, are_not_asked_for_where_the_listener_does_not) {
  const Asking silent(false);
  EXPECT_EQ(silent.ask(silent.desk), "none.none.");
}

// The certificate is the proxy's, and would speak for whomever it hands on.
TEST(ClientCertificates, of_a_trusted_proxy_are_not_its_clients) {
  const Asking asking(true, true, {"127.0.0.0/8"});
  EXPECT_EQ(asking.ask(asking.desk), "none.none.");
}

TEST(ClientCertificates, are_believed_by_the_authorities_of_the_last_reload) {
  Asking asking;
  EXPECT_EQ(asking.ask(asking.desk), "trusted CN=desk.trusted CN=desk.");
  std::filesystem::copy_file(asking.foreign.ca_file(), asking.clients.ca_file(), std::filesystem::copy_options::overwrite_existing);
  ASSERT_TRUE(asking.server.reload_certificates());
  EXPECT_EQ(asking.ask(asking.desk), "untrusted CN=desk.untrusted CN=desk.");
  EXPECT_EQ(asking.ask(asking.stranger), "trusted CN=desk.trusted CN=desk.");
}

TEST(ClientAuthorities, must_be_readable) {
  TestAuthority authority;
  const auto own = authority.issue("server", "DNS:localhost", 1);
  const auto refused = load_server_tls({own.certificate_file, own.key_file, true, "/nonexistent"});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("cannot use the certificate authorities of `/nonexistent`"), std::string::npos) << refused.error();
  EXPECT_FALSE(load_server_tls({own.certificate_file, own.key_file, true, own.key_file})) << "a file without a certificate";
}

}  // namespace
}  // namespace writ::net
