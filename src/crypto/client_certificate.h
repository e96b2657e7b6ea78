#pragma once

// The certificate that a TLS client has shown: who it says it is, and how it is told apart from every other. The listener reads it once for each
// connection; that the client holds its key, the handshake has proved.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace writ::crypto {

struct ClientCertificate {
  std::string sha256;              // of its DER: 32 bytes
  std::string x5t;                 // the same in base64url, as `cnf.x5t#S256` has it (RFC 8705 §3.1)
  std::string subject;             // RFC 4514, in OpenSSL's spelling of the attributes' names
  std::vector<std::string> dns_names, uris, ip_addresses, emails;   // subject alternative names: addresses as inet_ntop writes them, the rest as it stands
  Instant not_before{}, not_after{};
  bool trusted = false;            // its chain ends at one of the listener's authorities, and it may be a client's
};

// Absent: that is no certificate, or one whose dates or names cannot be read.
std::optional<ClientCertificate> read_client_certificate(std::string_view der, bool trusted);

}  // namespace writ::crypto
