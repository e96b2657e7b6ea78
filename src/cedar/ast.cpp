#include "cedar/ast.h"

#include <algorithm>
#include <array>

#include "cedar/value.h"

namespace writ::cedar::ast {

namespace {

constexpr std::array<std::string_view, 22> kFunctions{
    "decimal",    "ip",         "datetime",    "duration",           "lessThan",  "lessThanOrEqual", "greaterThan",
    "greaterThanOrEqual", "isIpv4", "isIpv6", "isLoopback", "isMulticast", "isInRange", "offset", "durationSince",
    "toDate", "toTime", "toMilliseconds", "toSeconds", "toMinutes", "toHours", "toDays"};
static_assert(static_cast<std::size_t>(Function::to_days) + 1 == kFunctions.size());

bool same_names(std::span<const Name> a, std::span<const Name> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Name& x, const Name& y) { return x.text == y.text; });
}

bool same_lists(Operands a, Operands b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Expression* x, const Expression* y) { return is_same(*x, *y); });
}

bool is_greater(BinaryOperator op) { return op == BinaryOperator::greater || op == BinaryOperator::greater_equal; }

// One step of what the language reference calls desugaring. Children stay as they are.
class Desugared {
 public:
  explicit Desugared(const Expression& expression) {
    node_ = &expression.node;
    if (const auto* binary = expression.as<Binary>()) take(*binary, expression);
    if (is_conjunction(expression)) flatten(expression);
  }

  bool is_conjunction() const { return !conjuncts_.empty(); }
  Operands conjuncts() const { return conjuncts_; }
  const Expression::Node& node() const { return *node_; }

 private:
  static bool is_conjunction(const Expression& expression) {
    if (const auto* is = expression.as<Is>()) return is->in != nullptr;
    if (const auto* has = expression.as<Has>()) return has->path.size() > 1;
    return expression.as<And>() != nullptr;
  }

  void take(const Binary& binary, const Expression& expression) {
    BinaryOperator opposite = binary.op;
    switch (binary.op) {
      case BinaryOperator::not_equal: opposite = BinaryOperator::equal; break;
      case BinaryOperator::greater: opposite = BinaryOperator::less_equal; break;
      case BinaryOperator::greater_equal: opposite = BinaryOperator::less; break;
      default: return;
    }
    const auto* positive = scratch_.make<Expression>(Expression{Binary{opposite, binary.left, binary.right}, {}, expression.depth});
    node_ = &scratch_.make<Expression>(Expression{Unary{UnaryOperator::not_, positive}, {}, expression.depth})->node;
  }

  // Only what stands first is part of the left-nested chain: `a && (b && c)` keeps its inner conjunction.
  void flatten(const Expression& expression) {
    if (const auto* conjunction = expression.as<And>()) {
      if (is_conjunction(*conjunction->operands.front())) {
        flatten(*conjunction->operands.front());
      } else {
        conjuncts_.push_back(conjunction->operands.front());
      }
      conjuncts_.insert(conjuncts_.end(), conjunction->operands.begin() + 1, conjunction->operands.end());
    } else if (const auto* is = expression.as<Is>()) {
      conjuncts_.push_back(add(Is{is->operand, is->type, nullptr}));
      conjuncts_.push_back(add(Binary{BinaryOperator::in, is->operand, is->in}));
    } else if (const auto* has = expression.as<Has>()) {
      const Expression* object = has->object;
      for (std::size_t i = 0; i < has->path.size(); ++i) {
        conjuncts_.push_back(add(Has{object, has->path.subspan(i, 1)}));
        object = add(Attribute{object, has->path[i]});
      }
    }
  }

  const Expression* add(Expression::Node node) { return scratch_.make<Expression>(Expression{node, {}, 1}); }

  Arena scratch_;
  std::vector<const Expression*> conjuncts_;
  const Expression::Node* node_ = nullptr;
};

bool needs_desugaring(const Expression& expression) {
  if (const auto* binary = expression.as<Binary>()) return binary->op == BinaryOperator::not_equal || is_greater(binary->op);
  if (const auto* is = expression.as<Is>()) return is->in != nullptr;
  if (const auto* has = expression.as<Has>()) return has->path.size() > 1;
  return expression.as<And>() != nullptr;
}

bool same_nodes(const Expression::Node& a, const Expression::Node& b) {
  if (a.index() != b.index()) return false;
  const auto other = [&b]<class T>(const T&) -> const T& { return *std::get_if<T>(&b); };
  return std::visit(
      Overloaded{
          [&](const Bool& x) { return x.value == other(x).value; },
          [&](const Long& x) { return x.value == other(x).value; },
          [&](const String& x) { return x.value == other(x).value; },
          [&](const Entity& x) { return *x.uid == *other(x).uid; },
          [&](const VariableReference& x) { return x.variable == other(x).variable; },
          [&](const And& x) { return same_lists(x.operands, other(x).operands); },
          [&](const Or& x) { return same_lists(x.operands, other(x).operands); },
          [&](const If& x) {
            const If& y = other(x);
            return is_same(*x.condition, *y.condition) && is_same(*x.then, *y.then) && is_same(*x.otherwise, *y.otherwise);
          },
          [&](const Unary& x) { return x.op == other(x).op && is_same(*x.operand, *other(x).operand); },
          [&](const Binary& x) {
            const Binary& y = other(x);
            return x.op == y.op && is_same(*x.left, *y.left) && is_same(*x.right, *y.right);
          },
          [&](const Attribute& x) { return x.name.text == other(x).name.text && is_same(*x.object, *other(x).object); },
          [&](const Has& x) { return same_names(x.path, other(x).path) && is_same(*x.object, *other(x).object); },
          [&](const Like& x) {
            const Like& y = other(x);
            return std::equal(x.pattern.begin(), x.pattern.end(), y.pattern.begin(), y.pattern.end()) && is_same(*x.operand, *y.operand);
          },
          [&](const Is& x) {
            const Is& y = other(x);
            if (x.type->text != y.type->text || (x.in == nullptr) != (y.in == nullptr) || !is_same(*x.operand, *y.operand)) return false;
            return x.in == nullptr || is_same(*x.in, *y.in);
          },
          [&](const Set& x) { return same_lists(x.elements, other(x).elements); },
          [&](const Record& x) {
            const Record& y = other(x);   // keys are unique, their order means nothing
            return x.fields.size() == y.fields.size() && std::all_of(x.fields.begin(), x.fields.end(), [&](const Field& field) {
                     return std::any_of(y.fields.begin(), y.fields.end(), [&](const Field& candidate) {
                       return candidate.key.text == field.key.text && is_same(*candidate.value, *field.value);
                     });
                   });
          },
          [&](const Call& x) { return x.function == other(x).function && same_lists(x.arguments, other(x).arguments); },
          [&](const Constant& x) { return *x.value == *other(x).value; },
      },
      a);
}

}  // namespace

std::optional<std::string_view> Policy::annotation(std::string_view key) const {
  for (const Annotation& annotation : annotations)
    if (annotation.key.text == key) return annotation.value.value_or(std::string_view());
  return std::nullopt;
}

std::uint32_t depth_of(const Expression::Node& node) {
  std::uint32_t deepest = 0;
  for_each_child(Expression{node, {}, 1}, [&deepest](const Expression& child) { deepest = std::max(deepest, child.depth); });
  return deepest + 1;
}

const Expression* make(Arena& arena, Expression::Node node, Span span) {
  const std::uint32_t depth = depth_of(node);
  if (depth > kDepthMax) return nullptr;
  return arena.make<Expression>(Expression{node, span, depth});
}

bool is_same(const Expression& a, const Expression& b) {
  if (&a == &b) return true;
  if (!needs_desugaring(a) && !needs_desugaring(b)) return same_nodes(a.node, b.node);
  const Desugared x(a), y(b);
  if (x.is_conjunction() != y.is_conjunction()) return false;
  return x.is_conjunction() ? same_lists(x.conjuncts(), y.conjuncts()) : same_nodes(x.node(), y.node());
}

std::string_view to_string(Variable variable) {
  constexpr std::array<std::string_view, 4> kNames{"principal", "action", "resource", "context"};
  return kNames[static_cast<std::size_t>(variable)];
}

std::string_view to_string(BinaryOperator op) {
  constexpr std::array<std::string_view, 15> kNames{"==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*",
                                                    "contains", "containsAll", "containsAny", "hasTag", "getTag"};
  return kNames[static_cast<std::size_t>(op)];
}

std::string_view to_string(Function function) { return kFunctions[static_cast<std::size_t>(function)]; }

std::string_view to_string(Effect effect) { return effect == Effect::permit ? "permit" : "forbid"; }

std::optional<Function> find_function(std::string_view name) {
  const auto found = std::find(kFunctions.begin(), kFunctions.end(), name);
  if (found == kFunctions.end()) return std::nullopt;
  return static_cast<Function>(found - kFunctions.begin());
}

bool is_constructor(Function function) { return function <= Function::duration; }

}  // namespace writ::cedar::ast
