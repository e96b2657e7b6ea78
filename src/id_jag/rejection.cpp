#include "id_jag/rejection.h"

namespace writ::id_jag {

std::string_view to_string(Rejection rejection) {
  switch (rejection) {
    case Rejection::not_a_jwt: return "not_a_jwt";
    case Rejection::wrong_type: return "wrong_type";
    case Rejection::algorithm_not_allowed: return "algorithm_not_allowed";
    case Rejection::critical_header: return "critical_header";
    case Rejection::malformed_kid: return "malformed_kid";
    case Rejection::issuer_missing: return "issuer_missing";
    case Rejection::issuer_mismatch: return "issuer_mismatch";
    case Rejection::unknown_key: return "unknown_key";
    case Rejection::bad_signature: return "bad_signature";
    case Rejection::audience_not_us: return "audience_not_us";
    case Rejection::time_missing: return "time_missing";
    case Rejection::time_malformed: return "time_malformed";
    case Rejection::expired: return "expired";
    case Rejection::not_yet_valid: return "not_yet_valid";
    case Rejection::issued_in_the_future: return "issued_in_the_future";
    case Rejection::lives_too_long: return "lives_too_long";
    case Rejection::expires_before_issued: return "expires_before_issued";
    case Rejection::client_mismatch: return "client_mismatch";
    case Rejection::malformed_jti: return "malformed_jti";
    case Rejection::sender_constrained: return "sender_constrained";
    case Rejection::subject_missing: return "subject_missing";
    case Rejection::malformed_resource: return "malformed_resource";
    case Rejection::malformed_scope: return "malformed_scope";
    case Rejection::malformed_authorization_details: return "malformed_authorization_details";
    case Rejection::malformed_sub_id: return "malformed_sub_id";
    case Rejection::malformed_claim: return "malformed_claim";
  }
  return "unknown";
}

Rejection to_rejection(jose::JwtProblem problem) {
  switch (problem) {
    case jose::JwtProblem::algorithm_not_allowed: return Rejection::algorithm_not_allowed;
    case jose::JwtProblem::type_mismatch: return Rejection::wrong_type;
    case jose::JwtProblem::has_crit: return Rejection::critical_header;
    case jose::JwtProblem::bad_kid: return Rejection::malformed_kid;
    case jose::JwtProblem::unknown_key: return Rejection::unknown_key;
    case jose::JwtProblem::bad_signature: return Rejection::bad_signature;
    default: return Rejection::not_a_jwt;
  }
}

Rejection to_rejection(jose::TimeProblem problem) {
  switch (problem) {
    case jose::TimeProblem::missing: return Rejection::time_missing;
    case jose::TimeProblem::not_an_integer: return Rejection::time_malformed;
    case jose::TimeProblem::expired: return Rejection::expired;
    case jose::TimeProblem::not_yet_valid: return Rejection::not_yet_valid;
    case jose::TimeProblem::issued_in_the_future: return Rejection::issued_in_the_future;
    case jose::TimeProblem::lives_too_long: return Rejection::lives_too_long;
    case jose::TimeProblem::expires_before_issued: return Rejection::expires_before_issued;
  }
  return Rejection::time_malformed;
}

}  // namespace writ::id_jag
