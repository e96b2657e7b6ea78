#pragma once

// The second step of a sign-in by password: a one-time code, or the enrolment of an app at the first time that one is needed. Between the two
// steps nothing is kept here: the form carries what the password has proved, sealed and tied to the browser, for a few minutes.

#include <string>

#include "token_service/idp/authorization_request.h"
#include "token_service/idp/idp.h"

namespace writ::token_service::idp {

// For a person whose password was right just now. `continue_with` is the authorization request as it came; both may be absent.
http::Response ask_second_factor(const Idp& idp, const http::Request& http, const std::string& continue_with, const AuthorizationRequest* request,
                                 const registry::User& user, Instant now);

// POST {issuer}/sign-in/factor
Task<http::Response> second_factor(const Idp& idp, const http::Request& http);

}  // namespace writ::token_service::idp
