#pragma once

// A server that talks only to clients with a certificate of its authority, and answers with their name. For tests of clients.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <string>
#include <thread>

#include "adapters/net/certificates_fixture.h"

namespace writ::net {

class MutualTlsServer {
 public:
  explicit MutualTlsServer(TestAuthority& authority) : context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free) {
    const auto files = authority.issue("mutual-tls-server", "IP:127.0.0.1", 7);
    SSL_CTX_use_certificate_chain_file(context_.get(), files.certificate_file.c_str());
    SSL_CTX_use_PrivateKey_file(context_.get(), files.key_file.c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_load_verify_locations(context_.get(), authority.ca_file().c_str(), nullptr);
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listening_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listening_, 8);
    ::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size);
    url_ = "https://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
    thread_ = std::thread([this] { serve(); });
  }
  ~MutualTlsServer() {
    stopping_ = true;
    thread_.join();
    ::close(listening_);
  }
  const std::string& url() const { return url_; }

 private:
  void serve() {
    while (!stopping_) {
      pollfd waiting{listening_, POLLIN, 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      const int descriptor = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
      const timeval limit{2, 0};
      ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
      ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
      answer(descriptor);
      ::close(descriptor);
    }
  }
  // One request for each connection.
  void answer(int descriptor) {
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context_.get()), SSL_free);
    SSL_set_fd(ssl.get(), descriptor);
    if (SSL_accept(ssl.get()) != 1) return;
    std::string name(64, '\0');
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(ssl.get()), X509_free);
    const int length = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name.data(), static_cast<int>(name.size()));
    name.resize(static_cast<std::size_t>(std::max(0, length)));
    std::array<char, 4096> request{};
    if (SSL_read(ssl.get(), request.data(), request.size()) <= 0) return;
    const std::string response = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(name.size()) + "\r\n\r\n" + name;
    SSL_write(ssl.get(), response.data(), static_cast<int>(response.size()));
    SSL_shutdown(ssl.get());
  }

  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  int listening_ = -1;
  std::string url_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace writ::net
