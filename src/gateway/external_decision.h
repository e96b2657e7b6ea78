#pragma once

// Whoever else must agree to a message that policy allows (policy/decision_points.h).

#include "base/task.h"
#include "gateway/call_authorization.h"
#include "gateway/dependencies.h"

namespace writ::gateway {

// Turns an allowed verdict into a denied one when a decision point says no or does not answer, and notes in the record who was asked, what they
// said and how long it took. Lists are not filtered by decision points, and answers under way are not asked about again: docs/reference/authzen.md.
// Everything passed in outlives the task.
Task<void> ask_decision_points(const Dependencies& dependencies, const Circumstances& circumstances, const mcp::Message* message,
                               const mcp::Method* method, mcp::Era era, Verdict& verdict, audit::Record& record);

}  // namespace writ::gateway
