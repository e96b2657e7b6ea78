#pragma once

// The use of a SAML assertion: one refresh token for one ID of one issuer. Beside Claim::Use, and apart from all of them.

#include "audit/decisions_log.h"

namespace writ::audit {

Claim claim_assertion(std::string_view issuer, std::string_view id, Instant forget_after);

}  // namespace writ::audit
