#include "token_service/resource_as/trust.h"

#include <algorithm>

#include "id_jag/identity_claims.h"
#include "registry/identity_connector.h"

namespace writ::token_service::resource_as {

std::string_view client_name_at(const registry::TrustedIssuer& issuer, const registry::Agent& agent, const registry::Registration& registration, const id_jag::UnverifiedIdJag& unverified) {
  if (issuer.client_map.empty()) return registration.client_id;
  const std::string* claimed = unverified.jwt().claimed().find_string("client_id");
  const auto mapped = claimed == nullptr ? issuer.client_map.end() : issuer.client_map.find(*claimed);
  if (mapped == issuer.client_map.end()) return registration.client_id;
  return mapped->second == agent.id ? std::string_view(mapped->first) : std::string_view();
}

Result<void, Refusal> check_trust(const id_jag::IdJag& id_jag, const registry::TrustedIssuer& issuer) {
  // Whoever speaks of a tenant where none is expected speaks of other people, with perhaps the same names; and the other way round.
  const bool is_tenant = issuer.tenants.empty() ? id_jag.tenant.empty() : std::find(issuer.tenants.begin(), issuer.tenants.end(), id_jag.tenant) != issuer.tenants.end();
  if (!is_tenant) return unexpected(Refusal::tenant_not_expected);
  if (id_jag.aud_tenant != issuer.aud_tenant) return unexpected(Refusal::audience_tenant_not_expected);
  for (const auto& [name, value] : issuer.required_claims) {
    const std::string said = id_jag::claim_text(id_jag, name);
    if (said.empty() || said != value) return unexpected(Refusal::required_claim_missing);
  }
  return {};
}

std::string_view accepted_email(std::string_view email, const registry::TrustedIssuer& issuer) {
  if (email.empty() || issuer.email_domains.empty()) return {};
  const std::string domain = registry::domain_of(email);
  const bool is_theirs = !domain.empty() && std::find(issuer.email_domains.begin(), issuer.email_domains.end(), domain) != issuer.email_domains.end();
  return is_theirs ? email : std::string_view();
}

}  // namespace writ::token_service::resource_as
