#pragma once

// What one resource authorization server wants of its ID-JAGs beside what all have: the person's SAML NameID there, and encryption to its key.

#include "id_jag/issue.h"
#include "registry/objects.h"
#include "token_service/idp/refusal.h"

namespace writ::token_service::idp {

// Refuses when it cannot be had: an ID-JAG without it would be one that the audience refuses, or that others can read.
Result<void, Refusal> add_options(const registry::ResourceAs& audience, const registry::User& user, const Settings& settings, id_jag::Statement& statement);

}  // namespace writ::token_service::idp
