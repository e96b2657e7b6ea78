#pragma once

// Why an ID-JAG that is genuine, or whose issuer is in question, gets no access token; and what the caller hears of it.

#include <string_view>
#include <variant>

#include "id_jag/rejection.h"
#include "jose/jwe.h"
#include "oauth/error.h"
#include "policy/decision.h"
#include "policy/decision_points.h"
#include "policy/step_up.h"
#include "token_service/grant.h"
#include "token_service/resource_as/settings.h"

namespace writ::token_service::resource_as {

enum class Refusal {
  assertion_missing,
  issuer_is_us,                 // ID-JAG draft §9.3: never redeem what we issued ourselves
  issuer_not_trusted,
  issuer_disabled,              // C3
  proof_absent,                 // bound to a key that was not proved (RAS-60)
  proof_of_another_key,         // RAS-61
  not_sender_constrained,       // the issuer may give only what is bound to a key
  client_not_allowed,           // the issuer's record does not name this agent
  tenant_not_expected,
  audience_tenant_not_expected,
  required_claim_missing,       // or it says something else
  subject_unknown,              // RAS-16
  subject_conflict,             // two claims name two people
  // of a subject that nobody is linked to (newcomer.h)
  link_pending,                 // offered to the person whose address it is, who has said nothing yet
  link_rejected,
  too_many_links_pending,
  linked_to_another,            // that person is another subject of this issuer already
  email_ambiguous,
  email_of_a_service,
  email_not_accepted,           // no checked address that the issuer may speak for
  email_taken,
  name_taken,
  name_not_usable,
  provisioned_elsewhere,        // the company's directory says who is there
  account_not_created,
  user_disabled,                // C3, rules §1.8
  issued_before_not_before,     // everything of this user before that moment was taken back
  session_ended,
  session_expired,              // `session_expiry` has passed
  issued_before_event,          // its issuer said since that the access of before is over (EN-27)
  signed_in_before_revocation,  // its issuer ordered that the person signs in anew (EN-55)
  device_of_another_user,       // rules §1.5
  resource_missing,
  resource_not_registered,      // EMA-28
  resource_of_another_server,   // registered, but governed by another authorization server (RAS-25)
  server_disabled,
  proof_required,               // the server takes only tokens that are bound to a key, and none was proved
  resource_ambiguous,           // several in the claim, none named in the request
  resource_parameter_repeated,
  resource_parameter_not_granted,   // RAS-28
  scope_not_registered,         // EMA-29
  scope_parameter_malformed,
  no_grantable_scope,
  assertion_not_encrypted,      // signed only, where that is not enough
  only_authorization_details,   // details say more precisely what scopes allow; the server's default scopes in their place would be more than was granted
  details_not_understood,       // OB-100
  details_location_elsewhere,
  details_parameter_malformed,
  details_parameter_not_granted,
  ema_refused,                  // by interactive sign-in what was refused to this person and client a moment ago
};
std::string_view to_string(Refusal refusal);

// Policy denies, and would allow after a better sign-in at the issuer (rules §4.7).
struct NeedsStepUp {
  policy::StepUp step_up;
  policy::Decision decision;
};
using Failure = std::variant<Refusal, id_jag::Rejection, policy::Decision, NeedsStepUp, policy::Opinion, jose::JweProblem>;

// The one place that decides what a caller learns (RAS-80, T11): no hint about who exists, nothing of the token.
oauth::Error to_wire(const Failure& failure, const Settings& settings);
// Whether the caller is told the code of the record: where somebody can do something about it. All that concerns who a subject is does so, or none: a
// code must not tell that somebody is there.
bool has_code(const Failure& failure);
// Writes the true reason into the record.
void describe(const Failure& failure, audit::Record& record);

}  // namespace writ::token_service::resource_as
