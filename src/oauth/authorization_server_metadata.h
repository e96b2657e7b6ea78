#pragma once

// The document by which an authorization server describes itself (RFC 8414 §2; OpenID Connect Discovery adds its own members).

#include <string>
#include <vector>

#include "encoding/json.h"

namespace writ::oauth {

// Empty text and empty lists are left out, `response_types_supported` apart, which is required and may be empty (rules §3.7).
// INVARIANT: everything stands in the configuration; nothing comes from a request (T9).
struct AuthorizationServerMetadata {
  std::string issuer;
  std::string authorization_endpoint;
  std::string token_endpoint;
  std::string jwks_uri;
  std::string revocation_endpoint;
  std::string introspection_endpoint;
  std::string userinfo_endpoint;
  std::string end_session_endpoint;
  std::vector<std::string> scopes_supported;
  std::vector<std::string> response_types_supported;
  std::vector<std::string> grant_types_supported;
  std::vector<std::string> token_endpoint_auth_methods_supported;
  std::vector<std::string> token_endpoint_auth_signing_alg_values_supported;
  std::vector<std::string> revocation_endpoint_auth_methods_supported;
  std::vector<std::string> introspection_endpoint_auth_methods_supported;
  std::vector<std::string> code_challenge_methods_supported;
  std::vector<std::string> authorization_grant_profiles_supported;
  std::vector<std::string> identity_chaining_requested_token_types_supported;
  std::vector<std::string> subject_types_supported;
  std::vector<std::string> id_token_signing_alg_values_supported;
  std::vector<std::string> claims_supported;
  std::string pushed_authorization_request_endpoint;   // RFC 9126
  bool client_id_metadata_document_supported = false;
  std::vector<std::string> dpop_signing_alg_values_supported;
  bool authorization_response_iss_parameter_supported = false;
  bool tls_client_certificate_bound_access_tokens = false;   // RFC 8705 §3.3
};
json::Value to_json(const AuthorizationServerMetadata& metadata);

}  // namespace writ::oauth
