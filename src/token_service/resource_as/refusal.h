#pragma once

// Why an ID-JAG that is genuine, or whose issuer is in question, gets no access token; and what the caller hears of it.

#include <string_view>
#include <variant>

#include "id_jag/rejection.h"
#include "oauth/error.h"
#include "policy/decision.h"
#include "policy/decision_points.h"
#include "policy/step_up.h"
#include "token_service/grant.h"
#include "token_service/resource_as/settings.h"

namespace writ::token_service::resource_as {

enum class Refusal {
  assertion_missing,
  dpop_not_offered,             // a proof that nobody validates must not look as if it had been
  issuer_is_us,                 // ID-JAG draft §9.3: never redeem what we issued ourselves
  issuer_not_trusted,
  issuer_disabled,              // C3
  client_not_allowed,           // the issuer's record does not name this agent
  tenant_not_expected,
  subject_unknown,              // RAS-16
  user_disabled,                // C3, rules §1.8
  issued_before_not_before,     // everything of this user before that moment was taken back
  session_ended,
  session_expired,              // `session_expiry` has passed
  device_of_another_user,       // rules §1.5
  resource_missing,
  resource_not_registered,      // EMA-28
  resource_of_another_server,   // registered, but governed by another authorization server (RAS-25)
  server_disabled,
  resource_ambiguous,           // several in the claim, none named in the request
  resource_parameter_repeated,
  resource_parameter_not_granted,   // RAS-28
  scope_not_registered,         // EMA-29
  scope_parameter_malformed,
  no_grantable_scope,
  only_authorization_details,   // nothing in it that we understand; scopes instead would be more than was granted
};
std::string_view to_string(Refusal refusal);

// Policy denies, and would allow after a better sign-in at the issuer (rules §4.7).
struct NeedsStepUp {
  policy::StepUp step_up;
  policy::Decision decision;
};
using Failure = std::variant<Refusal, id_jag::Rejection, policy::Decision, NeedsStepUp, policy::Opinion>;

// The one place that decides what a caller learns (RAS-80, T11): no hint about who exists, nothing of the token.
oauth::Error to_wire(const Failure& failure, const Settings& settings);
// Writes the true reason into the record.
void describe(const Failure& failure, audit::Record& record);

}  // namespace writ::token_service::resource_as
