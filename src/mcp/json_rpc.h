#pragma once

// JSON-RPC 2.0 as MCP uses it (TR-05, TR-08): one message per text, no batches, ids are strings or integers. One strict parse: what is
// decided on is the value that is written again for the other side (G7).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "encoding/json.h"

namespace writ::mcp {

using RequestId = std::variant<std::int64_t, std::string>;
// `1` and `"1"` are two ids.
std::string to_key(const RequestId& id);
json::Value to_json(const RequestId& id);
std::optional<RequestId> parse_id(const json::Value& value);

// JSON-RPC error codes of the specifications.
namespace code {
inline constexpr int kParseError = -32700;
inline constexpr int kInvalidRequest = -32600;
inline constexpr int kMethodNotFound = -32601;
inline constexpr int kInvalidParams = -32602;
inline constexpr int kInternalError = -32603;
inline constexpr int kHeaderMismatch = -32020;
inline constexpr int kMissingCapability = -32021;
inline constexpr int kUnsupportedVersion = -32022;
// Ours, outside the reserved range (TR-59).
inline constexpr int kDenied = 403;
inline constexpr int kUpstreamFailed = 502;
inline constexpr int kUpstreamTimedOut = 504;
}  // namespace code

enum class MessageProblem {
  not_json,          // including duplicate members, bad UTF-8, trailing bytes, numbers that do not fit
  too_large,         // bytes, depth or members
  batch,
  not_an_object,
  wrong_version,     // `jsonrpc` is not "2.0"
  bad_id,            // null, fractional, of another type, or over 1 KiB
  bad_method,
  bad_params,        // no object
  unknown_member,    // beside those of JSON-RPC: a laxer reader behind us may take `Method` for `method`
  look_alike_member, // in `params`: equal to a member that counts, but for case
  not_a_message,     // neither request, notification nor response
};
std::string_view to_string(MessageProblem problem);
// What the sender is told.
int error_code(MessageProblem problem);

class Message {
 public:
  enum class Kind { request, notification, result, error };

  static Result<Message, MessageProblem> parse(std::string_view text, const json::Limits& limits);
  // A message that a server sent. It is read like any other, but may carry members that we do not know: it goes to a client that
  // reads what it wants of it.
  static Result<Message, MessageProblem> parse_from_server(std::string_view text, const json::Limits& limits);

  Kind kind() const { return kind_; }
  bool is_response() const { return kind_ == Kind::result || kind_ == Kind::error; }
  const std::optional<RequestId>& id() const { return id_; }   // always there for request and result
  const std::string& method() const { return method_; }        // empty for responses
  const json::Value* params() const { return value_.find("params"); }
  // The member of `params`; null when there is none.
  const json::Value* param(std::string_view name) const;
  const std::string* param_string(std::string_view name) const;
  const json::Value& value() const { return value_; }
  json::Value& value() { return value_; }                       // for filters: `jsonrpc`, `id` and `method` stay as they are
  std::string write() const { return json::write(value_); }

 private:
  enum class From { client, server };
  static Result<Message, MessageProblem> parse(std::string_view text, const json::Limits& limits, From from);
  Message() = default;
  json::Value value_;
  Kind kind_ = Kind::notification;
  std::optional<RequestId> id_;
  std::string method_;
};

// Without `id` where none is known (TR-02, TR-08: never null).
json::Value error_response(const std::optional<RequestId>& id, int error_code, std::string_view message, json::Value data = nullptr);
json::Value result_response(const RequestId& id, json::Value result);

// Equal to a reader that ignores case as some do, Go's encoding/json first of all: ASCII letters, and the two other code points
// that fold to one (U+017F to s, U+212A to k).
bool equals_folded(std::string_view a, std::string_view b);

}  // namespace writ::mcp
