#include "gateway/tool_scopes.h"

namespace writ::gateway {

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
