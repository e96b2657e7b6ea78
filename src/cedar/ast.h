#pragma once

// The tree of a policy text, as written: `!=`, `>`, `is … in` and `has a.b` are kept, so that it prints back and goes to JSON as it
// came. Parentheses and comments are not kept. Nodes are immutable and live in the arena of their `Source`.
//
// Long chains of `&&` and `||` are one node with many operands (they mean the left-nested chain), so that their length costs no stack.
// INVARIANT: no expression is deeper than `kDepthMax`; every walk over a tree may therefore recurse.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cedar/arena.h"
#include "cedar/lexer.h"
#include "cedar/name.h"
#include "cedar/position.h"

namespace writ::cedar {

class Value;

namespace ast {

inline constexpr std::uint32_t kDepthMax = 250;

struct Expression;
using Operands = std::span<const Expression* const>;

// A word of the text and where it stands. Attributes, record keys and type names (canonical spelling).
struct Name {
  std::string_view text;
  Span span;
};

enum class Variable : std::uint8_t { principal, action, resource, context };
enum class UnaryOperator : std::uint8_t { not_, negate, is_empty };
enum class BinaryOperator : std::uint8_t {
  equal, not_equal, less, less_equal, greater, greater_equal, in,
  add, subtract, multiply,
  contains, contains_all, contains_any, has_tag, get_tag,
};
enum class Function : std::uint8_t {
  decimal, ip, datetime, duration,                                          // constructors, written f(x)
  less_than, less_than_or_equal, greater_than, greater_than_or_equal,       // methods, written x.f(y)
  is_ipv4, is_ipv6, is_loopback, is_multicast, is_in_range,
  offset, duration_since, to_date, to_time,
  to_milliseconds, to_seconds, to_minutes, to_hours, to_days,
};

struct Bool { bool value; };
struct Long { std::int64_t value; };
struct String { std::string_view value; };
struct Entity { const EntityUid* uid; };
struct VariableReference { Variable variable; };
struct And { Operands operands; };     // at least two
struct Or { Operands operands; };      // at least two
struct If { const Expression* condition; const Expression* then; const Expression* otherwise; };
struct Unary { UnaryOperator op; const Expression* operand; };
struct Binary { BinaryOperator op; const Expression* left; const Expression* right; };
struct Attribute { const Expression* object; Name name; };                 // object.name, object["name"]
struct Has { const Expression* object; std::span<const Name> path; };      // at least one; more than one for `has a.b`
struct Like { const Expression* operand; std::span<const PatternPiece> pattern; };
struct Is { const Expression* operand; const Name* type; const Expression* in; };   // `in` is null without `in`
struct Set { Operands elements; };
struct Field { Name key; const Expression* value; };
struct Record { std::span<const Field> fields; };                          // in the order of the text, keys unique
struct Call { Function function; Operands arguments; };                    // the receiver of a method is the first argument
struct Constant { const Value* value; };                                   // only compiled and residual policies have these

struct Expression {
  using Node = std::variant<Bool, Long, String, Entity, VariableReference, And, Or, If, Unary, Binary, Attribute, Has, Like, Is, Set, Record,
                            Call, Constant>;
  Node node;
  Span span;                 // without parentheses around it
  std::uint32_t depth = 1;   // 1 for a leaf

  template <class T>
  const T* as() const { return std::get_if<T>(&node); }
};

enum class Effect : std::uint8_t { permit, forbid };

// The constraint of principal or resource.
struct ScopeConstraint {
  enum class Form : std::uint8_t { any, equal, in, is, is_in };
  Form form = Form::any;
  bool has_slot = false;                // the entity is `?principal` or `?resource`
  const Name* type = nullptr;           // of is, is_in
  const EntityUid* entity = nullptr;    // of equal, in, is_in; null where a slot stands
  Span entity_span;                     // of the entity or slot
};

struct ActionConstraint {
  enum class Form : std::uint8_t { any, equal, in };
  struct Listed { const EntityUid* entity; Span span; };
  Form form = Form::any;
  bool is_list = false;                 // `in [..]`, as against `in X`
  std::span<const Listed> entities;     // one of equal and `in X`
};

struct Clause {
  enum class Kind : std::uint8_t { when, unless };
  Kind kind = Kind::when;
  const Expression* body = nullptr;
  Span span;
};

struct Annotation {
  Name key;
  std::optional<std::string_view> value;   // absent: `@key` alone, which means ""
};

// A policy, or a template when a slot stands in its scope. Cheap to copy: it borrows everything from its Source.
struct Policy {
  Effect effect = Effect::permit;
  std::span<const Annotation> annotations;
  ScopeConstraint principal;
  ActionConstraint action;
  ScopeConstraint resource;
  std::span<const Clause> clauses;
  Span span;

  bool is_template() const { return principal.has_slot || resource.has_slot; }
  // The value of an annotation, "" when it has none; absent when there is no such annotation.
  std::optional<std::string_view> annotation(std::string_view key) const;
};

// A text and the memory of everything read from it. Immutable once parsed, shared by all that borrow from it.
struct Source {
  std::string text;   // empty when the tree came from JSON
  Arena arena;
};

struct Policies {
  std::shared_ptr<const Source> source;
  std::vector<Policy> policies;   // in the order of the text; templates among them
};

// One deeper than the deepest of its operands.
std::uint32_t depth_of(const Expression::Node& node);
// Null when the node would be too deep.
const Expression* make(Arena& arena, Expression::Node node, Span span);

// Whether two expressions are the same tree: positions do not count, and `a > b` is `!(a <= b)`, `a != b` is `!(a == b)`,
// `e is T in x` is `e is T && e in x`, `e has a.b` is `e has a && e.a has b`.
bool is_same(const Expression& a, const Expression& b);

// Calls `visit` with each expression directly below this one, in the order of the text.
template <class Visit>
void for_each_child(const Expression& expression, Visit visit);

std::string_view to_string(Variable variable);
std::string_view to_string(BinaryOperator op);   // "==", "in", "contains", …
std::string_view to_string(Function function);   // "ip", "isInRange", …
std::string_view to_string(Effect effect);
std::optional<Function> find_function(std::string_view name);   // constructors and methods
bool is_constructor(Function function);

}  // namespace ast
}  // namespace writ::cedar

#include "cedar/ast_children.h"
