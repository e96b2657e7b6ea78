#pragma once

// The rules of Streamable HTTP that can be told from one request: era, protocol version, mirrored headers, media types (TR-40 to TR-68).
// Pure functions over plain values.

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "encoding/json.h"
#include "http/message.h"
#include "mcp/json_rpc.h"
#include "mcp/methods.h"

namespace writ::mcp {

inline constexpr std::string_view kModernVersion = "2026-07-28";
inline constexpr std::string_view kAssumedVersion = "2025-03-26";     // a legacy request without the header (TR-28)
inline constexpr std::string_view kVersionHeader = "MCP-Protocol-Version";
inline constexpr std::string_view kSessionHeader = "Mcp-Session-Id";
inline constexpr std::string_view kMethodHeader = "Mcp-Method";
inline constexpr std::string_view kNameHeader = "Mcp-Name";
inline constexpr std::string_view kParamHeaderPrefix = "Mcp-Param-";
inline constexpr std::string_view kMetaVersion = "io.modelcontextprotocol/protocolVersion";
inline constexpr std::string_view kTasksExtension = "io.modelcontextprotocol/tasks";
inline constexpr std::string_view kMetaCapabilities = "io.modelcontextprotocol/clientCapabilities";

bool is_legacy_version(std::string_view version);

// A request that breaks a rule: 400 with a JSON-RPC error. `reason` is for audit and tests.
struct Misuse {
  int status = 400;
  int error_code = code::kInvalidRequest;
  const char* reason = "";
  const char* message = "";
  json::Value data;
};

// Which era a POST belongs to. Modern: `_meta` carries a protocol version, or the header names a modern one. `message` decides for itself;
// no earlier request is looked at (TR-51, TR-103).
Era era_of(const Message& message, const http::Headers& headers);

// TR-42, TR-44 to TR-46, TR-60 to TR-66 for a modern message; TR-28 for a legacy one.
Result<void, Misuse> check_modern(const Message& message, const http::Headers& headers);
Result<void, Misuse> check_legacy_version(const http::Headers& headers);

// What the body says for Mcp-Name: of calls, prompts and resources, and of tasks, where the extension wants it too. Null when the method has none.
const std::string* mirrored_name(const Message& message);

// A mirrored header's value: trimmed, and decoded when it has the form =?base64?…?= (TR-61, TR-64). Absent when malformed.
std::optional<std::string> decode_header_value(std::string_view value);
std::string encode_header_value(std::string_view text);

// `application/json`, in any case, with no charset but utf-8 (G8).
bool is_json(const http::Headers& headers);
bool is_event_stream(const http::Headers& headers);
// Whether the fields `Accept` admit the media type; absent fields admit everything.
bool accepts(const http::Headers& headers, std::string_view media_type);

}  // namespace writ::mcp
