#pragma once

#include "encoding/json.h"
#include "token_service/idp/idp.h"
#include "token_service/idp/tokens.h"

namespace writ::token_service::idp {

// The token response of the code and refresh grants, without the refresh token. Unavailable: nothing can be signed.
Result<json::Object, Unavailable> sign_in_response(const Idp& idp, const TokenSubject& subject, Instant now);

}  // namespace writ::token_service::idp
