#pragma once

// Part of ast.h.

#include "base/overloaded.h"
#include "cedar/ast.h"

namespace writ::cedar::ast {

template <class Visit>
void for_each_child(const Expression& expression, Visit visit) {
  const auto each = [&visit](Operands operands) {
    for (const Expression* operand : operands) visit(*operand);
  };
  std::visit(Overloaded{
                 [](const Bool&) {}, [](const Long&) {}, [](const String&) {}, [](const Entity&) {}, [](const VariableReference&) {},
                 [](const Constant&) {},
                 [&](const And& node) { each(node.operands); },
                 [&](const Or& node) { each(node.operands); },
                 [&](const If& node) { visit(*node.condition), visit(*node.then), visit(*node.otherwise); },
                 [&](const Unary& node) { visit(*node.operand); },
                 [&](const Binary& node) { visit(*node.left), visit(*node.right); },
                 [&](const Attribute& node) { visit(*node.object); },
                 [&](const Has& node) { visit(*node.object); },
                 [&](const Like& node) { visit(*node.operand); },
                 [&](const Is& node) {
                   visit(*node.operand);
                   if (node.in != nullptr) visit(*node.in);
                 },
                 [&](const Set& node) { each(node.elements); },
                 [&](const Record& node) {
                   for (const Field& field : node.fields) visit(*field.value);
                 },
                 [&](const Call& node) { each(node.arguments); },
             },
             expression.node);
}

}  // namespace writ::cedar::ast
