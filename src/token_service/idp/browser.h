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
// The member `name` (or "") of a form posted from one of our pages that carries nothing on, after everything that makes it the wish of the person whose session this is (A1).
enum class WishProblem : int { malformed = 400, of_another = 403 };   // the status to answer
Result<std::string, WishProblem> read_wish(const Idp& idp, const http::Request& request, const Session& session, std::string_view purpose, std::string_view name);

}  // namespace writ::token_service::idp
