#pragma once

// The authorization code grant as a public or confidential client makes it: PKCE, state, and the issuer check (RFC 6749 §4.1, RFC 7636,
// RFC 9207; MCPA-56, MCPA-90…94). Pure: the browser and the place where it comes back to are the caller's.

#include <string>
#include <string_view>

#include "client/credentials.h"
#include "client/failure.h"
#include "client/metadata.h"

namespace writ::client {

// What is remembered between opening the browser and its coming back (MCPA-90).
struct AuthorizationAttempt {
  std::string issuer;              // of the validated metadata
  bool issuer_sends_iss = false;
  std::string client_id, redirect_uri;
  std::string state, code_verifier;
  std::string authorization_url;   // open this
};

// `parameters` stand beside those of the code flow itself: scope, resource, nonce, …; empty ones are left out.
// Refuses a server that does not say that it understands PKCE S256 (MCPA-56).
Result<AuthorizationAttempt, Failure> begin_authorization(const AuthorizationServer& server, const std::string& client_id, const std::string& redirect_uri,
                                                          const FormFields& parameters);

// The query of the redirect, judged before the code is sent anywhere. Returns the code. On a wrong state or issuer nothing else of the
// answer is read, not even its error (MCPA-93).
Result<std::string, Failure> read_authorization_response(const AuthorizationAttempt& attempt, std::string_view query);

FormFields code_form(const AuthorizationAttempt& attempt, const std::string& code);

}  // namespace writ::client
