#pragma once

// One message on its way: from the moment it was decided until its answer is complete. Lives on the event loop of its request.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/record.h"
#include "base/clock.h"
#include "gateway/access_token.h"
#include "gateway/sessions.h"
#include "gateway/tasks.h"
#include "gateway/usage_limits.h"
#include "http/message.h"
#include "mcp/json_rpc.h"
#include "mcp/methods.h"
#include "policy/decision.h"
#include "registry/snapshot.h"

namespace writ::gateway {

enum class Stopped {
  no,
  client_gone,
  token_expired,        // a standing stream whose token ended, with no newer one on its session
  no_longer_allowed,    // revoked, disabled, or denied by a newer policy
  deadline,
  out_of_touch,         // this node no longer knows what the others have changed (docs/reference/nodes.md)
};
std::string_view to_string(Stopped stopped);
inline constexpr std::string_view kOutOfTouch = "this node has lost touch with the others: ask again";

struct CutOff;

struct Exchange {
  std::shared_ptr<const AccessToken> token;
  std::string server_id;
  std::string endpoint_id;                    // of the combined server that it came through; empty: none
  bool is_combined = false;                   // of a combined server itself: policy is asked for the connection alone, what goes to members is decided there
  std::string built_in_tool;                  // of a combined server: the tool of the gateway's own that is called; empty: none
  std::string ip;
  mcp::Era era = mcp::Era::legacy;
  const mcp::Method* method = nullptr;        // null for GET streams and responses
  std::optional<mcp::Message> message;        // kept to be decided again when policy or objects change; absent for GET streams
  std::shared_ptr<Session> session;           // legacy, when there is one
  std::shared_ptr<const TaskOrigin> task;     // that the message is about
  bool stands = false;                        // GET streams and subscriptions/listen: no answer to wait for, ends with its token
  std::vector<policy::ApprovalNeeded> lifted; // forbids that an approval, used up by this call, lifted for it
  Instant started{}, deadline{};
  std::optional<Milliseconds> answer_within;  // until the head of the answer; absent: as the settings say
  UsageLimits::Lease lease;                   // of limits, given back when it ends

  audit::Record record;                       // of the decision: the outcome repeats who and what
  std::uint64_t position = 0;                 // of the decision's record

  http::Cancellation cancellation;            // of the wait for the upstream's head
  http::BodyStream* body = nullptr;           // what comes from the upstream, while it is read
  http::Cancellation delivery;                // of what was answered and the client still reads
  Stopped stopped = Stopped::no;
  std::shared_ptr<const CutOff> cut_off;      // why, when it is no longer allowed
  bool answered = false;                      // the response to `message` was passed on
  std::int64_t bytes = 0;                     // passed on to the client
  int dropped = 0;                            // messages of the upstream that were not passed on
  bool outcome_written = false;

  // Of a standing stream: what it was told of last, and what it is to be told.
  std::shared_ptr<const registry::Snapshot> told;
  std::shared_ptr<const policy::Policy> told_policy;
  bool owes_tools_changed = false, owes_prompts_changed = false;
  std::function<void()> poke;                 // lets the stream go on, although the upstream is silent

  // Ends it: whoever waits for the upstream goes on at once. The first reason stays.
  void stop(Stopped reason) {
    if (stopped != Stopped::no) return;
    stopped = reason;
    delivery.request();
    cancellation.request();
    if (body) body->cancel();
  }
  // What is decided on: the message, or the call that made the task it is about. Null for GET streams, and where the connection alone is asked for.
  const mcp::Message* decided_message() const { return is_combined ? nullptr : task ? task->call.get() : message ? &*message : nullptr; }
  const mcp::Method* decided_method() const { return task ? mcp::find_method(mcp::kToolsCall, false) : method; }
  const std::optional<mcp::RequestId>& own_id() const {
    static const std::optional<mcp::RequestId> none;
    return message && message->kind() == mcp::Message::Kind::request ? message->id() : none;
  }
};

}  // namespace writ::gateway
