#pragma once

#include "token_service/idp/idp.h"

namespace writ::token_service::idp {

// RP-initiated logout (OIDC RP-Initiated Logout 1.0): GET or POST with id_token_hint, client_id, post_logout_redirect_uri, state. Ends the
// browser's session at once when the hint is of that session's person; otherwise asks the person first, so that no other site can sign
// people out. Leads back only to a redirect URI that is registered for the client.
Task<http::Response> logout(const Idp& idp, const http::Request& request);

}  // namespace writ::token_service::idp
