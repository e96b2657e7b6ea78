// TLS on listeners: versions, key files, renewal without losing connections.

#include "adapters/net/tls.h"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "adapters/net/certificates_fixture.h"
#include "adapters/net/raw_client_fixture.h"
#include "adapters/net/server.h"

namespace writ::net {
namespace {

using std::chrono::milliseconds;

Task<http::Response> answer(const http::Request& request) { co_return http::text(200, std::string(request.peer.secure ? "secure " : "plain ") + request.body); }

std::unique_ptr<TlsFiles> files_of(const TestAuthority::Files& files) { return std::make_unique<TlsFiles>(TlsFiles{files.certificate_file, files.key_file}); }

// A blocking client under TLS that checks the certificate.
class TlsClient {
 public:
  TlsClient(std::uint16_t port, const std::string& ca_file, int version_max = TLS1_3_VERSION, const char* protocol = "http/1.1") : raw_(port) {
    const timeval limit{10, 0};
    ::setsockopt(raw_.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    const auto context = load_client_tls(ca_file);
    if (!context) return;
    SSL_CTX_set_min_proto_version(context->get(), 0);
    SSL_CTX_set_max_proto_version(context->get(), version_max);
    SSL_CTX_set_cipher_list(context->get(), "DEFAULT@SECLEVEL=0");
    ssl_ = connect_tls(*context, "localhost");
    const std::string alpn = std::string(1, static_cast<char>(std::strlen(protocol))) + protocol;
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(alpn.data()), static_cast<unsigned>(alpn.size()));
    SSL_set_fd(ssl_.get(), raw_.descriptor());
    connected_ = SSL_do_handshake(ssl_.get()) == 1;
  }
  bool is_connected() const { return connected_; }
  long serial() const {
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(ssl_.get()), X509_free);
    return certificate ? ASN1_INTEGER_get(X509_get0_serialNumber(certificate.get())) : 0;
  }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const int sent = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  std::string receive_until(const std::string& end) {
    std::string all;
    std::array<char, 4096> buffer;
    while (all.find(end) == std::string::npos) {
      const int received = SSL_read(ssl_.get(), buffer.data(), buffer.size());
      if (received <= 0) return all;
      all.append(buffer.data(), static_cast<std::size_t>(received));
    }
    return all;
  }

 private:
  RawClient raw_;
  SslPointer ssl_;
  bool connected_ = false;
};

struct Serving {
  TestAuthority authority;
  TestAuthority::Files files = authority.issue("server", "DNS:localhost,IP:127.0.0.1", 7);
  EventLoops loops{1};
  Server server;
  std::uint16_t port = 0;

  explicit Serving(ServerLimits limits = {}) : server(loops, {limits, [](std::string_view) {}}) {
    Listener listener;
    listener.hosts = {"localhost"};
    listener.handler = answer;
    listener.tls = files_of(files);
    port = server.listen(std::move(listener)).value_or(std::uint16_t{0});
  }
};

const std::string kRequest = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello";

TEST(Tls, carries_requests) {
  Serving serving;
  TlsClient client(serving.port, serving.authority.ca_file());
  ASSERT_TRUE(client.is_connected());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.send(kRequest));
    EXPECT_TRUE(client.receive_until("hello").ends_with("secure hello"));
  }
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: localhost:443\r\nContent-Length: 200000\r\n\r\n" + std::string(200'000, 'x')));
  EXPECT_NE(client.receive_until(std::string(200'000, 'x')).find("secure xxx"), std::string::npos);
}

TEST(Tls, answers_a_refusal_under_tls_too) {
  Serving serving;
  TlsClient client(serving.port, serving.authority.ca_file());
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHost: evil\r\n\r\n"));
  EXPECT_EQ(status_of(client.receive_until("that Host\n")), 421);
}

TEST(Tls, is_version_1_2_at_least) {
  Serving serving;
  EXPECT_FALSE(TlsClient(serving.port, serving.authority.ca_file(), TLS1_1_VERSION).is_connected());
  EXPECT_TRUE(TlsClient(serving.port, serving.authority.ca_file(), TLS1_2_VERSION).is_connected());
}

TEST(Tls, refuses_other_protocols) {
  Serving serving;
  EXPECT_FALSE(TlsClient(serving.port, serving.authority.ca_file(), TLS1_3_VERSION, "h2").is_connected());
}

TEST(Tls, does_not_answer_plain_http) {
  Serving serving;
  RawClient client(serving.port);
  client.send(kRequest);
  EXPECT_EQ(client.receive_all(milliseconds(3'000)).find("HTTP"), std::string::npos);
}

TEST(Tls, gives_a_silent_client_up) {
  ServerLimits limits;
  limits.handshake_deadline = milliseconds(200);
  Serving serving(limits);
  RawClient client(serving.port);
  client.send(std::string("\x16\x03\x01", 3));
  bool closed = false;
  client.receive_all(milliseconds(5'000), &closed);
  EXPECT_TRUE(closed);
}

TEST(CertificateReload, is_used_by_new_handshakes_and_keeps_connections) {
  Serving serving;
  TlsClient before(serving.port, serving.authority.ca_file());
  ASSERT_TRUE(before.send(kRequest));
  before.receive_until("hello");
  EXPECT_EQ(before.serial(), 7);
  serving.authority.issue("server", "DNS:localhost", 8);
  ASSERT_TRUE(serving.server.reload_certificates());
  TlsClient after(serving.port, serving.authority.ca_file());
  ASSERT_TRUE(after.send(kRequest));
  EXPECT_TRUE(after.receive_until("hello").ends_with("secure hello"));
  EXPECT_EQ(after.serial(), 8);
  ASSERT_TRUE(before.send(kRequest));
  EXPECT_TRUE(before.receive_until("hello").ends_with("secure hello"));
}

TEST(CertificateExpiry, is_told_for_each_listener_with_tls) {
  Serving serving;
  const auto certificates = serving.server.certificates();
  ASSERT_EQ(certificates.size(), 1u);
  EXPECT_EQ(certificates[0].listener, "127.0.0.1:" + std::to_string(serving.port));
  const std::int64_t now = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_NEAR(static_cast<double>(certificates[0].expires_seconds - now), 3600, 60) << "the authority of tests issues for an hour";
}

TEST(CertificateReload, keeps_the_old_one_when_the_new_one_is_unusable) {
  Serving serving;
  std::ofstream(serving.files.certificate_file) << "no certificate";
  const auto reloaded = serving.server.reload_certificates();
  ASSERT_FALSE(reloaded);
  EXPECT_NE(reloaded.error().find(serving.files.certificate_file), std::string::npos) << reloaded.error();
  TlsClient client(serving.port, serving.authority.ca_file());
  EXPECT_TRUE(client.is_connected());
  EXPECT_EQ(client.serial(), 7);
}

TEST(KeyFile, must_belong_to_us_alone) {   // S10
  TestAuthority authority;
  const auto files = authority.issue("server", "DNS:localhost", 1);
  EXPECT_TRUE(load_server_tls({files.certificate_file, files.key_file}));
  for (const mode_t mode : {0644U, 0640U, 0604U, 0620U}) {
    ::chmod(files.key_file.c_str(), mode);
    const auto refused = load_server_tls({files.certificate_file, files.key_file});
    ASSERT_FALSE(refused) << mode;
    EXPECT_NE(refused.error().find("is open to group or others"), std::string::npos) << refused.error();
  }
}

TEST(KeyFile, must_fit_the_certificate) {
  TestAuthority authority;
  const auto one = authority.issue("one", "DNS:localhost", 1);
  const auto two = authority.issue("two", "DNS:localhost", 2);
  EXPECT_FALSE(load_server_tls({one.certificate_file, two.key_file}));
  EXPECT_FALSE(load_server_tls({"/nonexistent", one.key_file}));
  EXPECT_FALSE(load_server_tls({one.certificate_file, "/nonexistent"}));
}

}  // namespace
}  // namespace writ::net
