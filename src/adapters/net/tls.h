#pragma once

// TLS on both sides, on OpenSSL: 1.2 and later, HTTP/1.1 only. Private to this folder.

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>

#include "adapters/net/channel.h"
#include "adapters/net/server.h"
#include "base/result.h"
#include "crypto/client_certificate.h"

namespace writ::net {

using SslContext = std::shared_ptr<SSL_CTX>;

// For a listener. The key file must not be open to group or others (S10). The error is a sentence for the operator.
Result<SslContext, std::string> load_server_tls(const TlsFiles& files);
SslPointer accept_tls(const SslContext& context);
// What the client has shown in the handshake that has ended. Null: nothing, or nothing that can be read.
std::shared_ptr<const crypto::ClientCertificate> client_certificate(SSL* ssl);

// When the certificate that a listener shows ends, in seconds since 1970; 0: unknown.
std::int64_t certificate_expiry(const SslContext& context);

// For connections that we open. `ca_file` empty: the system's. With a certificate (PEM, the chain) and its key, both or neither, the client shows
// who it is to servers that ask (mutual TLS).
Result<SslContext, std::string> load_client_tls(const std::string& ca_file, const std::string& certificate_file = "", const std::string& key_file = "");
// The peer's certificate must be valid for `host` (a name or a numeric address).
SslPointer connect_tls(const SslContext& context, const std::string& host);

}  // namespace writ::net
