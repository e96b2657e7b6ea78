#pragma once

// What follows a yes of policy, whichever grant asked: whoever else must agree, and what the record says of the decision.

#include "audit/record.h"
#include "policy/decision_points.h"
#include "registry/snapshot.h"
#include "token_service/resource_as/entitlement.h"

namespace writ::token_service::resource_as {

// They narrow what policy gave, and give nothing themselves. `points` may be null: what one is configured for is then refused.
Task<Result<void, Failure>> ask_decision_points(policy::DecisionPoints* points, Entitlement& entitlement, const registry::Snapshot& snapshot, audit::Record& record);

void record_decision(const policy::Decision& decision, audit::Record& record);

// Whether the issuer's record lets this agent use what it says.
bool may_redeem(const registry::TrustedIssuer& issuer, const registry::Agent& agent);

}  // namespace writ::token_service::resource_as
