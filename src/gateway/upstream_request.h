#pragma once

// What goes to an upstream, and what of its head comes back. Lists of what is allowed, not of what is removed: a field that nobody thought
// of stays here (G5, G10, MCPA-105, MCPA-152).

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "gateway/exchange.h"
#include "gateway/settings.h"
#include "http/message.h"
#include "registry/objects.h"

namespace writ::gateway {

struct UpstreamCredential {
  std::string header_name;
  Secret value;
};

// `method` is POST, GET or DELETE. The body of a POST is the parsed message, written again (G7).
http::UpstreamRequest upstream_request(std::string_view method, const http::Request& from, const registry::Server& server, Exchange& exchange,
                                       const std::optional<UpstreamCredential>& credential, const Settings& settings);

// A value of Mcp-Session-Id that may be used (TR-22).
bool is_session_id(std::string_view value);

}  // namespace writ::gateway
