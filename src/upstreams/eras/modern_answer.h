#pragma once

// What a server of the legacy era says, in the form of the modern era. Members that would mean something there and that such a server cannot
// mean (`resultType`, `inputRequests`, `requestState`) do not come through.

#include <string>
#include <string_view>

#include "encoding/json.h"
#include "mcp/json_rpc.h"

namespace writ::upstreams {

inline constexpr std::string_view kServerInfo = "io.modelcontextprotocol/serverInfo", kSubscriptionId = "io.modelcontextprotocol/subscriptionId";

// `server_info`: of the session's `initialize` result; null when it had none (TR-43).
json::Value modern_result(std::string_view method, json::Value result, const json::Value& server_info);
// From the result of `initialize` (TR-50).
json::Value discover_result(const json::Value& initialized);

// An error object. Codes that have another meaning in the modern era, or none, are replaced.
json::Value modern_error(json::Value error);
// The HTTP status that belongs to an error which is not part of a stream (TR-48).
int status_of_error(const json::Value& error);

// A result that asks the client (TR-80). `requests`: key → {method, params}. An empty state is left out.
json::Value input_required_result(json::Value requests, std::string request_state, const json::Value& server_info);

}  // namespace writ::upstreams
