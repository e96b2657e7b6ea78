#pragma once

// Why the IdP says no, and what the caller may learn of it: decided here and nowhere else. The reason goes to audit; the caller gets the
// error code and a fixed text.

#include <string>
#include <string_view>

#include "audit/record.h"
#include "oauth/error.h"
#include "policy/decision.h"
#include "policy/decision_points.h"
#include "policy/step_up.h"
#include "token_service/grant.h"
#include "token_service/idp/session.h"
#include "token_service/idp/settings.h"

namespace writ::token_service::idp {

enum class Problem {
  // the request's shape
  missing_parameter,
  requested_token_type_unsupported,
  subject_token_type_unsupported,
  actor_token_present,
  authorization_details_invalid,
  // the subject token
  subject_token_malformed,
  subject_token_wrong_type,
  subject_token_signature,
  subject_token_issuer,
  subject_token_audience,
  subject_token_times,
  subject_token_revoked,
  subject_token_before_not_before,
  subject_token_too_old,          // of an upstream provider: issued longer ago than its connector allows
  subject_not_admitted,           // of an upstream provider: no person here, or not to be told apart; the detail says why
  subject_token_other_user,
  subject_of_another_device_user,
  // who asks
  agent_disabled,
  device_key_required,
  device_key_mismatch,
  // the target
  several_audiences,
  audience_is_this_idp,
  audience_unknown,
  audience_disabled,
  client_not_registered_at_audience,
  several_resources,
  resource_malformed,
  resource_unknown,
  resource_of_another_audience,
  resource_not_determined,
  server_disabled,
  subject_not_available,
  // scopes
  scope_malformed,
  scope_wider_than_granted,
  no_scope_granted,
  // authorization codes
  code_unknown,
  code_of_another_client,
  code_redirect_uri_mismatch,
  code_verifier_malformed,
  code_verifier_mismatch,
  code_replayed,
  code_expired,
  code_of_another_key,            // bound by `dpop_jkt`, and that key was not proved (RFC 9449 §10)
  // refresh tokens
  refresh_token_unknown,
  refresh_token_of_another_client,
  refresh_token_reused,
  refresh_token_revoked,
  refresh_token_expired,
  refresh_token_before_not_before,
  refresh_token_of_another_key,   // OB-95
  // registration of a device key
  device_key_not_offered,
  device_key_malformed,
  device_key_revoked,
  device_key_of_another_user,
  device_proof_invalid,
};
std::string_view to_string(Problem problem);

struct Refusal {
  oauth::Error error;
  std::string reason;              // for the audit record
  std::string detail;
  bool with_code = false;
  std::string compromised_grant;   // when not empty: what this grant gave must be revoked before answering
};

Refusal refuse(Problem problem, std::string detail = {});
Refusal refuse(SessionProblem problem);                                    // invalid_grant
Refusal refuse(const policy::Decision& decision, const Settings& settings);   // valid, but policy says no
Refusal refuse(const policy::StepUp& step_up);                                // only the sign-in stands in the way
Refusal refuse(const policy::Opinion& opinion, const Settings& settings);     // policy says yes, somebody else says no

// A record of this request with what is known at its start.
audit::Record record_of(audit::Event event, const TokenRequest& request, const Client& client);
Refused refused(Refusal refusal, audit::Record record);

}  // namespace writ::token_service::idp
