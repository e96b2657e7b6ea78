#pragma once

// A subject that nobody here is linked to: what becomes of it (RAS-41, RAS-42; docs/reference/trusted-issuers.md). Pure.

#include "id_jag/claims.h"
#include "linked_accounts/accounts.h"
#include "registry/snapshot.h"
#include "token_service/resource_as/refusal.h"

namespace writ::token_service::resource_as {

// Whom a link is offered to, or who is created; or why the subject stays unknown. Precondition: resolve_subject said `subject_unknown`.
Result<linked_accounts::Newcomer, Refusal> newcomer_of(const id_jag::IdJag& id_jag, const registry::TrustedIssuer& issuer, const registry::Snapshot& snapshot);

// Why a link that is offered, or a person who could not be created, gives nothing yet. Absent: the person is there now.
std::optional<Refusal> refusal_of(linked_accounts::Met met);

}  // namespace writ::token_service::resource_as
