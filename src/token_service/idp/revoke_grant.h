#pragma once

#include "token_service/idp/idp.h"

namespace writ::token_service::idp {

// Takes back everything that one sign-in of one client gave: the refresh family, and the ID and access tokens that name the grant.
Task<Result<void, Unavailable>> revoke_grant(const Idp& idp, std::string grant_id, Instant now);

}  // namespace writ::token_service::idp
