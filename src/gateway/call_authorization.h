#pragma once

// May this caller send this message to this server? Turns an MCP message into a question for policy, adds the tool scope rule, and filters
// what lists show. Pure functions over one snapshot, one policy and one parsed message.

#include <optional>
#include <string>
#include <string_view>

#include "gateway/access_token.h"
#include "gateway/bearer_authentication.h"
#include "gateway/definition_watch.h"
#include "gateway/tasks.h"
#include "mcp/json_rpc.h"
#include "mcp/methods.h"
#include "policy/decision.h"
#include "policy/tool_catalogue.h"
#include "registry/snapshot.h"

namespace writ::gateway {

// Everything that a decision for one caller at one server looks at. References outlive it.
struct Circumstances {
  const registry::Snapshot& snapshot;
  const registry::Server& server;
  const AccessToken& token;
  const Caller& caller;
  const policy::Policy& policy;
  const policy::ToolCatalogue& tools;
  const DefinitionWatch& definitions;
  std::string_view ip;
  Instant now;
  // The combined server through which a member is asked (rules §5.6); null: the server is asked at its own address.
  const registry::Server* endpoint = nullptr;
};

// The reason of a verdict on what nobody approved, or what changed since. For audit: agents are told `no_permit`.
inline constexpr std::string_view kNotReviewed = "not_reviewed";

struct Verdict {
  enum class Outcome {
    allowed,
    denied,               // by policy, or before it with a reason of its own
    held,                 // only an approval is missing (rules §4.6): held_call.h says what becomes of it
    insufficient_scope,   // another scope would help and would be granted now
    unknown_method,       // not in the table, or not of this era: denied, never forwarded
    unknown_task,         // nobody's, or somebody else's
    invalid,              // the message lacks what the method needs: -32602, no denial
  };
  Outcome outcome = Outcome::denied;
  policy::Decision decision;
  std::string reason;              // for audit and for the denial's `kind`
  std::string subject;             // tool, prompt or resource
  std::string missing_scope;
  std::string definition_digest;   // of a call's tool, as far as it was seen
  std::string approval;            // the request that a held call waits for, or that lifted what held it
  std::optional<Instant> approval_expires;
  std::int64_t retry_after_seconds = 0;  // of a limit: not 0
  std::string invalid_at, invalid_why;   // of arguments that do not fit the schema: JSON pointer and a sentence's end
  // What policy was asked last; absent: nothing. Its arguments point into the message.
  std::optional<policy::Question> question;
};

// The question without its action: who, with what, where, when.
policy::Question question_for(const Circumstances& circumstances);

// Decides one message of a client. `method` may be null: unmapped.
Verdict authorize(const Circumstances& circumstances, const mcp::Message& message, const mcp::Method* method, mcp::Era era);
// The same for a message about a task (Need::task): `origin` is what made it, null when this caller has no such task.
Verdict authorize_task(const Circumstances& circumstances, const mcp::Message& message, const TaskOrigin* origin, mcp::Era era);
// What policy must allow, all of it, for this message to pass; null message: a stream. Empty: it is not for policy to say. For whoever asks the same
// again under other circumstances, or somebody else. `arguments` point into the message, which outlives them.
std::vector<policy::Question> questions_of(const Circumstances& circumstances, const mcp::Message* message, const mcp::Method* method, mcp::Era era);
// `connect` alone: for streams, responses and sessions.
Verdict authorize_connection(const Circumstances& circumstances);
// What `connect` asks: once, and through a combined server there too.
std::vector<policy::Question> connection_questions(const Circumstances& circumstances);

// Removes from a list result what could never be allowed (rules §4.5). False when the result's member is no list: it must not be
// shown then.
bool filter_list(const Circumstances& circumstances, mcp::List list, json::Value& result);

}  // namespace writ::gateway
