#pragma once

// How both token endpoints ask for a better sign-in (ID-JAG draft §9.2; RFC 9470).

#include "oauth/error.h"
#include "policy/step_up.h"

namespace writ::token_service {

inline constexpr const char* kInsufficientUserAuthentication = "insufficient_user_authentication";   // the reason in records

oauth::Error step_up_error(const policy::StepUp& step_up);

}  // namespace writ::token_service
