#pragma once

// X.509 certificates as containers of a public key that somebody configured: who signed them and when they end does not matter then.

#include <string>
#include <string_view>

#include "base/result.h"

namespace writ::crypto {

enum class CertificateProblem {
  malformed,      // no X.509 certificate in PEM, base64 or DER
  unsupported,    // its key is neither RSA nor on P-256, P-384, P-521
  too_small,      // RSA below 2048 bits
};
std::string_view to_string(CertificateProblem problem);

struct Certificate {
  std::string der;
};
Result<Certificate, CertificateProblem> parse_certificate(std::string_view text);

}  // namespace writ::crypto
