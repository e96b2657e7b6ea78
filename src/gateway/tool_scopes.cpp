#include "gateway/tool_scopes.h"

#include <algorithm>

#include "policy/access_grant.h"

namespace writ::gateway {

std::vector<const registry::Scope*> scopes_of(const registry::Server& server, std::string_view tool) {
  std::vector<const registry::Scope*> found;
  for (const registry::Scope& scope : server.scopes) {
    const bool names_it = std::any_of(scope.tools.begin(), scope.tools.end(), [tool](const std::string& glob) { return policy::glob_matches(glob, tool); });
    if (names_it) found.push_back(&scope);
  }
  return found;
}

oauth::ScopeSet with_implied(const oauth::ScopeSet& granted, const registry::Server& server) {
  oauth::ScopeSet all = granted;
  // A set only grows, and only by names of the server: this ends, also when scopes imply each other.
  for (bool has_grown = true; has_grown;) {
    has_grown = false;
    for (const registry::Scope& scope : server.scopes) {
      if (!all.contains(scope.name)) continue;
      for (const std::string& implied : scope.implies) {
        if (all.contains(implied)) continue;
        all.insert(implied);
        has_grown = true;
      }
    }
  }
  return all;
}

}  // namespace writ::gateway
