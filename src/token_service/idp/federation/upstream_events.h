#pragma once

// What the company's own identity provider says about its people by security events: as its logout tokens do, without a session's name.

#include <cstdint>
#include <string>

#include "signals/receiver/receiver.h"
#include "token_service/idp/idp.h"

namespace writ::token_service::idp {

// Sessions here that began at that provider as that subject until that second end, and subject tokens of before are refused. Of nobody: there
// is nothing to be done. Precondition: there is a federation.
Task<Result<signals::Obeyed, Unavailable>> end_upstream_access(const Idp& idp, registry::IdentityConnector connector, signals::Subject subject, std::int64_t until_seconds,
                                                               std::string peer);

}  // namespace writ::token_service::idp
