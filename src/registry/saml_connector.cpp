#include "registry/saml_connector.h"

#include <algorithm>

#include "crypto/certificate.h"

namespace writ::registry {
namespace {

using Map = std::map<std::string, std::string>;
constexpr std::size_t kCertificatesMax = 8;
constexpr std::string_view kAttributes[] = {"subject", "tenant", "user_name", "email", "display_name", "department", "title", "groups", "match"};

Map read_map(Fields& fields, std::string_view name, Problems& problems) {
  Map map;
  const Node* node = fields.find(name);
  if (!node) return map;
  const std::string what = "`" + std::string(name) + "`";
  Fields all(*node, what, problems);
  for (const auto& entry : node->entries) map[entry.name] = all.required_text(entry.name);
  return map;
}

void write_map(json::Value& out, std::string_view name, const Map& map) {
  if (map.empty()) return;
  json::Value written = json::Object{};
  for (const auto& [key, value] : map) written.set(key, value);
  out.set(name, std::move(written));
}

std::string said_of(crypto::CertificateProblem problem) {
  switch (problem) {
    case crypto::CertificateProblem::too_small: return "this certificate's RSA key has fewer than 2048 bits: anybody might sign for the provider; take its new one";
    case crypto::CertificateProblem::unsupported: return "this certificate's key is not accepted: RSA from 2048 to 8192 bits, or P-256, P-384, P-521";
    case crypto::CertificateProblem::malformed: break;
  }
  return "this is no X.509 certificate: write PEM, or the base64 that stands in the provider's metadata";
}

}  // namespace

std::optional<IdentityConnector::Saml> read_saml(Fields& connector, Reading& reading) {
  const Node* node = connector.find("saml");
  if (!node) return std::nullopt;
  Fields fields(*node, "`saml`", reading.problems);
  IdentityConnector::Saml saml;
  saml.entity_id = fields.required_text("entity_id");
  saml.certificates = fields.texts("certificates");
  saml.audiences = read_map(fields, "audiences", reading.problems);
  saml.recipient = fields.required_text("recipient");
  saml.attributes = read_map(fields, "attributes", reading.problems);
  fields.finish();
  return saml;
}

void write_saml(json::Value& connector, const std::optional<IdentityConnector::Saml>& saml) {
  if (!saml) return;
  json::Value out = json::Object{};
  out.set("entity_id", saml->entity_id);
  if (!saml->certificates.empty()) out.set("certificates", json::from_strings(saml->certificates));
  write_map(out, "audiences", saml->audiences);
  out.set("recipient", saml->recipient);
  write_map(out, "attributes", saml->attributes);
  connector.set("saml", std::move(out));
}

void check_saml(const IdentityConnector& connector, std::vector<ConnectorProblem>& problems) {
  if (!connector.saml) return;
  const auto& saml = *connector.saml;
  const auto error = [&](std::string path, std::string message) { problems.push_back({"saml/" + path, std::move(message), false}); };
  if (saml.entity_id.size() > 1024) error("entity_id", "an entity ID has up to 1024 characters");   // metadata §2.2.1
  if (saml.certificates.empty()) error("certificates", "`saml` needs `certificates`: nothing is believed that is not signed by one of these keys");
  if (saml.certificates.size() > kCertificatesMax) error("certificates", "up to 8 certificates are tried for each assertion: remove those that are not used any more");
  for (std::size_t i = 0; i < saml.certificates.size(); ++i) {
    const auto certificate = crypto::parse_certificate(saml.certificates[i]);
    if (!certificate) error("certificates/" + std::to_string(i), said_of(certificate.error()));
  }
  if (saml.audiences.empty()) error("audiences", "`saml` needs `audiences`: the `Audience` of each agent that signs people in, {https://agent.example/sp: agent}");
  for (const auto& [name, attribute] : saml.attributes) {
    if (std::find(std::begin(kAttributes), std::end(kAttributes), name) != std::end(kAttributes)) continue;
    const std::string meant = nearest(name, {std::begin(kAttributes), std::end(kAttributes)});
    error("attributes/" + name, "unknown attribute `" + name.substr(0, 60) + "`" + (meant.empty() ? "" : "; did you mean `" + meant + "`?"));
  }
}

}  // namespace writ::registry
