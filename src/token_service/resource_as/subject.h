#pragma once

// Whom an ID-JAG speaks of: from what the issuer says to one user here (RAS-15, RAS-16, RAS-40 to RAS-49).

#include "base/clock.h"
#include "id_jag/claims.h"
#include "registry/revocations.h"
#include "registry/snapshot.h"
#include "token_service/resource_as/refusal.h"

namespace writ::token_service::resource_as {

struct ResolvedSubject {
  const registry::User* user = nullptr;
  bool by_link = false;         // (issuer, tenant, sub) is linked to the user: the access ends with the link
};

// The one active user whom the ID-JAG names, or why there is none. (issuer, tenant, sub) is the key. `aud_sub` and `sub_id` answer where the issuer may
// name our accounts; all else that says who it is can only contradict, and two answers that differ are none. An address is no key (RAS-42).
Result<ResolvedSubject, Refusal> resolve_subject(const id_jag::IdJag& id_jag, const registry::TrustedIssuer& issuer, const registry::Snapshot& snapshot);

// Whose checked address it is here. `several`: it is nobody's alone.
struct EmailOwner {
  const registry::User* user = nullptr;
  bool several = false;
};
EmailOwner owner_of_email(std::string_view email, const registry::Snapshot& snapshot);

// The address that the ID-JAG gives the subject, as far as its issuer may speak for it; empty when there is none. Two that differ are refused.
Result<std::string_view, Refusal> email_of(const id_jag::IdJag& id_jag, const registry::TrustedIssuer& issuer);

// Of the IdP of the same deployment: only its sessions are known here by their own names.
bool is_of_own_idp(const id_jag::IdJag& id_jag, const Settings& settings);

// Whether what the issuer said is still so: the user was not signed out of everything since, the session was not ended and has not expired.
Result<void, Refusal> check_session(const id_jag::IdJag& id_jag, const registry::User& user, const registry::Revocations& revocations,
                                    const Settings& settings, Instant now);

}  // namespace writ::token_service::resource_as
