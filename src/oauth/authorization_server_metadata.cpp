#include "oauth/authorization_server_metadata.h"

namespace writ::oauth {

json::Value to_json(const AuthorizationServerMetadata& metadata) {
  json::Value document{json::Object{}};
  const auto text = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) document.set(name, value);
  };
  const auto list = [&](std::string_view name, const std::vector<std::string>& values) {
    if (!values.empty()) document.set(name, json::from_strings(values));
  };
  text("issuer", metadata.issuer);
  text("authorization_endpoint", metadata.authorization_endpoint);
  text("token_endpoint", metadata.token_endpoint);
  text("jwks_uri", metadata.jwks_uri);
  text("revocation_endpoint", metadata.revocation_endpoint);
  text("introspection_endpoint", metadata.introspection_endpoint);
  text("userinfo_endpoint", metadata.userinfo_endpoint);
  text("end_session_endpoint", metadata.end_session_endpoint);
  text("pushed_authorization_request_endpoint", metadata.pushed_authorization_request_endpoint);
  list("scopes_supported", metadata.scopes_supported);
  document.set("response_types_supported", json::from_strings(metadata.response_types_supported));
  list("grant_types_supported", metadata.grant_types_supported);
  list("token_endpoint_auth_methods_supported", metadata.token_endpoint_auth_methods_supported);
  list("token_endpoint_auth_signing_alg_values_supported", metadata.token_endpoint_auth_signing_alg_values_supported);
  list("revocation_endpoint_auth_methods_supported", metadata.revocation_endpoint_auth_methods_supported);
  list("introspection_endpoint_auth_methods_supported", metadata.introspection_endpoint_auth_methods_supported);
  list("code_challenge_methods_supported", metadata.code_challenge_methods_supported);
  list("authorization_grant_profiles_supported", metadata.authorization_grant_profiles_supported);
  list("identity_chaining_requested_token_types_supported", metadata.identity_chaining_requested_token_types_supported);
  list("subject_types_supported", metadata.subject_types_supported);
  list("id_token_signing_alg_values_supported", metadata.id_token_signing_alg_values_supported);
  list("claims_supported", metadata.claims_supported);
  list("dpop_signing_alg_values_supported", metadata.dpop_signing_alg_values_supported);
  if (metadata.authorization_response_iss_parameter_supported)
    document.set("authorization_response_iss_parameter_supported", true);
  if (metadata.tls_client_certificate_bound_access_tokens) document.set("tls_client_certificate_bound_access_tokens", true);
  if (metadata.client_id_metadata_document_supported) document.set("client_id_metadata_document_supported", true);
  return document;
}

}  // namespace writ::oauth
