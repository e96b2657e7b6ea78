#pragma once

// What one trusted issuer may say, beyond its keys and its scope ceiling: whose clients it knows by which names, which tenants it speaks for and to, and
// what its ID-JAGs must say besides (RAS-31; docs/reference/trusted-issuers.md).

#include <string_view>

#include "id_jag/claims.h"
#include "id_jag/parse.h"
#include "registry/objects.h"
#include "token_service/resource_as/refusal.h"

namespace writ::token_service::resource_as {

// The `client_id` that an ID-JAG of this issuer must have when this client presents it: the one that we registered, unless the issuer has a name of its
// own for the agent. A name that stands for another agent at this issuer is nobody's, whatever we registered under it: then it is empty, which no ID-JAG is for.
// Into the arguments, which outlive it.
std::string_view client_name_at(const registry::TrustedIssuer& issuer, const registry::Agent& agent, const registry::Registration& registration, const id_jag::UnverifiedIdJag& unverified);

// Tenants and required claims of a verified ID-JAG.
Result<void, Refusal> check_trust(const id_jag::IdJag& id_jag, const registry::TrustedIssuer& issuer);

// The address, as far as this issuer may speak for it: its domain is one of the issuer's. Empty: it says nothing.
std::string_view accepted_email(std::string_view email, const registry::TrustedIssuer& issuer);

}  // namespace writ::token_service::resource_as
