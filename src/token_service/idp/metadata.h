#pragma once

#include "encoding/json.h"
#include "token_service/idp/authentication_context.h"
#include "token_service/idp/settings.h"

namespace writ::token_service::idp {

// What discovery says about this issuer (RFC 8414, OIDC Discovery). From settings alone: no Host or forwarding header can change it (T9).
json::Value metadata(const Settings& settings, Levels levels);

}  // namespace writ::token_service::idp
