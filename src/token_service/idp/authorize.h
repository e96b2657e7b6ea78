#pragma once

// The sign-in leg: /authorize asks who is there and gives a code; /sign-in is where the form goes.

#include "token_service/idp/idp.h"

namespace writ::token_service::idp {

// GET with a query, POST with a form (OIDC Core §3.1.2.1).
Task<http::Response> authorize(const Idp& idp, const http::Request& request);
// GET shows the form without an application to return to; POST takes user name and password.
Task<http::Response> show_sign_in(const Idp& idp, const http::Request& request);
Task<http::Response> sign_in(const Idp& idp, const http::Request& request);

// The sign-in page once more, with what went wrong and what to do. `continue_with`: the application's request, as the browser carries it.
http::Response sign_in_again(const Idp& idp, const http::Request& request, int status, const std::string& continue_with, std::string message);

}  // namespace writ::token_service::idp
