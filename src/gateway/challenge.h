#pragma once

// 401 and 403 answers with their WWW-Authenticate field (RFC 6750 §3, RFC 9728 §5.1; MCPA-30 to MCPA-37).

#include <string>
#include <string_view>

#include "gateway/bearer_authentication.h"
#include "http/message.h"
#include "policy/step_up.h"
#include "registry/objects.h"

namespace writ::gateway {

// 401: without `error` on first contact, else invalid_token; 400 invalid_request for a repeated token; 503 when keys cannot be had.
http::Response challenge(TokenRefusal refusal, const registry::Server& server, std::string_view metadata_url);
// The same answer where DPoP is offered (RFC 9449 §7.1): a DPoP challenge beside the Bearer one, or in its place where a Bearer token would not do.
// `nonce` is for a proof that must have one; empty: none is needed.
http::Response with_dpop_challenge(http::Response answer, const AuthenticationRefusal& refused, bool as_dpop, std::string nonce, const registry::Server& server, std::string_view metadata_url);
// 403 insufficient_scope (rules §3.4).
http::Response insufficient_scope(std::string_view scope, std::string_view metadata_url);

// 401 insufficient_user_authentication (RFC 9470 §3): the person must sign in again, at the IdP, in the way that the challenge states. `body`
// says the same to an agent whose client does not know it. The scope may be empty.
http::Response insufficient_user_authentication(const policy::StepUp& step_up, std::string_view scope, std::string_view metadata_url, const json::Value& body);

}  // namespace writ::gateway
