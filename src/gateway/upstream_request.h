#pragma once

// What goes to an upstream, and what of its head comes back. Lists of what is allowed, not of what is removed: a field that nobody thought
// of stays here (G5, G10, MCPA-105, MCPA-152).

#include <memory>
#include <string_view>

#include "gateway/bearer_authentication.h"
#include "gateway/exchange.h"
#include "gateway/settings.h"
#include "http/message.h"
#include "registry/snapshot.h"
#include "upstreams/upstream.h"

namespace writ::gateway {

// `method` is POST, GET or DELETE. The body of a POST is the parsed message, written again (G7).
upstreams::Request upstream_request(std::string_view method, const http::Request& from, std::shared_ptr<const registry::Snapshot> snapshot, const registry::Server& server,
                                    const Caller& caller, const std::shared_ptr<Exchange>& exchange, const Settings& settings);

// A value of Mcp-Session-Id that may be used (TR-22).
bool is_session_id(std::string_view value);

}  // namespace writ::gateway
