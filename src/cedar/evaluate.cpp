#include "cedar/evaluate.h"

#include <algorithm>

namespace writ::cedar {

namespace {

Unexpected<EvaluationError> wrong_type(const ast::Expression* at, const Value& found, const char* expected) {
  return unexpected(EvaluationError{.reason = EvaluationError::Reason::wrong_type, .found = found.kind(), .expected = expected, .at = at});
}

}  // namespace

Evaluated Evaluator::evaluate(const ast::Expression& expression) {
  return std::visit([&](const auto& node) { return on(node, expression); }, expression.node);
}

Result<bool, EvaluationError> Evaluator::evaluate_bool(const ast::Expression& expression) {
  const Value value = TRY(evaluate(expression));
  if (!value.is(Value::Kind::boolean)) return wrong_type(&expression, value, "a boolean");
  return value.as_bool();
}

Evaluated Evaluator::on(const ast::Bool& node, const Expression&) { return Value::boolean(node.value); }
Evaluated Evaluator::on(const ast::Long& node, const Expression&) { return Value::integer(node.value); }
Evaluated Evaluator::on(const ast::String& node, const Expression&) { return Value::string(node.value); }
Evaluated Evaluator::on(const ast::Entity& node, const Expression&) { return Value::entity(node.uid); }
Evaluated Evaluator::on(const ast::Constant& node, const Expression&) { return *node.value; }

Evaluated Evaluator::on(const ast::VariableReference& node, const Expression&) {
  switch (node.variable) {
    case ast::Variable::principal: return Value::entity(&request_.principal);
    case ast::Variable::action: return Value::entity(&request_.action);
    case ast::Variable::resource: return Value::entity(&request_.resource);
    case ast::Variable::context: break;
  }
  return request_.context;
}

Evaluated Evaluator::on(const ast::And& node, const Expression&) {
  for (const Expression* operand : node.operands)
    if (!TRY(evaluate_bool(*operand))) return Value::boolean(false);
  return Value::boolean(true);
}

Evaluated Evaluator::on(const ast::Or& node, const Expression&) {
  for (const Expression* operand : node.operands)
    if (TRY(evaluate_bool(*operand))) return Value::boolean(true);
  return Value::boolean(false);
}

Evaluated Evaluator::on(const ast::If& node, const Expression&) {
  return evaluate(TRY(evaluate_bool(*node.condition)) ? *node.then : *node.otherwise);
}

Evaluated Evaluator::on(const ast::Unary& node, const Expression&) { return apply_unary(node, TRY(evaluate(*node.operand))); }

Evaluated Evaluator::on(const ast::Binary& node, const Expression&) {
  const Value left = TRY(evaluate(*node.left));
  const Value right = TRY(evaluate(*node.right));
  return apply_binary(node, left, right, entities_);
}

Evaluated Evaluator::on(const ast::Attribute& node, const Expression&) {
  return get_attribute(TRY(evaluate(*node.object)), node, entities_);
}

Evaluated Evaluator::on(const ast::Has& node, const Expression&) { return has_path(TRY(evaluate(*node.object)), node, entities_); }
Evaluated Evaluator::on(const ast::Like& node, const Expression&) { return matches(node, TRY(evaluate(*node.operand))); }

Evaluated Evaluator::on(const ast::Is& node, const Expression&) {
  const Value operand = TRY(evaluate(*node.operand));
  const Value is_type = TRY(is_of_type(node, operand));
  if (node.in == nullptr || !is_type.as_bool()) return is_type;
  const ast::Binary in{ast::BinaryOperator::in, node.operand, node.in};
  return apply_binary(in, operand, TRY(evaluate(*node.in)), entities_);
}

Evaluated Evaluator::on(const ast::Set& node, const Expression&) {
  const auto elements = arena_.make_array<Value>(node.elements.size());
  for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = TRY(evaluate(*node.elements[i]));
  return make_set_in_place(elements);
}

Evaluated Evaluator::on(const ast::Record& node, const Expression&) {
  const auto members = arena_.make_array<Member>(node.fields.size());
  for (std::size_t i = 0; i < members.size(); ++i) members[i] = {node.fields[i].key.text, TRY(evaluate(*node.fields[i].value))};
  std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) { return a.key < b.key; });
  return Value::of_sorted_members(members);
}

Evaluated Evaluator::on(const ast::Call& node, const Expression& at) {
  const auto arguments = arena_.make_array<Value>(node.arguments.size());
  for (std::size_t i = 0; i < arguments.size(); ++i) arguments[i] = TRY(evaluate(*node.arguments[i]));
  return apply_call(node, arguments, at, arena_);
}

std::string_view to_string(EvaluationError::Reason reason) {
  using Reason = EvaluationError::Reason;
  switch (reason) {
    case Reason::wrong_type: return "wrong_type";
    case Reason::overflow: return "overflow";
    case Reason::no_such_attribute: return "no_such_attribute";
    case Reason::no_such_tag: return "no_such_tag";
    case Reason::no_such_entity: return "no_such_entity";
    case Reason::malformed_text: return "malformed_text";
    case Reason::wrong_argument_count: return "wrong_argument_count";
  }
  return "unknown";
}

std::string EvaluationError::to_string() const {
  const auto quoted = [this] { return "`" + std::string(name) + "`"; };
  switch (reason) {
    case Reason::wrong_type: return "expected " + std::string(expected) + ", found " + std::string(describe(found));
    case Reason::overflow: return "the result does not fit 64 bits";
    case Reason::no_such_attribute: return "there is no attribute " + quoted();
    case Reason::no_such_tag: return "there is no tag " + quoted();
    case Reason::no_such_entity: return "the entity `" + (entity == nullptr ? std::string() : entity->to_string()) + "` does not exist";
    case Reason::malformed_text: return quoted() + " is no valid text of this type";
    case Reason::wrong_argument_count: return "wrong number of arguments";
  }
  return {};
}

}  // namespace writ::cedar
