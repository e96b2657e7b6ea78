#pragma once

// What an agent is told when a message is denied (product.md; rules §5.1): something that a model understands, does not repeat, and can hand
// to its person.

#include <string>
#include <string_view>

#include "gateway/call_authorization.h"
#include "gateway/settings.h"
#include "http/message.h"
#include "mcp/json_rpc.h"

namespace writ::gateway {

// {code, effect, kind, policy, retryable, alternatives, request_url}; of a held call {…, approval, approvers, retry_after_seconds, expires} too. With
// Settings::Denials::code_only neither policy nor alternatives, and every denial has the kind `denied`: nobody learns from it what exists.
json::Value denial_object(const Verdict& verdict, const std::string& code, const Settings& settings);

// A tools/call gets a result with isError; other requests get a JSON-RPC error with code 403; both with status 200, or everything as 403
// when the setting says so. What has no id to answer to (notifications, responses, streams) is a plain 403.
http::Response render_denial(const Verdict& verdict, const std::string& code, const mcp::Message* message, mcp::Era era, const Settings& settings);

// In a session a call is answered by an event stream that begins with a place to resume from (TR-31), so that the gateway's own answer has the form that
// servers give theirs. The places are ours and lead nowhere: the answer stands right behind.
http::Response as_events(http::Response response, const std::string& code);
bool is_own_event_id(std::string_view id);

}  // namespace writ::gateway
