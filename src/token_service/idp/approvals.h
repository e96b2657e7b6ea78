#pragma once

// Where people decide about held calls (rules §4.6), with the access token of their own sign-in:
//   GET  {idp}/approvals         {items}: what waits for them, and their own calls
//   GET  {idp}/approvals/{id}    one of these
//   POST {idp}/approvals/{id}    {decision: approve | reject, reason}
// Only a sign-in at a device's own command line counts (an agent with device keys, rules §1.5): an agent that a person lets work holds such tokens as
// well, and must not approve what other agents ask.

#include "token_service/idp/idp.h"

namespace writ::token_service::idp {

Task<http::Response> list_approvals(const Idp& idp, const http::Request& request);
Task<http::Response> show_approval(const Idp& idp, const http::Request& request);
Task<http::Response> decide_approval(const Idp& idp, const http::Request& request);

}  // namespace writ::token_service::idp
