#pragma once

// What a server of 2026-07-28 says, in the form that a legacy client reads. Pure functions over plain values.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "encoding/json.h"
#include "mcp/json_rpc.h"

namespace writ::upstreams {

// The revision that a session speaks (TR-21): what the client asked for if it is known here, else the latest.
inline constexpr std::string_view kLatestLegacyVersion = "2025-11-25";
std::string negotiated_version(std::string_view asked);

// The result of `initialize` from that of `server/discover`. `name` stands in for a server that does not say who it is.
json::Value initialize_result(const json::Value& discovered, std::string_view version, std::string_view name);

// Without what the legacy era does not know: resultType, cache hints, and the server's identity in `_meta`.
void make_legacy_result(json::Value& result);
// Without the subscription's id.
void make_legacy_notification(json::Value& notification);
// Of the notifications of a subscription, those that a GET stream carries.
bool is_for_push_stream(std::string_view method);

// What a result is, and what it asks for.
enum class ResultKind { complete, input_required, unknown };
ResultKind kind_of_result(const json::Value& result);

struct InputRequest {
  std::string key, method;
  json::Value params;                         // an object, or null
};
struct InputRequired {
  std::vector<InputRequest> requests;
  std::optional<std::string> state;
};
// Absent when it is malformed: then nobody can answer it.
std::optional<InputRequired> parse_input_required(const json::Value& result);

// A request of the server's, under the bridge's own id.
json::Value legacy_server_request(const InputRequest& asked, const std::string& id);

}  // namespace writ::upstreams
