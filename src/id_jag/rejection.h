#pragma once

#include <string_view>

#include "jose/jwt.h"

namespace writ::id_jag {

// Why an ID-JAG is not accepted. For audit: the caller learns `invalid_grant` only.
enum class Rejection {
  // parse: before anything is believed
  not_a_jwt,                // size, compact form, JSON
  wrong_type,               // `typ` is not oauth-id-jag+jwt (J10)
  algorithm_not_allowed,
  critical_header,          // crit, b64, zip
  malformed_kid,
  issuer_missing,
  // verify: in the order of the specification
  issuer_mismatch,
  unknown_key,
  bad_signature,
  audience_not_us,
  time_missing,
  time_malformed,
  expired,
  not_yet_valid,
  issued_in_the_future,
  lives_too_long,
  expires_before_issued,
  client_mismatch,
  malformed_jti,
  sender_constrained,       // `cnf` of a form that is not understood here (RAS-64)
  subject_missing,
  malformed_resource,
  malformed_scope,
  malformed_authorization_details,
  malformed_sub_id,         // no subject identifier (RFC 9493)
  malformed_claim,          // another claim of the wrong type
};
std::string_view to_string(Rejection rejection);

Rejection to_rejection(jose::JwtProblem problem);
Rejection to_rejection(jose::TimeProblem problem);

}  // namespace writ::id_jag
