#include <algorithm>

#include "cedar/evaluate.h"
#include "cedar/extension.h"

// Operators on values (language reference §5). The operands are evaluated already; short circuits are the evaluators' business.

namespace writ::cedar {

using ast::BinaryOperator;
using ast::UnaryOperator;
using Kind = Value::Kind;
using Reason = EvaluationError::Reason;

namespace {

Unexpected<EvaluationError> wrong_type(const ast::Expression* at, const Value& found, const char* expected) {
  return unexpected(EvaluationError{.reason = Reason::wrong_type, .found = found.kind(), .expected = expected, .at = at});
}
Unexpected<EvaluationError> failure(Reason reason, const ast::Expression* at, std::string_view name = {}) {
  return unexpected(EvaluationError{.reason = reason, .at = at, .name = name});
}

Evaluated arithmetic(const ast::Binary& node, const Value& left, const Value& right) {
  if (!left.is(Kind::integer)) return wrong_type(node.left, left, "a long");
  if (!right.is(Kind::integer)) return wrong_type(node.right, right, "a long");
  std::int64_t result = 0;
  bool overflows = false;
  switch (node.op) {
    case BinaryOperator::add: overflows = __builtin_add_overflow(left.as_integer(), right.as_integer(), &result); break;
    case BinaryOperator::subtract: overflows = __builtin_sub_overflow(left.as_integer(), right.as_integer(), &result); break;
    default: overflows = __builtin_mul_overflow(left.as_integer(), right.as_integer(), &result); break;
  }
  if (overflows) return failure(Reason::overflow, node.left);
  return Value::integer(result);
}

// Long, datetime and duration have an order; both sides must be of one of them.
Evaluated compare(const ast::Binary& node, const Value& left, const Value& right) {
  const auto is_ordered = [](const Value& value) { return value.is(Kind::integer) || value.is(Kind::datetime) || value.is(Kind::duration); };
  if (!is_ordered(left)) return wrong_type(node.left, left, "a long, a datetime or a duration");
  if (left.kind() != right.kind()) return wrong_type(node.right, right, describe(left.kind()).data());
  switch (node.op) {
    case BinaryOperator::less: return Value::boolean(left.count() < right.count());
    case BinaryOperator::less_equal: return Value::boolean(left.count() <= right.count());
    case BinaryOperator::greater: return Value::boolean(left.count() > right.count());
    default: return Value::boolean(left.count() >= right.count());
  }
}

Evaluated is_in(const ast::Binary& node, const Value& left, const Value& right, const Entities& entities) {
  if (!left.is(Kind::entity)) return wrong_type(node.left, left, "an entity");
  if (right.is(Kind::entity)) return Value::boolean(entities.is_in(left.as_entity(), right.as_entity()));
  if (!right.is(Kind::set)) return wrong_type(node.right, right, "an entity or a set of entities");
  // Every element is looked at before the first answer: `x in [x, 1]` is an error.
  for (const Value& element : right.elements())
    if (!element.is(Kind::entity)) return wrong_type(node.right, element, "a set of entities");
  return Value::boolean(std::ranges::any_of(right.elements(), [&](const Value& element) { return entities.is_in(left.as_entity(), element.as_entity()); }));
}

Evaluated contains(const ast::Binary& node, const Value& left, const Value& right) {
  if (!left.is(Kind::set)) return wrong_type(node.left, left, "a set");
  if (node.op == BinaryOperator::contains) return Value::boolean(left.has_element(right));
  if (!right.is(Kind::set)) return wrong_type(node.right, right, "a set");
  const auto is_element = [&left](const Value& element) { return left.has_element(element); };
  return Value::boolean(node.op == BinaryOperator::contains_all ? std::ranges::all_of(right.elements(), is_element)
                                                                : std::ranges::any_of(right.elements(), is_element));
}

Evaluated tag(const ast::Binary& node, const Value& left, const Value& right, const Entities& entities) {
  if (!left.is(Kind::entity)) return wrong_type(node.left, left, "an entity");
  if (!right.is(Kind::string)) return wrong_type(node.right, right, "a string");
  const StoredEntity* stored = entities.find(left.as_entity());
  const Value* found = stored == nullptr ? nullptr : stored->tags.find(right.as_string());
  if (node.op == BinaryOperator::has_tag) return Value::boolean(found != nullptr);
  if (stored == nullptr) return unexpected(EvaluationError{.reason = Reason::no_such_entity, .at = node.left, .entity = &left.as_entity()});
  if (found == nullptr) return failure(Reason::no_such_tag, node.left, right.as_string());
  return *found;
}

}  // namespace

Evaluated apply_unary(const ast::Unary& node, const Value& operand) {
  switch (node.op) {
    case UnaryOperator::not_:
      if (!operand.is(Kind::boolean)) return wrong_type(node.operand, operand, "a boolean");
      return Value::boolean(!operand.as_bool());
    case UnaryOperator::negate: {
      if (!operand.is(Kind::integer)) return wrong_type(node.operand, operand, "a long");
      std::int64_t negated = 0;
      if (__builtin_sub_overflow(std::int64_t{0}, operand.as_integer(), &negated)) return failure(Reason::overflow, node.operand);
      return Value::integer(negated);
    }
    case UnaryOperator::is_empty: break;
  }
  if (!operand.is(Kind::set)) return wrong_type(node.operand, operand, "a set");
  return Value::boolean(operand.elements().empty());
}

Evaluated apply_binary(const ast::Binary& node, const Value& left, const Value& right, const Entities& entities) {
  switch (node.op) {
    case BinaryOperator::equal: return Value::boolean(left == right);
    case BinaryOperator::not_equal: return Value::boolean(left != right);
    case BinaryOperator::less:
    case BinaryOperator::less_equal:
    case BinaryOperator::greater:
    case BinaryOperator::greater_equal: return compare(node, left, right);
    case BinaryOperator::in: return is_in(node, left, right, entities);
    case BinaryOperator::add:
    case BinaryOperator::subtract:
    case BinaryOperator::multiply: return arithmetic(node, left, right);
    case BinaryOperator::contains:
    case BinaryOperator::contains_all:
    case BinaryOperator::contains_any: return contains(node, left, right);
    case BinaryOperator::has_tag:
    case BinaryOperator::get_tag: break;
  }
  return tag(node, left, right, entities);
}

Evaluated get_attribute(const Value& object, const ast::Attribute& node, const Entities& entities) {
  const Value* record = &object;
  if (object.is(Kind::entity)) {
    const StoredEntity* stored = entities.find(object.as_entity());
    if (stored == nullptr) return unexpected(EvaluationError{.reason = Reason::no_such_entity, .at = node.object, .entity = &object.as_entity()});
    record = &stored->attributes;
  } else if (!object.is(Kind::record)) {
    return wrong_type(node.object, object, "an entity or a record");
  }
  const Value* found = record->find(node.name.text);
  if (found == nullptr) return failure(Reason::no_such_attribute, node.object, node.name.text);
  return *found;
}

Evaluated has_attribute(const Value& object, std::string_view name, const ast::Expression& object_at, const Entities& entities) {
  if (object.is(Kind::record)) return Value::boolean(object.find(name) != nullptr);
  if (!object.is(Kind::entity)) return wrong_type(&object_at, object, "an entity or a record");
  const StoredEntity* stored = entities.find(object.as_entity());
  return Value::boolean(stored != nullptr && stored->attributes.find(name) != nullptr);
}

// `e has a.b` means `e has a && e.a has b`, e evaluated once.
Evaluated has_path(Value object, const ast::Has& node, const Entities& entities) {
  for (std::size_t i = 0; i < node.path.size(); ++i) {
    const Value has = TRY(has_attribute(object, node.path[i].text, *node.object, entities));
    if (!has.as_bool() || i + 1 == node.path.size()) return has;
    object = TRY(get_attribute(object, ast::Attribute{node.object, node.path[i]}, entities));
  }
  return Value::boolean(true);
}

Evaluated matches(const ast::Like& node, const Value& operand) {
  if (!operand.is(Kind::string)) return wrong_type(node.operand, operand, "a string");
  return Value::boolean(matches_pattern(operand.as_string(), node.pattern));
}

Evaluated is_of_type(const ast::Is& node, const Value& operand) {
  if (!operand.is(Kind::entity)) return wrong_type(node.operand, operand, "an entity");
  return Value::boolean(operand.as_entity().type() == node.type->text);
}

Value make_set_in_place(std::span<Value> elements) {
  std::sort(elements.begin(), elements.end());
  const auto end = std::unique(elements.begin(), elements.end());
  return Value::of_sorted_elements(elements.first(static_cast<std::size_t>(end - elements.begin())));
}

bool matches_pattern(std::string_view text, std::span<const PatternPiece> pattern) {
  // UTF-8 texts match where their characters do: no character's bytes occur inside another's.
  if (pattern.empty()) return text.empty();
  if (!pattern.front().is_wildcard) {
    if (!text.starts_with(pattern.front().literal)) return false;
    text.remove_prefix(pattern.front().literal.size());
    pattern = pattern.subspan(1);
    if (pattern.empty()) return text.empty();
  }
  // A wildcard stands first now.
  if (!pattern.back().is_wildcard) {
    if (!text.ends_with(pattern.back().literal)) return false;
    text.remove_suffix(pattern.back().literal.size());
    pattern = pattern.first(pattern.size() - 1);
  }
  // Between wildcards the earliest place of each literal is as good as any other.
  for (const PatternPiece& piece : pattern) {
    if (piece.is_wildcard) continue;
    const std::size_t found = text.find(piece.literal);
    if (found == std::string_view::npos) return false;
    text.remove_prefix(found + piece.literal.size());
  }
  return true;
}

}  // namespace writ::cedar
