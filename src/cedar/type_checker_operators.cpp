#include <array>
#include <optional>
#include <variant>

#include "cedar/extension.h"
#include "cedar/type_checker.h"
#include "cedar/type_relations.h"

namespace writ::cedar {

namespace {

using Kind = Type::Kind;

const Type* simple(Kind kind) { return TypePool::simple(kind); }
Typed of(const Type* type) { return {type, {}}; }
Typed of(Kind kind) { return {simple(kind), {}}; }
Typed of_known(bool value) { return of(value ? Kind::always_true : Kind::always_false); }

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

struct Signature {
  std::array<Kind, 2> arguments;
  std::size_t count;
  Kind result;
};

Signature signature_of(ast::Function function) {
  using enum ast::Function;
  switch (function) {
    case decimal: return {{Kind::string}, 1, Kind::decimal};
    case ip: return {{Kind::string}, 1, Kind::ip};
    case datetime: return {{Kind::string}, 1, Kind::datetime};
    case duration: return {{Kind::string}, 1, Kind::duration};
    case less_than:
    case less_than_or_equal:
    case greater_than:
    case greater_than_or_equal: return {{Kind::decimal, Kind::decimal}, 2, Kind::boolean};
    case is_ipv4:
    case is_ipv6:
    case is_loopback:
    case is_multicast: return {{Kind::ip}, 1, Kind::boolean};
    case is_in_range: return {{Kind::ip, Kind::ip}, 2, Kind::boolean};
    case offset: return {{Kind::datetime, Kind::duration}, 2, Kind::datetime};
    case duration_since: return {{Kind::datetime, Kind::datetime}, 2, Kind::duration};
    case to_date: return {{Kind::datetime}, 1, Kind::datetime};
    case to_time: return {{Kind::datetime}, 1, Kind::duration};
    case to_milliseconds:
    case to_seconds:
    case to_minutes:
    case to_hours:
    case to_days: break;
  }
  return {{Kind::duration}, 1, Kind::integer};
}

bool is_well_formed(ast::Function constructor, std::string_view text) {
  switch (constructor) {
    case ast::Function::decimal: return parse_decimal(text).has_value();
    case ast::Function::ip: return parse_ip(text).has_value();
    case ast::Function::datetime: return parse_datetime(text).has_value();
    default: return parse_duration(text).has_value();
  }
}

using Literal = std::variant<bool, std::int64_t, std::string_view, EntityUid>;

}  // namespace

const EntityUid* TypeChecker::entity_named(const Expression& expression) const {
  if (const auto* entity = expression.as<ast::Entity>()) return entity->uid;
  const auto* variable = expression.as<ast::VariableReference>();
  return variable != nullptr && variable->variable == ast::Variable::action ? &environment_.action->uid : nullptr;
}

Typed TypeChecker::on(const ast::Unary& node, const Expression&, const Capabilities& prior) {
  const Typed operand = check(*node.operand, prior);
  switch (node.op) {
    case ast::UnaryOperator::not_: {
      const Type* type = expect_boolean(operand, *node.operand);
      if (type == nullptr || type->is(Kind::boolean)) return of(type);
      return of_known(type->is(Kind::always_false));
    }
    case ast::UnaryOperator::negate: return of(expect(operand, *node.operand, Kind::integer));
    case ast::UnaryOperator::is_empty: break;
  }
  return of(expect(operand, *node.operand, Kind::set) == nullptr ? nullptr : simple(Kind::boolean));
}

Typed TypeChecker::on(const ast::Binary& node, const Expression& at, const Capabilities& prior) {
  using enum ast::BinaryOperator;
  switch (node.op) {
    case equal: return equality(node, at, prior);
    case not_equal: {
      const Typed same = equality(node, at, prior);
      if (same.type == nullptr || same.type->is(Kind::boolean)) return same;
      return of_known(same.type->is(Kind::always_false));
    }
    case less:
    case less_equal:
    case greater:
    case greater_equal: return order(node, prior);
    case in: return membership(node, prior);
    case add:
    case subtract:
    case multiply: return arithmetic(node, prior);
    case contains: return contains_element(node, at, prior);
    case contains_all:
    case contains_any: return contains_set(node, at, prior);
    case has_tag:
    case get_tag: break;
  }
  return tag(node, at, prior);
}

// `true`, and what the language reads as one: `&&` and `||` of nothing but such literals are a literal too.
static std::optional<bool> boolean_literal(const ast::Expression& expression) {
  if (const auto* boolean = expression.as<ast::Bool>()) return boolean->value;
  const auto* conjunction = expression.as<ast::And>();
  const auto* disjunction = expression.as<ast::Or>();
  if (conjunction == nullptr && disjunction == nullptr) return std::nullopt;
  bool all = true, any = false;
  const ast::Operands operands = conjunction != nullptr ? conjunction->operands : disjunction->operands;
  for (const ast::Expression* operand : operands) {
    const auto literal = boolean_literal(*operand);
    if (!literal) return std::nullopt;
    all = all && *literal;
    any = any || *literal;
  }
  return conjunction != nullptr ? all : any;
}

Typed TypeChecker::equality(const ast::Binary& node, const Expression& at, const Capabilities& prior) {
  const Typed left = check(*node.left, prior);
  const Typed right = check(*node.right, prior);
  if (left.type == nullptr || right.type == nullptr) return {};
  if (left.type->is(Kind::entity) && right.type->is(Kind::entity) && left.type->entity != right.type->entity) return of_known(false);
  const auto literal = [this](const Expression& expression) -> std::optional<Literal> {
    if (const auto boolean = boolean_literal(expression)) return *boolean;
    if (const auto* integer = expression.as<ast::Long>()) return integer->value;
    if (const auto* string = expression.as<ast::String>()) return string->value;
    if (const EntityUid* uid = entity_named(expression)) return *uid;
    return std::nullopt;
  };
  if (const auto a = literal(*node.left), b = literal(*node.right); a && b) return of_known(*a == *b);
  if (least_upper_bound(left.type, right.type, types_) != nullptr) return of(Kind::boolean);
  report_incompatible(*left.type, *right.type, at.span);
  return {};
}

Typed TypeChecker::order(const ast::Binary& node, const Capabilities& prior) {
  const Typed left = check(*node.left, prior);
  const Typed right = check(*node.right, prior);
  if (left.type == nullptr || right.type == nullptr) return {};
  const auto is_ordered = [](const Type& type) { return type.is(Kind::integer) || type.is(Kind::datetime) || type.is(Kind::duration); };
  if (!is_ordered(*left.type)) return of(fail_type(*left.type, node.left->span, "a Long, a datetime or a duration"));
  return of(expect(right, *node.right, left.type->kind) == nullptr ? nullptr : simple(Kind::boolean));
}

Typed TypeChecker::arithmetic(const ast::Binary& node, const Capabilities& prior) {
  const Typed left = check(*node.left, prior);
  const Typed right = check(*node.right, prior);
  const bool left_is_right = expect(left, *node.left, Kind::integer) != nullptr;
  const bool right_is_right = expect(right, *node.right, Kind::integer) != nullptr;
  return of(left_is_right && right_is_right ? simple(Kind::integer) : nullptr);
}

Typed TypeChecker::membership(const ast::Binary& node, const Capabilities& prior) {
  return membership_of(*node.left, check(*node.left, prior), *node.right, prior);
}

Typed TypeChecker::membership_of(const Expression& left, const Typed& left_typed, const Expression& right, const Capabilities& prior) {
  const Typed right_typed = check(right, prior);
  const Type* member = expect(left_typed, left, Kind::entity);
  if (right_typed.type == nullptr) return {};
  const Type* group = right_typed.type->is(Kind::set) ? right_typed.type->element : right_typed.type;
  if (!group->is(Kind::entity)) return of(fail_type(*right_typed.type, right.span, "an entity or a set of entities"));
  if (member == nullptr) return {};
  if (const EntityUid* uid = entity_named(left); uid != nullptr && uid->is_action())
    if (const Type* known = membership_of_action(*uid, right)) return of(known);
  const bool is_possible = member->entity == group->entity || member->entity->may_be_below(*group->entity);
  return of(is_possible ? Kind::boolean : Kind::always_false);
}

// The schema knows all actions and their groups, so the answer is known where only actions are named. Null otherwise.
const Type* TypeChecker::membership_of_action(const EntityUid& action, const Expression& right) const {
  std::vector<const EntityUid*> groups;
  if (const auto* set = right.as<ast::Set>()) {
    for (const Expression* element : set->elements) groups.push_back(entity_named(*element));
  } else {
    groups.push_back(entity_named(right));
  }
  const Action* member = schema_.find_action(action);
  bool is_in = false;
  for (const EntityUid* group : groups) {
    if (group == nullptr) return nullptr;
    if (!group->is_action()) continue;
    const Action* declared = schema_.find_action(*group);
    is_in = is_in || (declared != nullptr && member != nullptr && (declared == member || member->is_below(*declared)));
  }
  return simple(is_in ? Kind::always_true : Kind::always_false);
}

// `e is T in x` is `e is T && e in x`.
Typed TypeChecker::on(const ast::Is& node, const Expression&, const Capabilities& prior) {
  const Typed operand = check(*node.operand, prior);
  const Type* type = expect(operand, *node.operand, Kind::entity);
  if (type == nullptr) {
    if (node.in != nullptr) check(*node.in, prior);
    return {};
  }
  if (type->entity->name != node.type->text) return of_known(false);
  if (node.in == nullptr) return of_known(true);
  return membership_of(*node.operand, operand, *node.in, prior);
}

Typed TypeChecker::on(const ast::Like& node, const Expression&, const Capabilities& prior) {
  return of(expect(check(*node.operand, prior), *node.operand, Kind::string) == nullptr ? nullptr : simple(Kind::boolean));
}

Typed TypeChecker::contains_element(const ast::Binary& node, const Expression& at, const Capabilities& prior) {
  const Typed left = check(*node.left, prior);
  const Typed right = check(*node.right, prior);
  const Type* set = expect(left, *node.left, Kind::set);
  if (set == nullptr || right.type == nullptr) return {};
  if (least_upper_bound(set->element, right.type, types_) != nullptr) return of(Kind::boolean);
  report_incompatible(*set->element, *right.type, at.span);
  return {};
}

Typed TypeChecker::contains_set(const ast::Binary& node, const Expression& at, const Capabilities& prior) {
  const Typed left = check(*node.left, prior);
  const Typed right = check(*node.right, prior);
  const Type* a = expect(left, *node.left, Kind::set);
  const Type* b = expect(right, *node.right, Kind::set);
  if (a == nullptr || b == nullptr) return {};
  if (least_upper_bound(a, b, types_) != nullptr) return of(Kind::boolean);
  report_incompatible(*a, *b, at.span);
  return {};
}

Typed TypeChecker::tag(const ast::Binary& node, const Expression& at, const Capabilities& prior) {
  const Typed object = check(*node.left, prior);
  const Typed key = check(*node.right, prior);
  const Type* type = expect(object, *node.left, Kind::entity);
  if (expect(key, *node.right, Kind::string) == nullptr || type == nullptr) return {};
  const Capability capability{node.left, {}, node.right};
  if (node.op == ast::BinaryOperator::has_tag) {
    Typed result = of(type->entity->tags == nullptr ? Kind::always_false : prior.has(capability) ? Kind::always_true : Kind::boolean);
    result.out.add(capability);
    return result;
  }
  if (!prior.has(capability)) {
    findings_.add(ValidationProblem::unguarded_tag, at.span, [] {
      return std::pair(std::string("the tag may be absent here"), std::string("test it with `hasTag` and the same name first"));
    });
    return {};
  }
  if (type->entity->tags == nullptr)
    findings_.add(ValidationProblem::no_tags, at.span, [&] { return "entities of type " + quoted(type->entity->name) + " have no tags"; });
  return of(type->entity->tags);
}

Typed TypeChecker::on(const ast::Call& node, const Expression& at, const Capabilities& prior) {
  const Signature signature = signature_of(node.function);
  bool failed = false;
  for (std::size_t i = 0; i < node.arguments.size(); ++i) {
    const Typed argument = check(*node.arguments[i], prior);
    if (i >= signature.count) continue;
    failed = expect(argument, *node.arguments[i], signature.arguments[i]) == nullptr || failed;
  }
  if (node.arguments.size() != signature.count) {
    findings_.add(ValidationProblem::wrong_argument_count, at.span, [&] {
      return quoted(ast::to_string(node.function)) + " takes " + std::to_string(signature.count) + " arguments, receiver included, and has " +
             std::to_string(node.arguments.size());
    });
    return {};
  }
  if (failed) return {};
  if (ast::is_constructor(node.function)) check_constructor(node, at);
  return of(signature.result);
}

// A text that is computed could be anything; strict mode wants to see it.
void TypeChecker::check_constructor(const ast::Call& node, const Expression& at) {
  const auto* text = node.arguments[0]->as<ast::String>();
  if (text == nullptr) {
    findings_.add(ValidationProblem::not_a_literal, node.arguments[0]->span,
                  [&] { return quoted(ast::to_string(node.function)) + " takes a text that is written here, in quotes"; });
    return;
  }
  if (is_well_formed(node.function, text->value)) return;
  findings_.add(ValidationProblem::malformed_text, at.span,
                [&] { return quoted(text->value) + " is no text of " + quoted(ast::to_string(node.function)); });
}

}  // namespace writ::cedar
