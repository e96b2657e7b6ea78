#include "adapters/net/tls.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <string_view>

namespace writ::net {
namespace {

std::string last_error(std::string what) {
  std::array<char, 200> text{};
  if (const unsigned long code = ERR_get_error()) {
    ERR_error_string_n(code, text.data(), text.size());
    what.append(": ").append(text.data());
  }
  ERR_clear_error();
  return what;
}

// "http/1.1" in the length-prefixed form of ALPN (RFC 7301 §3.1).
constexpr std::array<unsigned char, 9> kHttp11{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

int select_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered, unsigned int offered_size, void*) {
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, out_size, kHttp11.data(), kHttp11.size(), offered, offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;   // speaking HTTP/1.1 to a client that asked for something else invites cross-protocol confusion
  }
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

SslContext new_context(const SSL_METHOD* method) {
  SslContext context(SSL_CTX_new(method), SSL_CTX_free);
  if (!context) return context;
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  return context;
}

Result<void, std::string> use_certificate(const SslContext& context, const std::string& certificate_file, const std::string& key_file) {
  struct stat status {};
  if (::stat(key_file.c_str(), &status) != 0) return unexpected("cannot read the key file `" + key_file + "`");
  if ((status.st_mode & 0066) != 0) return unexpected("the key file `" + key_file + "` is open to group or others; use mode 0600");
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) != 1) {
    return unexpected(last_error("cannot use the certificate file `" + certificate_file + "`"));
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return unexpected(last_error("cannot use the key file `" + key_file + "`"));
  }
  if (SSL_CTX_check_private_key(context.get()) != 1) {
    return unexpected(last_error("the key in `" + key_file + "` does not belong to the certificate in `" + certificate_file + "`"));
  }
  return {};
}

// What OpenSSL makes of the chain stays in the verification result; the handshake goes on. Most clients have no certificate, and one that nobody vouches
// for may be registered itself (RFC 8705 §2.2).
int verify_and_go_on(X509_STORE_CTX* chain, void*) {
  if (X509_verify_cert(chain) != 1 && X509_STORE_CTX_get_error(chain) == X509_V_OK) X509_STORE_CTX_set_error(chain, X509_V_ERR_UNSPECIFIED);
  return 1;
}

Result<void, std::string> ask_clients(const SslContext& context, const std::string& authorities_file) {
  if (!authorities_file.empty()) {
    ERR_clear_error();
    STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(authorities_file.c_str());
    if (names == nullptr || SSL_CTX_load_verify_locations(context.get(), authorities_file.c_str(), nullptr) != 1) {
      sk_X509_NAME_pop_free(names, X509_NAME_free);
      return unexpected(last_error("cannot use the certificate authorities of `" + authorities_file + "`"));
    }
    SSL_CTX_set_client_CA_list(context.get(), names);   // said to clients, so that browsers do not offer whatever else they have
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context.get(), verify_and_go_on, nullptr);
  // A resumed session would bring along what was believed of its certificate then, under authorities that may be others now.
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context.get(), 0);
  return {};
}

}  // namespace

Result<SslContext, std::string> load_server_tls(const TlsFiles& files) {
  SslContext context = new_context(TLS_server_method());
  if (!context) return unexpected(last_error("cannot set up TLS"));
  TRY(use_certificate(context, files.certificate_file, files.key_file));
  if (files.asks_clients) TRY(ask_clients(context, files.client_authorities_file));
  SSL_CTX_set_alpn_select_cb(context.get(), select_protocol, nullptr);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);   // tickets carry sessions; a shared cache would be a lock
  return context;
}

std::int64_t certificate_expiry(const SslContext& context) {
  const X509* certificate = context ? SSL_CTX_get0_certificate(context.get()) : nullptr;
  std::tm end{};
  if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) return 0;
  return ::timegm(&end);
}

SslPointer accept_tls(const SslContext& context) {
  SslPointer ssl(SSL_new(context.get()));
  if (ssl) SSL_set_accept_state(ssl.get());
  return ssl;
}

std::shared_ptr<const crypto::ClientCertificate> client_certificate(SSL* ssl) {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(ssl), X509_free);
  if (!certificate) return nullptr;
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate.get(), &der);
  if (size <= 0) return nullptr;
  const std::string_view bytes(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  auto read = crypto::read_client_certificate(bytes, SSL_get_verify_result(ssl) == X509_V_OK);
  OPENSSL_free(der);
  return read ? std::make_shared<const crypto::ClientCertificate>(std::move(*read)) : nullptr;
}

Result<SslContext, std::string> load_client_tls(const std::string& ca_file, const std::string& certificate_file, const std::string& key_file) {
  SslContext context = new_context(TLS_client_method());
  if (!context) return unexpected(last_error("cannot set up TLS"));
  ERR_clear_error();
  const int loaded = ca_file.empty() ? SSL_CTX_set_default_verify_paths(context.get())
                                     : SSL_CTX_load_verify_locations(context.get(), ca_file.c_str(), nullptr);
  if (loaded != 1) return unexpected(last_error("cannot use the certificate authorities of `" + ca_file + "`"));
  if (certificate_file.empty() != key_file.empty()) return unexpected(std::string("a client certificate needs its key, and a key its certificate"));
  if (!certificate_file.empty()) TRY(use_certificate(context, certificate_file, key_file));
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_alpn_protos(context.get(), kHttp11.data(), kHttp11.size());
  return context;
}

SslPointer connect_tls(const SslContext& context, const std::string& host) {
  SslPointer ssl(SSL_new(context.get()));
  if (!ssl) return ssl;
  std::array<unsigned char, 16> address{};
  const bool numeric = inet_pton(AF_INET, host.c_str(), address.data()) == 1 || inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
  X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl.get());
  bool pinned = false;
  if (numeric) {
    pinned = X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) == 1;
  } else {
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    pinned = X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), host.size()) == 1 && SSL_set_tlsext_host_name(ssl.get(), host.c_str()) == 1;
  }
  if (!pinned) return nullptr;   // without the name any valid certificate would do
  SSL_set_connect_state(ssl.get());
  return ssl;
}

}  // namespace writ::net
