#pragma once

// Bodies that are read whole.

#include <memory>
#include <optional>
#include <string>

#include "http/message.h"
#include "mcp/json_rpc.h"

namespace writ::upstreams {

// An answer that is there at once.
http::UpstreamResponse whole_response(int status, http::Headers headers, std::string body);
http::UpstreamResponse json_response(int status, std::string body);

// Absent when it broke off or is larger.
Task<std::optional<std::string>> read_whole(http::BodyStream& body, std::size_t bytes_max);
// The response to the message with this id, from a JSON body or among events, and nothing after it. Without it: the whole body, whatever it is;
// absent when it broke off or is larger.
Task<std::optional<std::string>> read_response(const http::UpstreamResponse& response, mcp::RequestId id, json::Limits limits);

}  // namespace writ::upstreams
