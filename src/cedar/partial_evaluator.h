#pragma once

// The evaluator behind partial.h: for each expression what may come of it, what is known of its value, and what remains of it.

#include <cstdint>

#include "cedar/ast.h"
#include "cedar/evaluate.h"
#include "cedar/partial.h"

namespace writ::cedar {

// A set of outcomes.
class Possible {
 public:
  constexpr Possible() = default;
  static constexpr Possible true_() { return Possible(1); }
  static constexpr Possible false_() { return Possible(2); }
  static constexpr Possible other() { return Possible(4); }   // a value that is no boolean
  static constexpr Possible error() { return Possible(8); }
  static constexpr Possible boolean() { return true_() | false_(); }
  static constexpr Possible any_value() { return boolean() | other(); }
  static Possible of(const Value& value);
  static Possible of(const PartialValue& value);

  constexpr bool has(Possible outcomes) const { return (bits_ & outcomes.bits_) != 0; }
  constexpr Possible only(Possible outcomes) const { return Possible(bits_ & outcomes.bits_); }
  // Where a boolean is needed: anything else becomes an error.
  Possible as_condition() const;

  friend constexpr Possible operator|(Possible a, Possible b) { return Possible(a.bits_ | b.bits_); }
  friend constexpr bool operator==(Possible, Possible) = default;

 private:
  constexpr explicit Possible(int bits) : bits_(static_cast<std::uint8_t>(bits)) {}
  std::uint8_t bits_ = 0;
};

struct PartialResult {
  Possible possible;
  PartialValue value;               // if there is one, it is this
  const ast::Expression* residual;  // the same as the expression in every completion

  bool is_certain() const { return value.is_known() && !possible.has(Possible::error()); }
  bool fails_certainly() const { return possible == Possible::error(); }
};

class PartialEvaluator {
 public:
  PartialEvaluator(const PartialRequest& request, const Entities& entities, Arena& arena) : request_(request), entities_(entities), arena_(arena) {}

  PartialResult evaluate(const ast::Expression& expression);

 private:
  using Expression = ast::Expression;

  PartialResult on(const ast::Bool& node, const Expression& at);
  PartialResult on(const ast::Long& node, const Expression& at);
  PartialResult on(const ast::String& node, const Expression& at);
  PartialResult on(const ast::Entity& node, const Expression& at);
  PartialResult on(const ast::Constant& node, const Expression& at);
  PartialResult on(const ast::VariableReference& node, const Expression& at);
  PartialResult on(const ast::And& node, const Expression& at);
  PartialResult on(const ast::Or& node, const Expression& at);
  PartialResult on(const ast::If& node, const Expression& at);
  PartialResult on(const ast::Unary& node, const Expression& at);
  PartialResult on(const ast::Binary& node, const Expression& at);
  PartialResult on(const ast::Attribute& node, const Expression& at);
  PartialResult on(const ast::Has& node, const Expression& at);
  PartialResult on(const ast::Like& node, const Expression& at);
  PartialResult on(const ast::Is& node, const Expression& at);
  PartialResult on(const ast::Set& node, const Expression& at);
  PartialResult on(const ast::Record& node, const Expression& at);
  PartialResult on(const ast::Call& node, const Expression& at);

  PartialResult certain(const Value& value, const Expression& at);
  // From what the operator gives for known operands; `operands` is what came of these.
  PartialResult computed(const Evaluated& result, Possible operands, ast::Expression::Node remaining, const Expression& at);
  // A value of which nothing is known but what it may be.
  PartialResult open(Possible possible, ast::Expression::Node remaining, const Expression& at);
  PartialResult from_value(Possible possible, const PartialValue& value, ast::Expression::Node remaining, const Expression& at);
  PartialResult chain(ast::Operands operands, Possible absorbing, Possible neutral, const Expression& at);
  PartialResult variable(const PartialEntity& entity, const Expression& at);
  Possible possible_of(const ast::Binary& node, const PartialValue& left, const PartialValue& right) const;
  PartialResult binary(const ast::Binary& node, const PartialResult& left, const PartialResult& right, const Expression& at);

  // What is known of an entity's attributes when they were given as partly known; else null.
  const PartialValue* partial_attributes(const PartialValue& object) const;
  bool has_unknown_tags(const PartialValue& object) const;
  Possible has(const PartialValue& object, std::string_view name, const ast::Has& node);
  PartialResult attribute(const PartialValue& object, Possible object_possible, const ast::Attribute& remaining, const Expression& at);

  const Expression* make(ast::Expression::Node node, const Expression& at) { return arena_.make<Expression>(Expression{node, at.span, at.depth}); }

  const PartialRequest& request_;
  const Entities& entities_;
  Arena& arena_;
};

}  // namespace writ::cedar
