#pragma once

// Evaluates expressions exactly as Cedar does (language reference §5, §6).

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cedar/arena.h"
#include "cedar/ast.h"
#include "cedar/entities.h"
#include "cedar/request.h"
#include "cedar/value.h"

namespace writ::cedar {

// Why an expression has no value. Small and cheap: it is turned into words only when somebody asks.
struct EvaluationError {
  enum class Reason : std::uint8_t {
    wrong_type,          // `expected` says what would be right
    overflow,
    no_such_attribute,
    no_such_tag,
    no_such_entity,
    malformed_text,      // of an extension constructor
    wrong_argument_count,
  };
  Reason reason;
  Value::Kind found = Value::Kind::boolean;   // of wrong_type
  const char* expected = "";                  // of wrong_type
  const ast::Expression* at = nullptr;        // the operand that is wrong
  std::string_view name;                      // the attribute or tag, the malformed text
  const EntityUid* entity = nullptr;          // the one that is not stored

  // In words, without a position.
  std::string to_string() const;
};
std::string_view to_string(EvaluationError::Reason reason);

using Evaluated = Result<Value, EvaluationError>;

// Values that are made on the way live in the arena.
class Evaluator {
 public:
  Evaluator(const Request& request, const Entities& entities, Arena& arena) : request_(request), entities_(entities), arena_(arena) {}

  Evaluated evaluate(const ast::Expression& expression);
  // The same, and anything but a boolean is an error.
  Result<bool, EvaluationError> evaluate_bool(const ast::Expression& expression);

 private:
  using Expression = ast::Expression;
  Evaluated on(const ast::Bool& node, const Expression& at);
  Evaluated on(const ast::Long& node, const Expression& at);
  Evaluated on(const ast::String& node, const Expression& at);
  Evaluated on(const ast::Entity& node, const Expression& at);
  Evaluated on(const ast::VariableReference& node, const Expression& at);
  Evaluated on(const ast::And& node, const Expression& at);
  Evaluated on(const ast::Or& node, const Expression& at);
  Evaluated on(const ast::If& node, const Expression& at);
  Evaluated on(const ast::Unary& node, const Expression& at);
  Evaluated on(const ast::Binary& node, const Expression& at);
  Evaluated on(const ast::Attribute& node, const Expression& at);
  Evaluated on(const ast::Has& node, const Expression& at);
  Evaluated on(const ast::Like& node, const Expression& at);
  Evaluated on(const ast::Is& node, const Expression& at);
  Evaluated on(const ast::Set& node, const Expression& at);
  Evaluated on(const ast::Record& node, const Expression& at);
  Evaluated on(const ast::Call& node, const Expression& at);
  Evaluated on(const ast::Constant& node, const Expression& at);

  const Request& request_;
  const Entities& entities_;
  Arena& arena_;
};

// The operators on values alone; the full and the partial evaluator share them. `at` is what an error points to.
Evaluated apply_unary(const ast::Unary& node, const Value& operand);
Evaluated apply_binary(const ast::Binary& node, const Value& left, const Value& right, const Entities& entities);
Evaluated apply_call(const ast::Call& node, std::span<const Value> arguments, const ast::Expression& at, Arena& arena);
Evaluated get_attribute(const Value& object, const ast::Attribute& node, const Entities& entities);
Evaluated has_attribute(const Value& object, std::string_view name, const ast::Expression& object_at, const Entities& entities);
Evaluated has_path(Value object, const ast::Has& node, const Entities& entities);
Evaluated matches(const ast::Like& node, const Value& operand);
Evaluated is_of_type(const ast::Is& node, const Value& operand);
// A set of elements that stand in the arena; they are sorted in place.
Value make_set_in_place(std::span<Value> elements);

// Linear in the text for each literal piece: one place to come back to, no recursion.
bool matches_pattern(std::string_view text, std::span<const PatternPiece> pattern);

}  // namespace writ::cedar
