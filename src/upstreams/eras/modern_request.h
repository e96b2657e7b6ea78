#pragma once

// A modern client's request, taken apart: what goes to a server of the legacy era, and what the modern form says beside it.

#include <optional>
#include <string>

#include "encoding/json.h"
#include "mcp/json_rpc.h"

namespace writ::upstreams {

struct ModernRequest {
  mcp::RequestId id;
  std::string method;
  json::Value params;                       // of the legacy era: without the members of `_meta` that only the modern era has; may be null
  json::Value capabilities;                 // those of the client that the legacy era has too
  json::Value client_info;                  // always an object with name and version
  std::optional<json::Value> progress_token;
  std::optional<int> log_level;             // see log_severity
  std::optional<json::Value> input_responses;
  std::optional<std::string> request_state;
  std::string digest;                       // of what is asked, without what a repetition may change: a request state belongs to it
};
// Precondition: a request that passed mcp::check_modern. The error says which member is malformed.
Result<ModernRequest, std::string> read_modern_request(const mcp::Message& message);

// 0 (debug) to 7 (emergency); absent for anything else.
std::optional<int> log_severity(std::string_view level);
std::string_view log_level(int severity);

// May it be answered with `input_required` (TR-80)?
bool may_ask_for_input(std::string_view method);

}  // namespace writ::upstreams
