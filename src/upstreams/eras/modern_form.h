#pragma once

// What a legacy client says, in the form of 2026-07-28. Pure functions over plain values.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "encoding/json.h"
#include "http/message.h"
#include "mcp/json_rpc.h"
#include "mcp/mirrored_headers.h"

namespace writ::upstreams {

inline constexpr std::string_view kMetaClientInfo = "io.modelcontextprotocol/clientInfo";
inline constexpr std::string_view kMetaServerInfo = "io.modelcontextprotocol/serverInfo";
inline constexpr std::string_view kMetaLogLevel = "io.modelcontextprotocol/logLevel";
inline constexpr std::string_view kMetaSubscription = "io.modelcontextprotocol/subscriptionId";

// What a session stands for in every modern request.
struct ClientFacts {
  json::Value info;                 // null: it did not say who it is
  json::Value capabilities;         // in the modern form
  std::string log_level;            // empty: it wants no log messages
};

// The capabilities of a legacy client as a modern one declares them: without tasks, extensions, what is experimental, and the notification of changed
// roots: none of that a bridge can keep its word on.
json::Value modern_capabilities(const json::Value& legacy);

// Answers to an `input_required` result (TR-81): what they are, and the state to give back as it came.
struct RetryWith {
  json::Value responses;                      // an object; null: none were asked for
  std::optional<std::string> state;
};

// The message with another id and `_meta`; what a decision looks at stays as it was. `retry` may be null.
json::Value modern_request(const mcp::Message& legacy, std::int64_t id, const ClientFacts& client, const RetryWith* retry);
// A request of the bridge's own.
json::Value modern_request(std::string_view method, json::Value params, std::int64_t id, const ClientFacts& client);

// Method, MCP header fields and body. `tools` knows which arguments are mirrored.
http::UpstreamRequest modern_http(const mcp::Message& message, const mcp::MirroredHeaders& tools);

// Whether the client declared what a request of a server needs of it (TR-84).
bool is_declared(const json::Value& capabilities, std::string_view method, const json::Value* params);

// One of the levels of logging/setLevel.
bool is_log_level(std::string_view level);

}  // namespace writ::upstreams
