#pragma once

// What may be done at a server, grouped by what policies can tell apart: tools with equal attributes, scopes and groups that no policy names are one.

#include <string>
#include <vector>

#include "policy/preview/access.h"
#include "policy/preview/mentions.h"

namespace writ::policy::preview {

struct ThingClass {
  std::vector<Thing> things;                          // sorted; the first stands for all
  // Of tools: the scopes of the server of which a token needs one, as indices of `scopes` of the server; empty: none is needed.
  std::vector<std::string> needed_scopes[2];
  bool exists[2] = {true, true};
};

// For one server, which exists on at least one side. Connecting comes first, then scopes, then the rest.
std::vector<ThingClass> thing_classes(const AccessState& before, const AccessState& after, const Mentions& mentions, const std::string& server);

// What policies can tell of a tool, as text: tools of a server with equal texts are decided alike. With its name where some policy names it.
std::string tool_key(const AccessState& state, const Mentions& mentions, const registry::Server& server, const std::string& tool);

// The scopes that open a tool: those that name it and those that imply one that does (rules §3.4). Empty: no scope names it.
std::vector<std::string> scopes_for(const registry::Server& server, std::string_view tool);

}  // namespace writ::policy::preview
