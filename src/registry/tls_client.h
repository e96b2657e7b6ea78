#pragma once

// Mutual TLS of a registration (RFC 8705): by which name or which certificate the client is known, and whether its tokens are bound to it. The members are called as
// in RFC 8705 §2.1.2 and §3.4; certificates are named by their fingerprint.

#include <string>
#include <utility>
#include <vector>

#include "encoding/json.h"
#include "registry/fields.h"
#include "registry/objects.h"

namespace writ::registry {

inline constexpr const char* kTlsCertificates = "tls_client_certificates";
inline constexpr const char* kCertificateBound = "tls_client_certificate_bound_access_tokens";

void read_tls_client(Fields& fields, Registration& registration);
void write_tls_client(json::Value& out, const Registration& registration);
// Member and sentence for each rule that the registration breaks.
std::vector<std::pair<std::string, std::string>> problems_with_tls_client(const Registration& registration);

}  // namespace writ::registry
