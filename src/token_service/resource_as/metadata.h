#pragma once

#include "oauth/authorization_server_metadata.h"
#include "token_service/resource_as/settings.h"

namespace writ::token_service::resource_as {

// How this server describes itself (RFC 8414; RAS-90 to RAS-93). Says nothing of the issuers that it trusts. `interactive`: some server of it is open to
// clients without enterprise-managed authorization.
oauth::AuthorizationServerMetadata metadata(const Settings& settings, bool interactive = false);

}  // namespace writ::token_service::resource_as
