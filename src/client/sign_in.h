#pragma once

// Signing the person in at the enterprise's IdP: authorization code with PKCE, state, nonce and the issuer check (OIDC Core §3.1,
// RFC 7636, RFC 9207; MCPA-90…94, EMA-22). Pure: the browser and the loopback listener are the caller's.

#include <optional>
#include <string>
#include <string_view>

#include "client/credentials.h"
#include "client/failure.h"
#include "client/metadata.h"
#include "jose/jwt.h"

namespace writ::client {

// What is remembered between opening the browser and its coming back.
struct SignInAttempt {
  std::string issuer;              // of the validated metadata
  bool issuer_sends_iss = false;
  std::string client_id, redirect_uri;
  std::string state, nonce, code_verifier;
  std::string authorization_url;   // open this
};

struct SignInOptions {
  std::string scope = "openid email offline_access";
  std::string acr_values;
  std::optional<std::int64_t> max_age_seconds;
};

// Refuses an IdP that does not say that it understands PKCE S256 (MCPA-56).
Result<SignInAttempt, Failure> begin_sign_in(const AuthorizationServer& idp, const std::string& client_id, const std::string& redirect_uri,
                                             const SignInOptions& options);

// The query of the redirect, judged before the code is sent anywhere. Returns the code. On a wrong state or issuer nothing else of the
// answer is read, not even its error (MCPA-93).
Result<std::string, Failure> read_authorization_response(const SignInAttempt& attempt, std::string_view query);

FormFields code_form(const SignInAttempt& attempt, const std::string& code);

// OIDC Core §3.1.3.7 (OB-131): issuer, audience, authorized party, signature, time, nonce.
enum class IdTokenProblem { malformed, wrong_type, wrong_issuer, wrong_audience, wrong_authorized_party, bad_signature, bad_times, wrong_nonce, authenticated_too_long_ago };
Result<json::Value, IdTokenProblem> verify_id_token(std::string_view id_token, const jose::KeySet& keys, const SignInAttempt& attempt,
                                                    std::optional<std::int64_t> max_age_seconds, Instant now);

}  // namespace writ::client
