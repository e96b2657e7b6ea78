#pragma once

// Which scope a tool needs (rules §3.4): a tool named by scopes needs one of them, a tool named by none needs only a token.

#include <string>
#include <string_view>
#include <vector>

#include "oauth/scope.h"
#include "registry/objects.h"

namespace writ::gateway {

// The scopes of the server whose globs name the tool, in the server's order.
std::vector<const registry::Scope*> scopes_of(const registry::Server& server, std::string_view tool);

// The token's scopes and everything that they imply, over any number of steps (MCPA-36).
oauth::ScopeSet with_implied(const oauth::ScopeSet& granted, const registry::Server& server);

}  // namespace writ::gateway
