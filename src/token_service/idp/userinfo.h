#pragma once

#include "token_service/idp/idp.h"

namespace writ::token_service::idp {

// OIDC Core §5.3: who the person is, as far as the scopes go.
Task<http::Response> userinfo(const Idp& idp, const http::Request& request);

// {servers: [{id, name, resource, authorization_server, scopes}]}: what this person may reach through this agent, and nothing else, so
// that a client can offer it without asking each server.
Task<http::Response> catalog(const Idp& idp, const http::Request& request);

}  // namespace writ::token_service::idp
