#include "token_service/idp/metadata.h"

#include <algorithm>

#include "dpop/proof.h"
#include "oauth/identifiers.h"
#include "token_service/idp/device_grant/device_authorization.h"

namespace writ::token_service::idp {

json::Value metadata(const Settings& settings, Levels levels) {
  const json::Array algorithms{"ES256", "ES384", "RS256", "PS256", "EdDSA"};
  json::Array secrets_and_keys{"client_secret_basic", "client_secret_post", "private_key_jwt"};
  for (auto& method : authentication_methods(settings.mutual_tls)) secrets_and_keys.emplace_back(std::move(method));
  // What an authorization request may ask for; upstream providers may be able to give what a local sign-in is not.
  json::Array acr_values{settings.acr_password, settings.acr_second_factor};
  for (const auto& level : levels) {
    const json::Value value(level.acr);
    if (!level.acr.empty() && std::find(acr_values.begin(), acr_values.end(), value) == acr_values.end()) acr_values.push_back(value);
  }
  json::Array all_methods = secrets_and_keys;
  all_methods.emplace_back("none");
  json::Value document{
      {"issuer", settings.issuer},
      {"authorization_endpoint", settings.endpoint("authorize")},
      {"token_endpoint", settings.endpoint("token")},
      {"jwks_uri", settings.endpoint("jwks")},
      {"userinfo_endpoint", settings.endpoint("userinfo")},
      {"end_session_endpoint", settings.endpoint("logout")},
      {"revocation_endpoint", settings.endpoint("revoke")},
      {"introspection_endpoint", settings.endpoint("introspect")},
      {"response_types_supported", json::Array{"code"}},
      {"response_modes_supported", json::Array{"query"}},
      {"grant_types_supported", json::Array{oauth::kGrantAuthorizationCode, oauth::kGrantRefreshToken, oauth::kGrantTokenExchange, kGrantDeviceCode}},
      {"identity_chaining_requested_token_types_supported", json::Array{oauth::kTokenTypeIdJag}},
      {"scopes_supported", json::Array{"openid", "profile", "email", "groups", "offline_access"}},
      {"subject_types_supported", json::Array{"public"}},
      {"id_token_signing_alg_values_supported", algorithms},
      {"code_challenge_methods_supported", json::Array{"S256"}},
      {"authorization_response_iss_parameter_supported", true},
      {"request_parameter_supported", false},
      {"request_uri_parameter_supported", false},
      {"prompt_values_supported", json::Array{"none", "login", "select_account", "consent"}},
      {"acr_values_supported", std::move(acr_values)},
      {"claims_supported", json::Array{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "name",
                                       "preferred_username", "email", "email_verified", "groups"}},
  };
  document.set("device_authorization_endpoint", settings.endpoint("device_authorization"));
  document.set("pushed_authorization_request_endpoint", settings.endpoint("par"));
  document.set("client_id_metadata_document_supported", true);
  document.set("token_endpoint_auth_methods_supported", all_methods);
  document.set("token_endpoint_auth_signing_alg_values_supported", algorithms);
  document.set("revocation_endpoint_auth_methods_supported", all_methods);
  document.set("revocation_endpoint_auth_signing_alg_values_supported", algorithms);
  document.set("introspection_endpoint_auth_methods_supported", secrets_and_keys);
  document.set("introspection_endpoint_auth_signing_alg_values_supported", algorithms);
  document.set("dpop_signing_alg_values_supported", json::from_strings(dpop::algorithm_names()));
  if (settings.client_registration) document.set("registration_endpoint", settings.endpoint("register"));
  if (settings.mutual_tls.offered) document.set("tls_client_certificate_bound_access_tokens", true);
  return document;
}

}  // namespace writ::token_service::idp
