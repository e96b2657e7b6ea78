#include "gateway/protected_resource_metadata.h"

#include "dpop/proof.h"
#include "encoding/uri.h"
#include "registry/combined_server.h"
#include "registry/details_types.h"

namespace writ::gateway {

json::Value protected_resource_metadata(const registry::Server& server, bool dpop, bool certificates) {
  json::Value document{{"resource", server.resource}, {"authorization_servers", json::Array{server.resource_as}}};
  // The minimal set for basic use (MCPA-17): what else there is, a challenge names when it is needed. No offline_access (MCPA-16).
  json::Array scopes;
  for (const registry::Scope& scope : server.scopes) {
    if (scope.is_default) scopes.emplace_back(scope.name);
  }
  if (!scopes.empty()) document.set("scopes_supported", std::move(scopes));
  if (!server.authorization_details_types.empty()) document.set(registry::kDetailsTypesSupported, json::from_strings(server.authorization_details_types));
  document.set("bearer_methods_supported", json::Array{"header"});
  if (!server.display_name.empty()) document.set("resource_name", server.display_name);
  if (dpop) document.set("dpop_signing_alg_values_supported", json::from_strings(dpop::algorithm_names()));
  if (server.dpop_required) document.set("dpop_bound_access_tokens_required", true);
  if (certificates) document.set("tls_client_certificate_bound_access_tokens", true);   // RFC 9728 §2
  return document;
}

std::string public_url(const std::string& base, const registry::Server& server) {
  const bool is_at_root = registry::is_combined(server) && server.resource == base;
  return is_at_root ? base : base + "/" + server.id;
}

std::string metadata_url(const std::string& base, const registry::Server& server) {
  return uri::well_known(public_url(base, server), "oauth-protected-resource").value_or("");
}

std::string path_of(const std::string& url) {
  const auto parsed = uri::parse(url);
  return parsed ? parsed->path : "";
}

}  // namespace writ::gateway
