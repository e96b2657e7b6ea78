#pragma once

// The person's browser at the IdP: its session, and the token that ties a form to the browser it was shown in (A1).

#include <optional>
#include <string>
#include <string_view>

#include "token_service/cookies.h"
#include "token_service/idp/idp.h"
#include "token_service/idp/session.h"

namespace writ::token_service::idp {

// The live session that the request's cookie opens; absent when there is none, whatever the cookie says.
std::optional<LiveSession> live_session(const Idp& idp, const registry::Snapshot& snapshot, const http::Request& request, Instant now);

// `purpose` and what the form carries on are part of it: a token for one form is no token for another.
std::string form_token(const Idp& idp, std::string_view purpose, std::string_view browser, std::string_view carried);
bool is_form_token(const Idp& idp, std::string_view token, std::string_view purpose, std::string_view browser, std::string_view carried);
// False when the browser says that the form was on another site's page.
bool is_same_origin(const Idp& idp, const http::Request& request);

}  // namespace writ::token_service::idp
