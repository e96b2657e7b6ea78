#pragma once

// Signing the person in at the enterprise's IdP: the code grant of authorization_request.h with a nonce, and the ID token that comes of it
// (OIDC Core §3.1; EMA-22). Pure: the browser and the loopback listener are the caller's.

#include <optional>
#include <string>
#include <string_view>

#include "client/authorization_request.h"
#include "jose/jwt.h"

namespace writ::client {

struct SignInAttempt : AuthorizationAttempt {
  std::string nonce;
};

struct SignInOptions {
  std::string scope = "openid email offline_access";
  std::string acr_values;
  std::optional<std::int64_t> max_age_seconds;
};

// Refuses an IdP that does not say that it understands PKCE S256 (MCPA-56).
Result<SignInAttempt, Failure> begin_sign_in(const AuthorizationServer& idp, const std::string& client_id, const std::string& redirect_uri,
                                             const SignInOptions& options);

// OIDC Core §3.1.3.7 (OB-131): issuer, audience, authorized party, signature, time, nonce.
enum class IdTokenProblem { malformed, wrong_type, wrong_issuer, wrong_audience, wrong_authorized_party, bad_signature, bad_times, wrong_nonce, authenticated_too_long_ago };
Result<json::Value, IdTokenProblem> verify_id_token(std::string_view id_token, const jose::KeySet& keys, const SignInAttempt& attempt,
                                                    std::optional<std::int64_t> max_age_seconds, Instant now);

}  // namespace writ::client
