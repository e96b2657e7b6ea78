#pragma once

// The certificates that a listener shows, looked at as whoever connects will look at them: who they name, when they end, who signed whom.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"

namespace writ::crypto {

struct CertificateFacts {
  std::string subject, issuer;           // as OpenSSL writes names, for people
  std::int64_t not_before = 0, not_after = 0;   // seconds since 1970
  bool self_signed = false;
};

struct CertificateChain {
  std::vector<CertificateFacts> certificates;   // as they stand in the file: the listener's own first; never empty
  std::optional<std::size_t> broken_at;         // this one is not signed by the one behind it
  std::vector<std::string> hosts_not_named;     // of those asked about
  std::string distrust;                         // why this system's certificate authorities do not vouch for it; empty: they do
  bool key_fits = false;                        // the key is that of the first certificate
};

// `pem`: one certificate or several; `key`: the private key that belongs to the first, in PEM. The error is a sentence: there is no certificate.
Result<CertificateChain, std::string> read_certificate_chain(std::string_view pem, const Secret& key, const std::vector<std::string>& hosts, Instant now);

}  // namespace writ::crypto
