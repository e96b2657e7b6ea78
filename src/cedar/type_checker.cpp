#include "cedar/type_checker.h"

#include <algorithm>
#include <optional>
#include <variant>
#include <vector>

#include "cedar/type_relations.h"

// Variables, logic, attributes, sets and records; the operators are in type_checker_operators.cpp.

namespace writ::cedar {

namespace {

using Kind = Type::Kind;

const Type* simple(Kind kind) { return TypePool::simple(kind); }
Typed of(const Type* type) { return {type, {}}; }

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

std::vector<std::string_view> attribute_names(const Type& record) {
  std::vector<std::string_view> names;
  for (const AttributeType& attribute : record.attributes) names.push_back(attribute.name);
  return names;
}

// The attributes that a value of this type has; null when it is neither record nor entity.
const Type* attributes_of(const Type& type) {
  if (type.is(Kind::record)) return &type;
  return type.is(Kind::entity) ? type.entity->attributes : nullptr;
}

// The type of `a && b` when neither side failed and the left is not always false.
const Type* type_of_and(const Type* a, const Type* b) {
  if (b->is(Kind::always_false)) return b;
  if (b->is(Kind::always_true)) return a;
  return a->is(Kind::always_true) ? b : simple(Kind::boolean);
}

}  // namespace

const Type* TypeChecker::check_clauses(std::span<const ast::Clause> clauses, const RequestEnvironment& environment) {
  environment_ = environment;
  Capabilities known;
  bool failed = false;
  const Type* type = simple(Kind::always_true);
  for (const ast::Clause& clause : clauses) {
    Typed typed = check(*clause.body, known);
    const Type* of_clause = expect_boolean(typed, *clause.body);
    if (of_clause == nullptr) {
      failed = true;
      continue;
    }
    if (clause.kind == ast::Clause::Kind::unless) {
      if (of_clause->is(Kind::always_true)) of_clause = simple(Kind::always_false);
      else if (of_clause->is(Kind::always_false)) of_clause = simple(Kind::always_true);
      typed.out = {};   // a negation guarantees nothing
    }
    // What stands behind a clause that is never true is never evaluated.
    if (of_clause->is(Kind::always_false)) return failed ? nullptr : of_clause;
    known.add_all(typed.out);
    type = type_of_and(type, of_clause);
  }
  return failed ? nullptr : type;
}

Typed TypeChecker::check(const Expression& expression, const Capabilities& prior) {
  return std::visit([&](const auto& node) { return on(node, expression, prior); }, expression.node);
}

Typed TypeChecker::on(const ast::Bool& node, const Expression&, const Capabilities&) {
  return of(simple(node.value ? Kind::always_true : Kind::always_false));
}
Typed TypeChecker::on(const ast::Long&, const Expression&, const Capabilities&) { return of(simple(Kind::integer)); }
Typed TypeChecker::on(const ast::String&, const Expression&, const Capabilities&) { return of(simple(Kind::string)); }
// Only compiled policies have these, and policies are checked as written.
Typed TypeChecker::on(const ast::Constant&, const Expression& at, const Capabilities&) {
  findings_.add(ValidationProblem::not_a_literal, at.span, [] { return std::string("a computed value cannot be checked"); });
  return {};
}

// Names that do not exist have been reported by the check of names.
Typed TypeChecker::on(const ast::Entity& node, const Expression&, const Capabilities&) {
  if (node.uid->is_action()) {
    const Action* action = schema_.find_action(*node.uid);
    return of(action == nullptr ? nullptr : action->type->self);
  }
  const EntityType* type = schema_.find_type(node.uid->type());
  return of(type == nullptr ? nullptr : type->self);
}

Typed TypeChecker::on(const ast::VariableReference& node, const Expression&, const Capabilities&) {
  switch (node.variable) {
    case ast::Variable::principal: return of(environment_.principal->self);
    case ast::Variable::action: return of(environment_.action->type->self);
    case ast::Variable::resource: return of(environment_.resource->self);
    case ast::Variable::context: break;
  }
  return of(environment_.context);
}

Typed TypeChecker::on(const ast::And& node, const Expression&, const Capabilities& prior) {
  Capabilities known = prior;
  Typed result;
  bool failed = false;
  bool is_first = true;
  for (const Expression* operand : node.operands) {
    Typed typed = check(*operand, known);
    const Type* type = expect_boolean(typed, *operand);
    if (type == nullptr) {
      failed = true;
      continue;
    }
    if (type->is(Kind::always_false)) return failed ? Typed{} : of(type);
    known.add_all(typed.out);
    result.out.add_all(typed.out);
    result.type = is_first || result.type == nullptr ? type : type_of_and(result.type, type);
    is_first = false;
  }
  return failed ? Typed{} : result;
}

Typed TypeChecker::on(const ast::Or& node, const Expression&, const Capabilities& prior) {
  Typed result;
  bool failed = false;
  for (const Expression* operand : node.operands) {
    Typed typed = check(*operand, prior);
    const Type* type = expect_boolean(typed, *operand);
    if (type == nullptr) {
      failed = true;
      continue;
    }
    if (type->is(Kind::always_true)) return failed ? Typed{} : typed;
    if (result.type == nullptr || result.type->is(Kind::always_false)) {
      result = std::move(typed);
    } else if (!type->is(Kind::always_false)) {
      result.out = result.out.intersect(typed.out);
      result.type = simple(Kind::boolean);
    }
  }
  return failed ? Typed{} : result;
}

Typed TypeChecker::on(const ast::If& node, const Expression& at, const Capabilities& prior) {
  const Typed condition = check(*node.condition, prior);
  const Type* type = expect_boolean(condition, *node.condition);
  const bool is_true = type != nullptr && type->is(Kind::always_true);
  const bool is_false = type != nullptr && type->is(Kind::always_false);
  if (is_false) return check(*node.otherwise, prior);
  Capabilities known = prior;
  known.add_all(condition.out);
  Typed then = check(*node.then, known);
  then.out.add_all(condition.out);
  if (is_true) return then;
  const Typed otherwise = check(*node.otherwise, prior);
  if (type == nullptr || then.type == nullptr || otherwise.type == nullptr) return {};
  const Type* bound = least_upper_bound(then.type, otherwise.type, types_);
  if (bound == nullptr) report_incompatible(*then.type, *otherwise.type, at.span);
  return {bound, then.out.intersect(otherwise.out)};
}

Typed TypeChecker::on(const ast::Attribute& node, const Expression&, const Capabilities& prior) {
  const Typed object = check(*node.object, prior);
  if (object.type == nullptr) return {};
  const Type* attributes = attributes_of(*object.type);
  if (attributes == nullptr) return of(fail_type(*object.type, node.object->span, "an entity or a record"));
  const AttributeType* attribute = attributes->find(node.name.text);
  if (attribute == nullptr) {
    findings_.add(ValidationProblem::unknown_attribute, node.name.span, [&] {
      return std::pair(quoted(to_string(*object.type)) + " has no attribute " + quoted(node.name.text),
                       did_you_mean(node.name.text, attribute_names(*attributes)));
    });
    return {};
  }
  if (!attribute->is_required && !prior.has({node.object, node.name.text, nullptr})) {
    findings_.add(ValidationProblem::unguarded_attribute, node.name.span, [&] {
      return std::pair("the attribute " + quoted(node.name.text) + " is optional and may be absent here",
                       "test it with `has " + std::string(node.name.text) + " &&` first");
    });
    return {};
  }
  return of(attribute->type);
}

// `object has name`, for an object of that type.
Typed TypeChecker::has_step(const Type& object_type, const Expression& object, std::string_view name, const Capabilities& prior) {
  const AttributeType* attribute = attributes_of(object_type)->find(name);
  if (attribute == nullptr) return of(simple(Kind::always_false));
  const Capability capability{&object, name, nullptr};
  // An entity may not be stored at all, so that even a required attribute may be missing; a record has what its type says.
  const bool is_certain = (attribute->is_required && object_type.is(Kind::record)) || prior.has(capability);
  Typed result = of(simple(is_certain ? Kind::always_true : Kind::boolean));
  result.out.add(capability);
  return result;
}

// `e has a.b` is `e has a && e.a has b`.
Typed TypeChecker::on(const ast::Has& node, const Expression& at, const Capabilities& prior) {
  const Typed object = check(*node.object, prior);
  if (object.type == nullptr) return {};
  Capabilities known = prior;
  Typed result;
  const Type* type = object.type;
  const Expression* reached = node.object;
  for (const ast::Name& name : node.path) {
    if (attributes_of(*type) == nullptr) return of(fail_type(*type, name.span, "an entity or a record before `has`"));
    const Typed step = has_step(*type, *reached, name.text, known);
    if (step.type->is(Kind::always_false)) return step;
    known.add_all(step.out);
    result.out.add_all(step.out);
    result.type = result.type == nullptr ? step.type : type_of_and(result.type, step.type);
    type = attributes_of(*type)->find(name.text)->type;
    reached = types_.arena().make<Expression>(ast::Attribute{reached, name}, at.span, reached->depth + 1);
  }
  return result;
}

Typed TypeChecker::on(const ast::Set& node, const Expression& at, const Capabilities& prior) {
  if (node.elements.empty()) {
    findings_.add(ValidationProblem::empty_set, at.span, [] { return std::string("the type of an empty set is not known"); });
    return {};
  }
  const Type* element = nullptr;
  bool failed = false;
  for (const Expression* expression : node.elements) {
    const Typed typed = check(*expression, prior);
    if (typed.type == nullptr) failed = true;
    if (typed.type == nullptr || (element == nullptr && failed)) continue;
    const Type* bound = element == nullptr ? typed.type : least_upper_bound(element, typed.type, types_);
    if (bound == nullptr) {
      report_incompatible(*element, *typed.type, expression->span);
      failed = true;
      continue;
    }
    element = bound;
  }
  return of(failed ? nullptr : types_.set(element));
}

Typed TypeChecker::on(const ast::Record& node, const Expression&, const Capabilities& prior) {
  std::vector<AttributeType> attributes;
  for (const ast::Field& field : node.fields) {
    const Typed typed = check(*field.value, prior);
    if (typed.type != nullptr) attributes.push_back({field.key.text, typed.type, true});
  }
  return of(attributes.size() == node.fields.size() ? types_.record(std::move(attributes)) : nullptr);
}

const Type* TypeChecker::expect(const Typed& typed, const Expression& at, Kind kind) {
  if (typed.type == nullptr || typed.type->is(kind)) return typed.type;
  switch (kind) {
    case Kind::integer: return fail_type(*typed.type, at.span, "a Long");
    case Kind::string: return fail_type(*typed.type, at.span, "a String");
    case Kind::entity: return fail_type(*typed.type, at.span, "an entity");
    case Kind::set: return fail_type(*typed.type, at.span, "a Set");
    default: return fail_type(*typed.type, at.span, to_string(*simple(kind)));
  }
}

const Type* TypeChecker::expect_boolean(const Typed& typed, const Expression& at) {
  if (typed.type == nullptr || typed.type->is_boolean()) return typed.type;
  return fail_type(*typed.type, at.span, "a Bool");
}

const Type* TypeChecker::fail_type(const Type& found, Span span, std::string_view expected) {
  findings_.add(ValidationProblem::unexpected_type, span,
                [&] { return "expected " + std::string(expected) + ", found " + quoted(to_string(found)); });
  return nullptr;
}

void TypeChecker::report_incompatible(const Type& a, const Type& b, Span span) {
  findings_.add(ValidationProblem::incompatible_types, span,
                [&] { return "the types " + quoted(to_string(a)) + " and " + quoted(to_string(b)) + " do not go together"; });
}

}  // namespace writ::cedar
