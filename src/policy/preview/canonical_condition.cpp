#include "policy/preview/canonical_condition.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/overloaded.h"
#include "cedar/name.h"
#include "cedar/print.h"
#include "cedar/value.h"

namespace writ::policy::preview {
namespace {

using namespace cedar::ast;
using cedar::Value;
using Kind = cedar::Value::Kind;

// ---- what cannot fail

// The kind of an expression's value, when evaluating it cannot fail whatever is filled in; else nothing.
class Certainty {
 public:
  explicit Certainty(bool has_arguments) : has_arguments_(has_arguments) {}

  std::optional<Kind> kind_of(const Expression& expression) const {
    return std::visit([this](const auto& node) { return on(node); }, expression.node);
  }
  bool is_boolean(const Expression& expression) const { return kind_of(expression) == Kind::boolean; }

 private:
  using Found = std::optional<Kind>;

  Found on(const Bool&) const { return Kind::boolean; }
  Found on(const Long&) const { return Kind::integer; }
  Found on(const String&) const { return Kind::string; }
  Found on(const Entity&) const { return Kind::entity; }
  Found on(const Constant& node) const { return node.value->kind(); }
  Found on(const VariableReference& node) const { return node.variable == Variable::context ? Kind::record : Kind::entity; }
  Found all_boolean(Operands operands) const {
    return std::ranges::all_of(operands, [this](const auto* each) { return is_boolean(*each); }) ? Found(Kind::boolean) : std::nullopt;
  }
  Found on(const And& node) const { return all_boolean(node.operands); }
  Found on(const Or& node) const { return all_boolean(node.operands); }
  Found on(const If& node) const {
    const Found then = kind_of(*node.then);
    return is_boolean(*node.condition) && then == kind_of(*node.otherwise) ? then : std::nullopt;
  }
  Found on(const Unary& node) const {
    const Found operand = kind_of(*node.operand);
    if (node.op == UnaryOperator::not_ && operand == Kind::boolean) return operand;
    return node.op == UnaryOperator::is_empty && operand == Kind::set ? Found(Kind::boolean) : std::nullopt;
  }
  Found on(const Binary& node) const {
    const Found left = kind_of(*node.left), right = kind_of(*node.right);
    if (!left || !right) return std::nullopt;
    const auto yes_if = [](bool condition) { return condition ? Found(Kind::boolean) : std::nullopt; };
    switch (node.op) {
      case BinaryOperator::equal:
      case BinaryOperator::not_equal: return Kind::boolean;
      case BinaryOperator::less:
      case BinaryOperator::less_equal:
      case BinaryOperator::greater:
      case BinaryOperator::greater_equal: return yes_if(left == right && (left == Kind::integer || left == Kind::datetime || left == Kind::duration));
      case BinaryOperator::in: return yes_if(left == Kind::entity && right == Kind::entity);
      case BinaryOperator::contains: return yes_if(left == Kind::set);
      case BinaryOperator::contains_all:
      case BinaryOperator::contains_any: return yes_if(left == Kind::set && right == Kind::set);
      case BinaryOperator::has_tag: return yes_if(left == Kind::entity && right == Kind::string);
      default: return std::nullopt;   // may overflow, or the tag may be missing
    }
  }
  // What every context has (rules §4.4).
  Found on(const Attribute& node) const {
    if (const auto* of = node.object->as<VariableReference>(); of && of->variable == Variable::context) {
      if (node.name.text == "agent") return Kind::entity;
      if (node.name.text == "issuer") return Kind::string;
      if (node.name.text == "auth") return Kind::record;
      if (node.name.text == "now") return Kind::datetime;
      if (has_arguments_ && node.name.text == "args") return Kind::record;
      if (has_arguments_ && node.name.text == "unseen") return Kind::set;
      return std::nullopt;
    }
    const auto* object = node.object->as<Attribute>();
    const auto* of = object ? object->object->as<VariableReference>() : nullptr;
    if (!of || of->variable != Variable::context || object->name.text != "auth") return std::nullopt;
    if (node.name.text == "acr") return Kind::string;
    if (node.name.text == "amr") return Kind::set;
    return node.name.text == "age" ? Found(Kind::duration) : std::nullopt;
  }
  Found on(const Has& node) const {
    const Found object = kind_of(*node.object);
    return node.path.size() == 1 && (object == Kind::record || object == Kind::entity) ? Found(Kind::boolean) : std::nullopt;
  }
  Found on(const Like& node) const { return kind_of(*node.operand) == Kind::string ? Found(Kind::boolean) : std::nullopt; }
  Found on(const Is& node) const { return !node.in && kind_of(*node.operand) == Kind::entity ? Found(Kind::boolean) : std::nullopt; }
  Found on(const Set& node) const {
    return std::ranges::all_of(node.elements, [this](const auto* each) { return kind_of(*each).has_value(); }) ? Found(Kind::set) : std::nullopt;
  }
  Found on(const Record& node) const {
    return std::ranges::all_of(node.fields, [this](const auto& field) { return kind_of(*field.value).has_value(); }) ? Found(Kind::record) : std::nullopt;
  }
  Found on(const Call&) const { return std::nullopt; }

  const bool has_arguments_;
};

// ---- one spelling

struct Part {
  std::string text;
  bool cannot_fail = false;
};

std::string tuple(std::string_view head, const std::vector<std::string>& parts) {
  std::string text = "(" + std::string(head);
  for (const auto& part : parts) text += " " + part;
  return text + ")";
}

std::optional<bool> constant(const Expression& expression) {
  if (const auto* node = expression.as<Bool>()) return node->value;
  const auto* node = expression.as<Constant>();
  return node && node->value->is(Kind::boolean) ? std::optional(node->value->as_bool()) : std::nullopt;
}

class Speller {
 public:
  explicit Speller(bool has_arguments) : certainty_(has_arguments) {}

  // A place where a boolean is needed. Negations are pushed down to where nothing can be said about the operand.
  Part condition(const Expression& expression, bool negated, Matters matters) const {
    if (const auto known = constant(expression)) return {*known != negated ? "true" : "false", true};
    if (const auto* node = expression.as<Unary>(); node && node->op == UnaryOperator::not_) return condition(*node->operand, !negated, matters);
    const auto* conjunction = expression.as<And>();
    const auto* disjunction = expression.as<Or>();
    if (conjunction || disjunction) {
      std::vector<Negatable> operands;
      for (const Expression* operand : conjunction ? conjunction->operands : disjunction->operands) operands.push_back({operand, negated});
      return chain(conjunction ? !negated : negated, operands, matters);
    }
    if (const auto* node = expression.as<If>()) return choice(*node, negated, matters);
    if (const auto* node = expression.as<Is>(); node && node->in) {
      // `e is T in x` is `e is T && e in x`.
      const Part type{sign(negated, tuple("is", {term(*node->operand), std::string(node->type->text)})), certainty_.kind_of(*node->operand) == Kind::entity};
      const Part in{sign(negated, tuple("in", {term(*node->operand), term(*node->in)})),
                    certainty_.kind_of(*node->operand) == Kind::entity && certainty_.kind_of(*node->in) == Kind::entity};
      return joined(!negated, {type, in}, matters);
    }
    const bool cannot_fail = certainty_.is_boolean(expression);
    if (const auto* node = expression.as<Binary>()) return {relation(*node, negated), cannot_fail};
    return {sign(negated, term(expression)), cannot_fail};
  }

  struct Negatable {
    const Expression* expression;
    bool negated;
  };
  Part chain(bool is_conjunction, const std::vector<Negatable>& operands, Matters matters) const {
    std::vector<Part> parts;
    for (std::size_t i = 0; i < operands.size(); ++i) {
      // All but the last decide whether the next is looked at: of these everything matters, unless their order is free.
      const bool is_open = is_free(is_conjunction, matters) || i + 1 == operands.size();
      add(parts, is_conjunction, operands[i], is_open ? matters : Matters::all);
    }
    return joined(is_conjunction, std::move(parts), matters);
  }

 private:
  static bool is_free(bool is_conjunction, Matters matters) { return matters == (is_conjunction ? Matters::whether_true : Matters::whether_false); }
  static std::string sign(bool negated, std::string text) { return negated ? "(! " + std::move(text) + ")" : text; }

  // A chain within a chain of the same kind is part of it.
  void add(std::vector<Part>& parts, bool is_conjunction, const Negatable& operand, Matters matters) const {
    const Expression* expression = operand.expression;
    bool negated = operand.negated;
    while (const auto* node = expression->as<Unary>()) {
      if (node->op != UnaryOperator::not_) break;
      expression = node->operand;
      negated = !negated;
    }
    const auto* conjunction = expression->as<And>();
    const auto* disjunction = expression->as<Or>();
    if ((conjunction && is_conjunction != negated) || (disjunction && is_conjunction == negated)) {
      const Operands inner = conjunction ? conjunction->operands : disjunction->operands;
      for (std::size_t i = 0; i < inner.size(); ++i) {
        const bool is_open = is_free(is_conjunction, matters) || i + 1 == inner.size();
        add(parts, is_conjunction, {inner[i], negated}, is_open ? matters : Matters::all);
      }
      return;
    }
    parts.push_back(condition(*expression, negated, matters));
  }

  static Part joined(bool is_conjunction, std::vector<Part> parts, Matters matters) {
    const std::string_view neutral = is_conjunction ? "true" : "false", absorbing = is_conjunction ? "false" : "true";
    std::erase_if(parts, [&](const Part& part) { return part.text == neutral; });
    // Nothing after the absorbing one is looked at.
    const auto end = std::find_if(parts.begin(), parts.end(), [&](const Part& part) { return part.text == absorbing; });
    if (end != parts.end()) parts.erase(end + 1, parts.end());
    const bool cannot_fail = std::ranges::all_of(parts, &Part::cannot_fail);
    const auto by_text = [](const Part& a, const Part& b) { return a.text < b.text; };
    const auto same_text = [](const Part& a, const Part& b) { return a.text == b.text; };
    std::vector<Part> ordered;
    for (auto at = parts.begin(); at != parts.end();) {
      // A run whose order does not matter.
      auto stop = is_free(is_conjunction, matters) ? parts.end() : std::find_if(at, parts.end(), [](const Part& part) { return !part.cannot_fail; });
      if (stop == at) ++stop;
      std::sort(at, stop, by_text);
      std::unique_copy(at, stop, std::back_inserter(ordered), same_text);
      at = stop;
    }
    if (ordered.empty()) return {std::string(neutral), true};
    if (ordered.size() == 1) return {ordered.front().text, cannot_fail};
    std::vector<std::string> texts;
    for (Part& part : ordered) texts.push_back(std::move(part.text));
    return {tuple(is_conjunction ? "&&" : "||", texts), cannot_fail};
  }

  Part choice(const If& node, bool negated, Matters matters) const {
    const auto then = constant(*node.then), otherwise = constant(*node.otherwise);
    // With a branch that is known it is a chain.
    if (otherwise && *otherwise == negated) return chain(true, {{node.condition, false}, {node.then, negated}}, matters);
    if (then && *then != negated) return chain(false, {{node.condition, false}, {node.otherwise, negated}}, matters);
    if (then && *then == negated) return chain(true, {{node.condition, true}, {node.otherwise, negated}}, matters);
    if (otherwise && *otherwise != negated) return chain(false, {{node.condition, true}, {node.then, negated}}, matters);
    const Part condition_part = condition(*node.condition, false, Matters::all);
    const Part then_part = condition(*node.then, negated, matters), otherwise_part = condition(*node.otherwise, negated, matters);
    return {tuple("if", {condition_part.text, then_part.text, otherwise_part.text}), condition_part.cannot_fail && then_part.cannot_fail && otherwise_part.cannot_fail};
  }

  std::string relation(const Binary& node, bool negated) const {
    std::string left = term(*node.left), right = term(*node.right);
    switch (node.op) {
      case BinaryOperator::not_equal:
      case BinaryOperator::equal:
        if (right < left) std::swap(left, right);
        return sign((node.op == BinaryOperator::not_equal) != negated, tuple("==", {left, right}));
      // The orders are total: what is not less is greater or equal.
      case BinaryOperator::less: return negated ? tuple("<=", {right, left}) : tuple("<", {left, right});
      case BinaryOperator::less_equal: return negated ? tuple("<", {right, left}) : tuple("<=", {left, right});
      case BinaryOperator::greater: return negated ? tuple("<=", {left, right}) : tuple("<", {right, left});
      case BinaryOperator::greater_equal: return negated ? tuple("<", {left, right}) : tuple("<=", {right, left});
      case BinaryOperator::contains_any:
      case BinaryOperator::add:
      case BinaryOperator::multiply:
        if (right < left) std::swap(left, right);
        break;
      default: break;
    }
    return sign(negated, tuple(to_string(node.op), {left, right}));
  }

  // A place where any value may stand.
  std::string term(const Expression& expression) const {
    return std::visit(Overloaded{
                          [](const Constant& node) { return node.value->to_string(); },
                          [this](const Binary& node) { return relation(node, false); },
                          [&](const Bool&) { return cedar::print(expression); },
                          [&](const Long&) { return cedar::print(expression); },
                          [&](const String&) { return cedar::print(expression); },
                          [&](const Entity&) { return cedar::print(expression); },
                          [&](const VariableReference&) { return cedar::print(expression); },
                          [&](const Is& node) { return node.in ? written(expression) : tuple("is", {term(*node.operand), std::string(node.type->text)}); },
                          [this](const Set& node) {
                            std::vector<std::string> elements;
                            for (const Expression* element : node.elements) elements.push_back(term(*element));
                            std::sort(elements.begin(), elements.end());
                            elements.erase(std::unique(elements.begin(), elements.end()), elements.end());
                            return tuple("set", elements);
                          },
                          [this](const Attribute& node) { return tuple(".", {term(*node.object), cedar::Value::string(node.name.text).to_string()}); },
                          [this](const Call& node) {
                            std::vector<std::string> arguments;
                            for (const Expression* argument : node.arguments) arguments.push_back(term(*argument));
                            return tuple(to_string(node.function), arguments);
                          },
                          [&](const auto&) { return written(expression); },
                      },
                      expression.node);
  }
  // The place may hold what is no boolean, and then order and presence of each part count.
  static std::string written(const Expression& expression) { return "{" + cedar::print(expression) + "}"; }

  Certainty certainty_;
};

}  // namespace

std::string canonical_condition(std::span<const Clause> clauses, Matters matters, bool has_arguments) {
  const Speller speller(has_arguments);
  std::vector<Speller::Negatable> bodies;
  for (const Clause& clause : clauses) bodies.push_back({clause.body, clause.kind == Clause::Kind::unless});
  return speller.chain(true, bodies, matters).text;
}

}  // namespace writ::policy::preview
