#include "token_service/mutual_tls.h"

#include <algorithm>

#include "crypto/client_certificate.h"
#include "dpop/proof.h"
#include "encoding/distinguished_name.h"

namespace writ::token_service {
namespace {

bool holds(const std::vector<std::string>& names, const std::string& name) { return std::find(names.begin(), names.end(), name) != names.end(); }

bool is_named(const crypto::ClientCertificate& certificate, const registry::TlsSubject& wanted) {
  using Kind = registry::TlsSubject::Kind;
  switch (wanted.kind) {
    case Kind::none: return false;
    case Kind::dn: {
      const auto subject = distinguished_name::parse(certificate.subject);
      const auto registered = distinguished_name::parse(wanted.value);
      return subject && registered && !registered->empty() && *subject == *registered;
    }
    // A name of the certificate with a wildcard is no name of a client: it is compared as the text that it is, and no registration holds a `*`.
    case Kind::san_dns:
      return std::any_of(certificate.dns_names.begin(), certificate.dns_names.end(), [&](const std::string& name) { return distinguished_name::equals_ignoring_case(name, wanted.value); });
    case Kind::san_uri: return holds(certificate.uris, wanted.value);
    case Kind::san_ip: return holds(certificate.ip_addresses, wanted.value);
    case Kind::san_email: return holds(certificate.emails, wanted.value);
  }
  return false;
}

std::string hexadecimal(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) text.append({kDigits[static_cast<unsigned char>(byte) >> 4], kDigits[static_cast<unsigned char>(byte) & 15]});
  return text;
}

}  // namespace

std::vector<std::string> authentication_methods(const MutualTls& offered) {
  std::vector<std::string> methods;
  if (offered.offered && offered.authorities) methods.emplace_back("tls_client_auth");
  if (offered.offered) methods.emplace_back("self_signed_tls_client_auth");
  return methods;
}

CertificateProblem check_client_certificate(const crypto::ClientCertificate* certificate, const registry::Registration& registration, Instant now) {
  if (certificate == nullptr) return CertificateProblem::absent;
  // At use, not only in the handshake: a connection may live longer than its certificate.
  if (now < certificate->not_before || now > certificate->not_after) return CertificateProblem::times;
  if (registration.authentication == registry::ClientAuthentication::self_signed_tls_client_auth) {
    return holds(registration.tls_certificates, hexadecimal(certificate->sha256)) ? CertificateProblem::none : CertificateProblem::unregistered;
  }
  // A name proves nothing unless somebody who is trusted wrote it there.
  if (!certificate->trusted) return CertificateProblem::untrusted;
  return is_named(*certificate, registration.tls_subject) ? CertificateProblem::none : CertificateProblem::subject;
}

std::optional<std::string> certificate_to_bind(const crypto::ClientCertificate* certificate, const registry::Registration& registration) {
  if (!registration.certificate_bound) return std::string();
  if (certificate == nullptr) return std::nullopt;
  return certificate->x5t;
}

std::optional<json::Value> confirmation(const std::string& dpop_jkt, const std::string& certificate_x5t) {
  json::Value value{json::Object{}};
  if (!dpop_jkt.empty()) value.set("jkt", dpop_jkt);
  if (!certificate_x5t.empty()) value.set("x5t#S256", certificate_x5t);
  if (value.as_object()->empty()) return std::nullopt;
  return value;
}

std::string_view token_type(const json::Value* confirmation) {
  return confirmation != nullptr && confirmation->find("jkt") != nullptr ? dpop::kTokenType : std::string_view("Bearer");
}

}  // namespace writ::token_service
