#pragma once

// Which of an ID-JAG's authorization details a token carries (RFC 9396; RAS-22, RAS-23): those of the claim that are this server's, narrowed by the request
// and by policy. A request never widens the claim.

#include "encoding/form.h"
#include "id_jag/claims.h"
#include "policy/decision.h"
#include "token_service/resource_as/refusal.h"
#include "token_service/resource_as/resource.h"

namespace writ::token_service::resource_as {

// What the claim gives at the chosen server, and the request asks of it. Types that no granted server registers, members that nobody understands and
// locations elsewhere are refused, not left out: the issuer meant something by them.
Result<json::Array, Refusal> asked_details(const id_jag::IdJag& id_jag, const form::Parameters& parameters, const ChosenServer& chosen);

// Those that policy grants; the record gets the types of those that it does not. `connect` is the question by which the person was let in. With decision
// points for the server none are granted: they are asked in words that have no details.
json::Array permitted_details(json::Array asked, const policy::Question& connect, const policy::Policy& policy, bool has_decision_points, audit::Record& record);

}  // namespace writ::token_service::resource_as
