#pragma once

// A row of the grants table as the Cedar text that it stands for: what decides, and what `writ policy show` shows.

#include <string>
#include <vector>

#include "policy/access_grant.h"

namespace writ::policy {

// One to three policies, each with an @id that begins with the row's and `#`: a row may name several servers,
// and what it grants there may take a policy each for connecting, scopes and tools.
std::string to_cedar(const AccessGrant& grant);
// The tool groups that the text names: a group for each pattern, `Writ::ToolGroup::"github/get_*"`. Whoever builds a tool's entity puts
// it into those whose pattern its name matches.
std::string tool_group_id(std::string_view server, std::string_view pattern);

}  // namespace writ::policy
