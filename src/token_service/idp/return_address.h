#pragma once

// Where a page of ours sends the browser back to after a sign-in that no application asked for. It travels in a cookie that says so itself: only what this
// deployment wrote is followed, and only to its own origin.

#include <optional>
#include <string>

#include "token_service/idp/idp.h"

namespace writ::token_service::idp {

// A Set-Cookie value. `address`: absolute, at the issuer's origin.
std::string returning_cookie(const Idp& idp, const std::string& address);
std::optional<std::string> return_address(const Idp& idp, const http::Request& request);
std::string clearing_returning_cookie(const Idp& idp);

}  // namespace writ::token_service::idp
