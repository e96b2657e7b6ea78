#pragma once

// What becomes of a call that only an approval keeps from going (rules §4.6): an approval that was given for exactly this call lifts what holds it, else
// it waits, and its agent is told how to ask again. Nothing is kept open meanwhile: it works without a session and across restarts.

#include <optional>
#include <vector>

#include "approvals/requests.h"
#include "gateway/call_authorization.h"
#include "gateway/recorder.h"

namespace writ::gateway {

inline constexpr std::int64_t kRetryAfterSeconds = 30;

struct SettledCall {
  Verdict verdict;                               // allowed, held, or denied
  std::optional<approvals::Request> lifted;      // allowed by this one: its use is still to be claimed, with the record
};

// `verdict` is held, `message` the call. `requests` may be null: nothing can wait here.
Task<Result<SettledCall, Unavailable>> settle_held_call(approvals::Requests* requests, const Recorder& recorder, const Circumstances& circumstances, const mcp::Message& message,
                                                        Verdict verdict);

// Whether `lifted` has everything that the decision needs.
bool is_lifted(const policy::Decision& decision, const std::vector<policy::ApprovalNeeded>& lifted);

}  // namespace writ::gateway
