#include "crypto/client_certificate.h"

#include <arpa/inet.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>

#include "crypto/hash.h"
#include "crypto/openssl.h"
#include "encoding/base64url.h"

namespace writ::crypto {
namespace {

using CertificateHandle = std::unique_ptr<X509, Freed<X509_free>>;
using NamesHandle = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;

std::optional<Instant> to_instant(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return from_unix_seconds(::timegm(&parts));
}

// RFC 4514 but for letters beyond ASCII, which stand for themselves.
std::optional<std::string> to_text(const X509_NAME* name) {
  const Bio out(BIO_new(BIO_s_mem()));
  if (!out || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB)) < 0) return std::nullopt;
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out.get(), &bytes);
  return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
}

// A NUL inside would let one reader see another name than the next.
void add_text(std::vector<std::string>& to, const ASN1_STRING* text) {
  const std::string value(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), static_cast<std::size_t>(ASN1_STRING_length(text)));
  if (!value.empty() && value.find('\0') == std::string::npos) to.push_back(value);
}

void add_address(std::vector<std::string>& to, const ASN1_OCTET_STRING* bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int length = ASN1_STRING_length(bytes);
  if (length != 4 && length != 16) return;
  if (::inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(bytes), text.data(), text.size()) != nullptr) to.emplace_back(text.data());
}

// False: they are there and cannot be read, or stand there twice.
bool read_names(const X509& x509, ClientCertificate& into) {
  int critical = -1;
  const NamesHandle names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&x509, NID_subject_alt_name, &critical, nullptr)));
  if (!names) return critical == -1;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    switch (name->type) {
      case GEN_DNS: add_text(into.dns_names, name->d.dNSName); break;
      case GEN_URI: add_text(into.uris, name->d.uniformResourceIdentifier); break;
      case GEN_EMAIL: add_text(into.emails, name->d.rfc822Name); break;
      case GEN_IPADD: add_address(into.ip_addresses, name->d.iPAddress); break;
      default: break;
    }
  }
  return true;
}

}  // namespace

std::optional<ClientCertificate> read_client_certificate(std::string_view der, bool trusted) {
  const ErrorQueueGuard guard;
  const unsigned char* at = bytes_of(der);
  const CertificateHandle x509(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!x509 || at != bytes_of(der) + der.size()) return std::nullopt;
  const auto not_before = to_instant(X509_get0_notBefore(x509.get())), not_after = to_instant(X509_get0_notAfter(x509.get()));
  auto subject = to_text(X509_get_subject_name(x509.get()));
  if (!not_before || !not_after || !subject) return std::nullopt;
  ClientCertificate certificate;
  certificate.sha256 = sha256_bytes(der);
  certificate.x5t = base64url::encode(certificate.sha256);
  certificate.subject = std::move(*subject);
  certificate.not_before = *not_before, certificate.not_after = *not_after;
  certificate.trusted = trusted;
  if (!read_names(*x509, certificate)) return std::nullopt;
  return certificate;
}

}  // namespace writ::crypto
