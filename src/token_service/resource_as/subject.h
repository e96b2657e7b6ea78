#pragma once

// Whom an ID-JAG speaks of: from the issuer's subject to one user here (RAS-15, RAS-16, RAS-40).

#include "base/clock.h"
#include "id_jag/claims.h"
#include "registry/revocations.h"
#include "registry/snapshot.h"
#include "token_service/resource_as/refusal.h"

namespace writ::token_service::resource_as {

// The one active user whom (issuer, tenant, sub) names, or why there is none. Never resolves by e-mail: an address is no key (RAS-42).
Result<const registry::User*, Refusal> resolve_subject(const id_jag::IdJag& id_jag, const registry::TrustedIssuer& issuer,
                                                       const registry::Snapshot& snapshot);

// Whether what the issuer said is still so: the user was not signed out of everything since, the session was not ended and has not expired.
Result<void, Refusal> check_session(const id_jag::IdJag& id_jag, const registry::User& user, const registry::Revocations& revocations,
                                    const Settings& settings, Instant now);

}  // namespace writ::token_service::resource_as
