#pragma once

// Would a better sign-in let this message pass? (rules §4.7; MCPA-38.) Asked only for what policy denied.

#include <optional>
#include <string>

#include "gateway/call_authorization.h"
#include "gateway/settings.h"
#include "http/message.h"
#include "policy/step_up.h"

namespace writ::gateway {

struct NeededStepUp {
  policy::StepUp step_up;
  std::string scope;          // that the new token needs as well; empty: those of the present one do
};
// The whole way counts: who signs in again connects again, and is granted the scopes again. Absent: something else stands in the way.
std::optional<NeededStepUp> find_step_up(const Circumstances& circumstances, const mcp::Message* message, const mcp::Method* method, mcp::Era era);

inline constexpr const char* kInsufficientUserAuthentication = "insufficient_user_authentication";   // reason and kind of such a denial
// 401 for every method, so that clients who know RFC 9470 sign their person in again; the body tells everybody else what is to be done.
http::Response render_step_up(const Verdict& verdict, const NeededStepUp& needed, const std::string& code, const mcp::Message* message,
                              const std::string& metadata_url, const Settings& settings);

}  // namespace writ::gateway
