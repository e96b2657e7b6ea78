#pragma once

// An access token as its protected resource reads it (RFC 9068 §4; EMA-25; MCPA-103, MCPA-104).

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "jose/jwt.h"
#include "oauth/scope.h"
#include "registry/linked_subject.h"
#include "upstreams/upstream.h"

namespace writ::gateway {

struct AccessToken {
  std::string issuer, audience, subject, client_id, jti;
  std::string session;             // `sid`; may be empty
  std::string id_jag_jti;          // the chain of the audit trail; may be empty
  std::string confirmation_jkt;    // `cnf.jkt`: the key that must be proved with each request; empty: a Bearer token
  std::string confirmation_x5t;    // `cnf.x5t#S256`: the certificate that each request's connection must have; empty: none
  std::string acr;
  std::vector<std::string> amr;
  std::optional<std::int64_t> auth_time;
  oauth::ScopeSet scope;
  std::optional<registry::LinkedSubject> linked;   // of which the access ends with the link
  std::int64_t issued_at = 0, not_before = 0, expires = 0;
  std::string kid;                 // of the key that signed it; may be empty
  upstreams::Principal principal;  // what the layers towards an upstream know of it
};

// (issuer, sub, client_id, resource): whose sessions, connections and credentials are used (G12, G13).
std::string principal_key(const AccessToken& token);

// Why a request does not get through. The caller learns at most `invalid_token`; audit and tests learn this.
enum class TokenRefusal {
  absent,                // no credentials: a first contact
  repeated,              // several Authorization fields, or a token in the query beside one
  in_query,              // the only token stands in the URL
  not_bearer,            // another scheme
  malformed,
  wrong_type,            // not at+jwt
  bad_token,             // cannot be read as a JWS
  wrong_issuer,
  unknown_key,
  bad_signature,
  wrong_audience,
  missing_claim,
  bad_claim,
  key_bound,             // `cnf`: never accepted as Bearer, and never in a form that is not understood (OB-92)
  not_key_bound,         // sent as DPoP, and bound to no key
  proof_absent,          // bound to a key, and no proof of it came
  proof_refused,         // the proof is bad, or of another key; audit learns which check refused it
  proof_needs_nonce,     // a fresh proof with our nonce is needed
  binding_required,      // this server takes bound tokens alone
  certificate_absent,    // bound to a certificate, and the connection has none
  certificate_mismatch,  // bound to another certificate than the connection's
  expired,
  not_yet_valid,
  revoked,
  session_ended,
  user_unknown,
  user_disabled,
  user_not_before,       // issued before everything of the user was revoked
  account_unlinked,      // the subject that it was issued for is not the user's any more
  issuer_disabled,       // whose subject that is
  agent_unknown,
  agent_disabled,
  keys_unavailable,      // 503
};
std::string_view to_string(TokenRefusal refusal);

// Of a verified token, everything that does not depend on the time or on objects: type, issuer, audience, required claims, what it is bound to.
Result<AccessToken, TokenRefusal> read_access_token(const jose::VerifiedJwt& jwt, std::string_view issuer, std::string_view resource);
// Cheap refusals before a key is looked for.
Result<void, TokenRefusal> check_claimed(const jose::UnverifiedJwt& jwt, std::string_view issuer, std::string_view resource);

}  // namespace writ::gateway
