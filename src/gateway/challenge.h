#pragma once

// 401 and 403 answers with their WWW-Authenticate field (RFC 6750 §3, RFC 9728 §5.1; MCPA-30 to MCPA-37).

#include <string>
#include <string_view>

#include "gateway/access_token.h"
#include "http/message.h"
#include "registry/objects.h"

namespace writ::gateway {

// 401: without `error` on first contact, else invalid_token; 400 invalid_request for a repeated token; 503 when keys cannot be had.
http::Response challenge(TokenRefusal refusal, const registry::Server& server, std::string_view metadata_url);
// 403 insufficient_scope (rules §3.4).
http::Response insufficient_scope(std::string_view scope, std::string_view metadata_url);

}  // namespace writ::gateway
