#pragma once

// What a token's scopes stand for. Which of them a tool needs: policy::scopes_of.

#include <string>

#include "gateway/call_authorization.h"
#include "oauth/scope.h"
#include "registry/objects.h"

namespace writ::gateway {

// The token's scopes and everything that they imply, over any number of steps (MCPA-36).
oauth::ScopeSet with_implied(const oauth::ScopeSet& granted, const registry::Server& server);

// What the caller's token holds at the server that is asked. Of a combined server's token (rules §5.6) that are the member's scopes without the member's
// name, as far as the member itself would grant them now: nobody gets by way of the combined address what is kept from them at the member.
oauth::ScopeSet held_scopes(const Circumstances& circumstances);
// What a client asks for to get that scope; empty: at the combined server that it came through there is none.
std::string scope_to_ask_for(const Circumstances& circumstances, const registry::Scope& scope);
// All that must be allowed for the scope to be granted.
std::vector<policy::Question> scope_questions(const Circumstances& circumstances, const registry::Scope& scope);

}  // namespace writ::gateway
