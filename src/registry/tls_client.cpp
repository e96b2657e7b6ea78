#include "registry/tls_client.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "encoding/distinguished_name.h"

namespace writ::registry {
namespace {

using Kind = TlsSubject::Kind;

constexpr std::array<std::pair<const char*, Kind>, 5> kSubjects{{{"tls_client_auth_subject_dn", Kind::dn},
                                                                 {"tls_client_auth_san_dns", Kind::san_dns},
                                                                 {"tls_client_auth_san_uri", Kind::san_uri},
                                                                 {"tls_client_auth_san_ip", Kind::san_ip},
                                                                 {"tls_client_auth_san_email", Kind::san_email}}};
constexpr std::size_t kCertificatesMax = 10;
constexpr std::size_t kNameBytesMax = 1'024;

const char* member_of(Kind kind) {
  for (const auto& [member, of] : kSubjects)
    if (of == kind) return member;
  return "tls_client_auth_subject_dn";
}

// As inet_ntop writes it, so that it compares with what a certificate holds. Text that is no address stays, and is reported.
std::string numeric(const std::string& address) {
  std::array<unsigned char, 16> bytes{};
  std::array<char, INET6_ADDRSTRLEN> text{};
  for (const int family : {AF_INET, AF_INET6}) {
    if (::inet_pton(family, address.c_str(), bytes.data()) == 1 && ::inet_ntop(family, bytes.data(), text.data(), text.size()) != nullptr) return text.data();
  }
  return address;
}

bool is_address(const std::string& text) {
  std::array<unsigned char, 16> bytes{};
  return ::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 || ::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

// Colons, as OpenSSL prints them, and upper case are another spelling of the same.
std::string fingerprint(std::string_view text) {
  std::string digits;
  for (const char c : text)
    if (c != ':') digits += c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  return digits;
}

bool is_fingerprint(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_host_name(std::string_view name) {
  return !name.empty() && name.size() <= 253 && name.front() != '.' && name.back() != '.' && name.find("..") == std::string_view::npos &&
         std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'; });
}

bool is_email(std::string_view text) {
  const std::size_t at = text.find('@');
  return at != std::string_view::npos && at > 0 && text.find('@', at + 1) == std::string_view::npos && is_host_name(text.substr(at + 1)) &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

// Of whatever scheme (RFC 3986 §3.1): it is compared byte for byte and never asked.
bool is_absolute_uri(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size() || !is_letter(text.front())) return false;
  const auto scheme = text.substr(0, colon);
  return std::all_of(scheme.begin(), scheme.end(), [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'; }) &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

// Empty: nothing is wrong.
std::string problem_of_name(const TlsSubject& subject) {
  if (subject.value.size() > kNameBytesMax) return "the name of a certificate has at most 1024 bytes";
  switch (subject.kind) {
    case Kind::none: return "";
    case Kind::dn: {
      const auto name = distinguished_name::parse(subject.value);
      return name && !name->empty() ? "" : "a distinguished name is written as RFC 4514 says, from the most specific on: `CN=desk,O=Acme`";
    }
    case Kind::san_dns: return is_host_name(subject.value) ? "" : "this is a host name such as `desk.example.com`, whole and without `*`";
    case Kind::san_uri: return is_absolute_uri(subject.value) ? "" : "this is an absolute URI such as `spiffe://example.com/desk`";
    case Kind::san_ip: return is_address(subject.value) ? "" : "this is one address such as `192.0.2.7` or `2001:db8::7`";
    case Kind::san_email: return is_email(subject.value) ? "" : "this is one e-mail address";
  }
  return "";
}

}  // namespace

void read_tls_client(Fields& fields, Registration& registration) {
  for (const auto& [member, kind] : kSubjects) {
    std::string value = fields.text(member);
    if (value.empty()) continue;
    if (registration.tls_subject.kind != Kind::none) {
      // With two names either the wider would count, or both: whoever writes them means one of these, and we cannot know which (RFC 8705 §2.1.2).
      fields.error(fields.at(member), std::string("write `") + member_of(registration.tls_subject.kind) + "` or `" + member + "`, not both: a client is known by one name");
      continue;
    }
    registration.tls_subject = {kind, kind == Kind::san_ip ? numeric(value) : std::move(value)};
  }
  for (const std::string& text : fields.texts(kTlsCertificates)) registration.tls_certificates.push_back(fingerprint(text));
  registration.certificate_bound = fields.flag(kCertificateBound, false);
}

void write_tls_client(json::Value& out, const Registration& registration) {
  if (registration.tls_subject.kind != Kind::none) out.set(member_of(registration.tls_subject.kind), registration.tls_subject.value);
  if (!registration.tls_certificates.empty()) out.set(kTlsCertificates, json::from_strings(registration.tls_certificates));
  if (registration.certificate_bound) out.set(kCertificateBound, true);
}

std::vector<std::pair<std::string, std::string>> problems_with_tls_client(const Registration& registration) {
  std::vector<std::pair<std::string, std::string>> problems;
  const auto method = registration.authentication;
  const bool by_name = method == ClientAuthentication::tls_client_auth, by_certificate = method == ClientAuthentication::self_signed_tls_client_auth;
  const char* name = member_of(registration.tls_subject.kind);
  if (by_name && registration.tls_subject.kind == Kind::none) {
    problems.emplace_back("authentication", "`tls_client_auth` needs the name in the client's certificate: `tls_client_auth_subject_dn`, or `tls_client_auth_san_dns`, `_uri`, `_ip` or `_email`");
  }
  if (!by_name && registration.tls_subject.kind != Kind::none) problems.emplace_back(name, std::string("`") + name + "` is of no use with this `authentication`: write `authentication: tls_client_auth`");
  if (std::string problem = problem_of_name(registration.tls_subject); !problem.empty()) problems.emplace_back(name, std::move(problem));
  if (by_certificate && registration.tls_certificates.empty()) {
    problems.emplace_back("authentication", "`self_signed_tls_client_auth` needs the certificates: `tls_client_certificates`, the SHA-256 fingerprint of each");
  }
  if (!by_certificate && !registration.tls_certificates.empty()) {
    problems.emplace_back(kTlsCertificates, "certificates are of no use with this `authentication`: write `authentication: self_signed_tls_client_auth`");
  }
  if (registration.tls_certificates.size() > kCertificatesMax) problems.emplace_back(kTlsCertificates, "a client has at most 10 certificates");
  if (!std::all_of(registration.tls_certificates.begin(), registration.tls_certificates.end(), is_fingerprint)) {
    problems.emplace_back(kTlsCertificates, "a certificate is named by its SHA-256 fingerprint, 64 hexadecimal digits: `openssl x509 -noout -fingerprint -sha256 -in FILE` prints it");
  }
  if ((by_name || by_certificate) && registration.device_keys) problems.emplace_back("device_keys", "`device_keys` does not go with mutual TLS: each device authenticates with its own key");
  if ((by_name || by_certificate) && registration.metadata_document) {
    problems.emplace_back("metadata_document", "`metadata_document` does not go with mutual TLS: write `authentication: private_key_jwt`, or `none` for signing people in alone");
  }
  if (registration.certificate_bound && (method == ClientAuthentication::none || registration.device_keys)) {
    problems.emplace_back(kCertificateBound, std::string("`") + kCertificateBound + "` needs a client that authenticates as itself, with a secret, keys or mutual TLS");
  }
  return problems;
}

}  // namespace writ::registry
