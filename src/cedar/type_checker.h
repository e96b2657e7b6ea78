#pragma once

// Finds the type of expressions in one request environment, and everything that is wrong on the way (reference, "Typing rules").

#include <cstddef>
#include <span>
#include <string_view>

#include "cedar/ast.h"
#include "cedar/capabilities.h"
#include "cedar/findings.h"
#include "cedar/schema.h"

namespace writ::cedar {

// Of what types the variables are.
struct RequestEnvironment {
  const EntityType* principal = nullptr;
  const Action* action = nullptr;
  const EntityType* resource = nullptr;
  const Type* context = nullptr;
};

struct Typed {
  const Type* type = nullptr;   // null: something was wrong, and has been reported
  Capabilities out;             // what holds if the expression is true
};

class TypeChecker {
 public:
  TypeChecker(const Schema& schema, TypePool& types, Findings& findings) : schema_(schema), types_(types), findings_(findings) {}

  // The clauses of a policy whose scope matches. `always_false` when no request of this environment can satisfy them; null after errors.
  const Type* check_clauses(std::span<const ast::Clause> clauses, const RequestEnvironment& environment);

 private:
  using Expression = ast::Expression;
  using Kind = Type::Kind;

  Typed check(const Expression& expression, const Capabilities& prior);
  Typed on(const ast::Bool& node, const Expression& at, const Capabilities& prior);
  Typed on(const ast::Long& node, const Expression& at, const Capabilities& prior);
  Typed on(const ast::String& node, const Expression& at, const Capabilities& prior);
  Typed on(const ast::Entity& node, const Expression& at, const Capabilities& prior);
  Typed on(const ast::VariableReference& node, const Expression& at, const Capabilities& prior);
  Typed on(const ast::And& node, const Expression& at, const Capabilities& prior);
  Typed on(const ast::Or& node, const Expression& at, const Capabilities& prior);
  Typed on(const ast::If& node, const Expression& at, const Capabilities& prior);
  Typed on(const ast::Unary& node, const Expression& at, const Capabilities& prior);
  Typed on(const ast::Binary& node, const Expression& at, const Capabilities& prior);
  Typed on(const ast::Attribute& node, const Expression& at, const Capabilities& prior);
  Typed on(const ast::Has& node, const Expression& at, const Capabilities& prior);
  Typed on(const ast::Like& node, const Expression& at, const Capabilities& prior);
  Typed on(const ast::Is& node, const Expression& at, const Capabilities& prior);
  Typed on(const ast::Set& node, const Expression& at, const Capabilities& prior);
  Typed on(const ast::Record& node, const Expression& at, const Capabilities& prior);
  Typed on(const ast::Call& node, const Expression& at, const Capabilities& prior);
  Typed on(const ast::Constant& node, const Expression& at, const Capabilities& prior);

  Typed equality(const ast::Binary& node, const Expression& at, const Capabilities& prior);
  Typed order(const ast::Binary& node, const Capabilities& prior);
  Typed arithmetic(const ast::Binary& node, const Capabilities& prior);
  Typed membership(const ast::Binary& node, const Capabilities& prior);
  Typed contains_element(const ast::Binary& node, const Expression& at, const Capabilities& prior);
  Typed contains_set(const ast::Binary& node, const Expression& at, const Capabilities& prior);
  Typed tag(const ast::Binary& node, const Expression& at, const Capabilities& prior);
  Typed has_step(const Type& object_type, const Expression& object, std::string_view name, const Capabilities& prior);
  Typed membership_of(const Expression& left, const Typed& left_typed, const Expression& right, const Capabilities& prior);
  const Type* membership_of_action(const EntityUid& action, const Expression& right) const;
  void check_constructor(const ast::Call& node, const Expression& at);

  // The operand's type where it is of that kind; else it reports, and null.
  const Type* expect(const Typed& typed, const Expression& at, Kind kind);
  const Type* expect_boolean(const Typed& typed, const Expression& at);
  const Type* fail_type(const Type& found, Span span, std::string_view expected);
  void report_incompatible(const Type& a, const Type& b, Span span);

  // The entity that an expression names in every request of this environment; null when none is known.
  const EntityUid* entity_named(const Expression& expression) const;

  const Schema& schema_;
  TypePool& types_;
  Findings& findings_;
  RequestEnvironment environment_;
};

}  // namespace writ::cedar
