#include "gateway/held_call.h"

#include <algorithm>

#include "encoding/hidden_text.h"

namespace writ::gateway {
namespace {

approvals::HeldCall held_call(const Circumstances& circumstances, const mcp::Message& message, const Verdict& verdict) {
  approvals::HeldCall call;
  call.user = circumstances.caller.user->id;
  call.user_name = circumstances.caller.user->name;
  call.agent = circumstances.caller.agent->id;
  call.server = circumstances.server.id;
  call.tool = verdict.subject;
  call.definition_digest = verdict.definition_digest;
  const json::Value* arguments = message.param("arguments");
  call.arguments = arguments ? json::write_canonical(*arguments) : "{}";
  // Whatever else goes upstream with the call is approved with it or not at all; `_meta` differs from request to request and is no input of the tool.
  json::Value more = message.params() ? *message.params() : json::Value(json::Object{});
  for (const char* known : {"name", "arguments", "_meta"}) more.erase(known);
  if (!more.as_object()->empty()) call.more = json::write_canonical(more);
  return call;
}

}  // namespace

bool is_lifted(const policy::Decision& decision, const std::vector<policy::ApprovalNeeded>& lifted) {
  return std::all_of(decision.approvals.begin(), decision.approvals.end(), [&](const auto& need) { return std::find(lifted.begin(), lifted.end(), need) != lifted.end(); });
}

Task<Result<SettledCall, Unavailable>> settle_held_call(approvals::Requests* requests, const Recorder& recorder, const Circumstances& circumstances, const mcp::Message& message,
                                                        Verdict verdict) {
  SettledCall settled{std::move(verdict), std::nullopt};
  Verdict& now = settled.verdict;
  const auto deny = [&now](std::string_view reason) {
    now.outcome = Verdict::Outcome::denied;
    now.reason = std::string(reason);
  };
  if (!requests) {
    deny("approvals_not_available");
    co_return settled;
  }
  approvals::HeldCall call = held_call(circumstances, message, now);
  settled.lifted = requests->find_valid(approvals::digest_of(call), now.decision.approvals, circumstances.snapshot, circumstances.now);
  if (settled.lifted) {
    now.outcome = Verdict::Outcome::allowed;
    now.decision.allowed = true;
    now.reason = "approved";
    now.approval = settled.lifted->id;
    co_return settled;
  }
  std::vector<policy::ApprovalNeeded> needed = now.decision.approvals;
  std::string text = now.decision.message;
  const auto held = co_await requests->hold(std::move(call), std::move(needed), std::move(text), circumstances.now);
  if (!held) {
    const auto* why = std::get_if<approvals::NotHeld>(&held.error());
    if (!why) co_return unexpected(std::get<Unavailable>(held.error()));
    deny(to_string(*why));
    co_return settled;
  }
  now.approval = held->request.id;
  now.approval_expires = held->request.expires;
  if (held->request.state(circumstances.now) == approvals::State::rejected) {
    deny("approval_rejected");
    // The approver's own words, as far as they are text.
    if (!held->request.reason.empty()) now.decision.message = text::without_hidden(held->request.reason);
  }
  if (held->is_new) {
    approvals::Request request = held->request;
    const auto recorded = co_await recorder.requested(std::move(request), circumstances.now);
    if (!recorded) co_return unexpected(recorded.error());
  }
  co_return settled;
}

}  // namespace writ::gateway
