#pragma once

#include "token_service/idp/idp.h"

namespace writ::token_service::idp {

// Drops from memory what can no longer matter: sessions at their absolute end, codes, expired refresh families. To be called every few
// minutes; the documents themselves are forgotten by registry::Documents::forget_expired.
void forget_expired(const Idp& idp, Instant now);

}  // namespace writ::token_service::idp
