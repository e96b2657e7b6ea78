#pragma once

// Authentication levels and external decision points as documents, and what is wrong with one taken by itself. Inside registry/ only.

#include <string>
#include <utility>
#include <vector>

#include "registry/read.h"

namespace writ::registry {

AuthenticationLevel read_authentication_level(const Node& node, Reading& reading);
DecisionPoint read_decision_point(const Node& node, Reading& reading);

// Member and what would be right.
using MemberProblems = std::vector<std::pair<std::string, std::string>>;
MemberProblems problems_of(const AuthenticationLevel& level);
MemberProblems problems_of(const DecisionPoint& point);

}  // namespace writ::registry
