#pragma once

// Mutual TLS (RFC 8705): whether a connection's certificate is a registered client's, and the access tokens that are bound to it. Pure.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "encoding/json.h"
#include "registry/objects.h"

namespace writ::crypto {
struct ClientCertificate;
}

namespace writ::token_service {

// What the listener does, so what an issuer's metadata may offer.
struct MutualTls {
  bool offered = false;       // clients are asked for certificates
  bool authorities = false;   // and some authority vouches for them
};
// The values of `token_endpoint_auth_methods_supported` that it adds.
std::vector<std::string> authentication_methods(const MutualTls& offered);

inline bool is_mutual_tls(registry::ClientAuthentication method) {
  return method == registry::ClientAuthentication::tls_client_auth || method == registry::ClientAuthentication::self_signed_tls_client_auth;
}

enum class CertificateProblem { none, absent, untrusted, times, subject, unregistered };
// Whether it is this client's (RFC 8705 §2.1.1, §2.2.1). Precondition: the registration authenticates by one of the two methods.
CertificateProblem check_client_certificate(const crypto::ClientCertificate* certificate, const registry::Registration& registration, Instant now);

// What this client's access token is to be bound to: its connection's certificate, whoever vouches for it (RFC 8705 §3). Absent: it must have one, and has
// none. Empty: it is not to be bound.
std::optional<std::string> certificate_to_bind(const crypto::ClientCertificate* certificate, const registry::Registration& registration);

// The value of `cnf` for what was proved (RFC 9449 §6, RFC 8705 §3.1). Absent: nothing was.
std::optional<json::Value> confirmation(const std::string& dpop_jkt, const std::string& certificate_x5t);
// How an access token with this `cnf`, or none, is used (RFC 9449 §5, RFC 8705 §3: a certificate alone leaves it `Bearer`).
std::string_view token_type(const json::Value* confirmation);

}  // namespace writ::token_service
