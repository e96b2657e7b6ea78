#include "crypto/certificate.h"

#include <openssl/ec.h>
#include <openssl/x509.h>

#include <algorithm>

#include "crypto/openssl.h"
#include "encoding/base64url.h"

namespace writ::crypto {
namespace {

using CertificateHandle = std::unique_ptr<X509, Freed<X509_free>>;
constexpr std::size_t kBytesMax = 64 * 1024;
constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----", kEnd = "-----END CERTIFICATE-----";

// The base64 between PEM's lines, or the text as it is: both may be broken into lines.
std::optional<std::string> decode_text(std::string_view text) {
  if (const auto begin = text.find(kBegin); begin != std::string_view::npos) {
    const auto end = text.find(kEnd, begin);
    if (end == std::string_view::npos) return std::nullopt;
    text = text.substr(begin + kBegin.size(), end - begin - kBegin.size());
  }
  std::string base64;
  std::copy_if(text.begin(), text.end(), std::back_inserter(base64), [](char letter) { return letter != '\n' && letter != '\r' && letter != ' ' && letter != '\t'; });
  return base64::decode(base64);
}

Result<void, CertificateProblem> check_key(EVP_PKEY& key) {
  if (EVP_PKEY_is_a(&key, "RSA")) {
    if (EVP_PKEY_get_bits(&key) < 2048) return unexpected(CertificateProblem::too_small);
    if (EVP_PKEY_get_bits(&key) > 8192) return unexpected(CertificateProblem::unsupported);
    return {};
  }
  char curve[32] = {};
  std::size_t length = 0;
  if (!EVP_PKEY_is_a(&key, "EC") || EVP_PKEY_get_group_name(&key, curve, sizeof curve, &length) != 1) return unexpected(CertificateProblem::unsupported);
  const std::string_view name(curve, length);
  if (name != "prime256v1" && name != "secp384r1" && name != "secp521r1") return unexpected(CertificateProblem::unsupported);
  return {};
}

}  // namespace

std::string_view to_string(CertificateProblem problem) {
  switch (problem) {
    case CertificateProblem::malformed: return "malformed";
    case CertificateProblem::unsupported: return "unsupported";
    case CertificateProblem::too_small: return "too_small";
  }
  return "malformed";
}

Result<Certificate, CertificateProblem> parse_certificate(std::string_view text) {
  const ErrorQueueGuard guard;
  if (text.size() > kBytesMax) return unexpected(CertificateProblem::malformed);
  std::string der(text);
  if (!text.starts_with('\x30')) {   // the first byte of every DER certificate; base64 of one begins with M
    auto decoded = decode_text(text);
    if (!decoded) return unexpected(CertificateProblem::malformed);
    der = std::move(*decoded);
  }
  const unsigned char* at = bytes_of(der);
  const CertificateHandle certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!certificate || at != bytes_of(der) + der.size()) return unexpected(CertificateProblem::malformed);
  const KeyHandle key(X509_get_pubkey(certificate.get()));
  if (!key) return unexpected(CertificateProblem::unsupported);
  TRY(check_key(*key));
  return Certificate{std::move(der)};
}

}  // namespace writ::crypto
