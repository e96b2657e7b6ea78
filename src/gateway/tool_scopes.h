#pragma once

// What a token's scopes stand for. Which of them a tool needs: policy::scopes_of.

#include "oauth/scope.h"
#include "registry/objects.h"

namespace writ::gateway {

// The token's scopes and everything that they imply, over any number of steps (MCPA-36).
oauth::ScopeSet with_implied(const oauth::ScopeSet& granted, const registry::Server& server);

}  // namespace writ::gateway
