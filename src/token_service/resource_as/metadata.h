#pragma once

#include "oauth/authorization_server_metadata.h"
#include "token_service/resource_as/settings.h"

namespace writ::token_service::resource_as {

// How this server describes itself (RFC 8414; RAS-90 to RAS-93). Says nothing of the issuers that it trusts.
oauth::AuthorizationServerMetadata metadata(const Settings& settings);

}  // namespace writ::token_service::resource_as
