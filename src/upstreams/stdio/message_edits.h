#pragma once

// Ids and progress tokens in messages. Between the gateway and a program they are the gateway's own numbers, so that no two clients meet in them
// and an answer goes to whoever asked and to nobody else (G13).

#include <optional>
#include <string>

#include "mcp/json_rpc.h"

namespace writ::upstreams::stdio {

inline constexpr std::string_view kSubscriptionId = "io.modelcontextprotocol/subscriptionId";

// A client's request with our number for its id and, if it has one, its progress token.
std::string with_own_number(const mcp::Message& message, std::int64_t number);
std::optional<json::Value> progress_token_of(const mcp::Message& message);

// A response with the id that the client gave.
std::string with_id(mcp::Message response, const mcp::RequestId& id);
// `params.progressToken` of notifications/progress, and one with the client's own.
std::optional<std::int64_t> progress_number_of(const mcp::Message& notification);
std::string with_progress_token(mcp::Message notification, json::Value token);
// `_meta` of what belongs to a subscription of the modern era (TR-72), and one with the client's own id.
std::optional<std::int64_t> subscription_number_of(const mcp::Message& message);
std::string with_subscription_id(mcp::Message message, const mcp::RequestId& id);

// notifications/cancelled for one of our numbers.
std::string cancelled(std::int64_t number, std::string_view reason);

// The id of a response that was too long to be read, from how it began or how it ended; absent when neither tells for sure.
std::optional<std::int64_t> number_of_lost_line(std::string_view beginning, std::string_view end);

}  // namespace writ::upstreams::stdio
