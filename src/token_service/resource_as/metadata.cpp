#include "token_service/resource_as/metadata.h"

#include "dpop/proof.h"
#include "oauth/identifiers.h"

namespace writ::token_service::resource_as {

std::string endpoint_url(const Settings& settings, std::string_view name) {
  std::string url = settings.issuer;
  if (!url.ends_with('/')) url += '/';
  return url.append(name);
}

oauth::AuthorizationServerMetadata metadata(const Settings& settings, bool interactive) {
  std::vector<std::string> methods{"client_secret_basic", "client_secret_post", "private_key_jwt"};
  for (auto& method : authentication_methods(settings.mutual_tls)) methods.push_back(std::move(method));
  oauth::AuthorizationServerMetadata document;
  document.issuer = settings.issuer;
  // Real clients insist on both of these (rules §3.7). The endpoint explains that nobody signs in here.
  document.authorization_endpoint = endpoint_url(settings, "authorize");
  document.response_types_supported = {};
  document.token_endpoint = endpoint_url(settings, "token");
  document.jwks_uri = endpoint_url(settings, "jwks");
  document.revocation_endpoint = endpoint_url(settings, "revoke");
  document.introspection_endpoint = endpoint_url(settings, "introspect");
  document.grant_types_supported = {std::string(oauth::kGrantJwtBearer)};   // RAS-92; absent would mean the code grant (OB-53)
  document.authorization_grant_profiles_supported = {std::string(oauth::kGrantProfileIdJag)};
  document.token_endpoint_auth_methods_supported = methods;
  document.token_endpoint_auth_signing_alg_values_supported = {"ES256", "ES384", "PS256", "RS256", "EdDSA"};
  if (interactive) {
    document.response_types_supported = {"code"};
    document.grant_types_supported.insert(document.grant_types_supported.begin(), std::string(oauth::kGrantAuthorizationCode));
    document.code_challenge_methods_supported = {"S256"};
    document.pushed_authorization_request_endpoint = endpoint_url(settings, "par");
    document.authorization_response_iss_parameter_supported = true;   // RFC 9207 §3
    document.token_endpoint_auth_methods_supported.push_back("none");
  }
  document.client_id_metadata_document_supported = true;   // RAS-99
  document.revocation_endpoint_auth_methods_supported = methods;
  document.introspection_endpoint_auth_methods_supported = methods;
  document.dpop_signing_alg_values_supported = dpop::algorithm_names();   // RAS-66
  document.tls_client_certificate_bound_access_tokens = settings.mutual_tls.offered;
  return document;
}

}  // namespace writ::token_service::resource_as
