#pragma once

// Reads policy text (Cedar 4.10). Nothing is guessed: one error refuses the whole text.

#include <string>
#include <string_view>

#include "base/result.h"
#include "cedar/ast.h"
#include "cedar/message.h"

namespace writ::cedar {

// Every policy and template of a text; empty text has none.
Result<ast::Policies, Message> parse_policies(std::string text);

struct ParsedExpression {
  std::shared_ptr<const ast::Source> source;
  const ast::Expression* expression;
};
// One expression, as it stands between the braces of `when { … }`.
Result<ParsedExpression, Message> parse_expression(std::string text);

}  // namespace writ::cedar
