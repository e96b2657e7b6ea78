#pragma once

// The canonical text of policies and expressions (language reference §10, §11). What is printed parses back to the same tree, and
// printing that gives the same text. Comments and parentheses that mean nothing are not part of a tree and are not printed.

#include <string>

#include "cedar/ast.h"

namespace writ::cedar {

// One policy, with its semicolon, without a line end. Computed constants are printed as the expressions that make them.
std::string print(const ast::Policy& policy);
// Policies separated by one blank line; ends with a line end, unless there are none.
std::string print(const ast::Policies& policies);
// On one line.
std::string print(const ast::Expression& expression);

}  // namespace writ::cedar
