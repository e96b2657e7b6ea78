#include "cedar/print.h"

#include <array>

#include "base/overloaded.h"
#include "cedar/value.h"

namespace writ::cedar {

namespace {

using ast::BinaryOperator;
using ast::Expression;

constexpr std::size_t kWidth = 80;

// How tightly an expression holds together; an operand that holds less tightly than its place asks gets parentheses.
enum class Level : int { conditional, disjunction, conjunction, relation, sum, product, unary, member };

Level level_of(BinaryOperator op) {
  switch (op) {
    case BinaryOperator::add:
    case BinaryOperator::subtract: return Level::sum;
    case BinaryOperator::multiply: return Level::product;
    case BinaryOperator::contains:
    case BinaryOperator::contains_all:
    case BinaryOperator::contains_any:
    case BinaryOperator::has_tag:
    case BinaryOperator::get_tag: return Level::member;
    default: return Level::relation;
  }
}

Level level_of(const Expression& expression) {
  return std::visit(Overloaded{
                        [](const ast::If&) { return Level::conditional; },
                        [](const ast::Or&) { return Level::disjunction; },
                        [](const ast::And&) { return Level::conjunction; },
                        [](const ast::Has&) { return Level::relation; },
                        [](const ast::Like&) { return Level::relation; },
                        [](const ast::Is&) { return Level::relation; },
                        [](const ast::Binary& node) { return level_of(node.op); },
                        [](const ast::Unary& node) { return node.op == ast::UnaryOperator::is_empty ? Level::member : Level::unary; },
                        // `-5` as an operand of a member access or another minus would be read differently.
                        [](const ast::Long& node) { return node.value < 0 ? Level::unary : Level::member; },
                        [](const ast::Constant& node) { return node.value->is(Value::Kind::integer) && node.value->as_integer() < 0 ? Level::unary : Level::member; },
                        [](const auto&) { return Level::member; },
                    },
                    expression.node);
}

class Printer {
 public:
  std::string take() { return std::move(out_); }

  void at(const Expression& expression, Level needed) {
    const bool needs_parentheses = level_of(expression) < needed;
    if (needs_parentheses) out_ += '(';
    std::visit([this](const auto& node) { on(node); }, expression.node);
    if (needs_parentheses) out_ += ')';
  }

  void name_or_quoted(std::string_view name) { out_ += is_plain_name(name) ? std::string(name) : quote(name); }

 private:
  void on(const ast::Bool& node) { out_ += node.value ? "true" : "false"; }
  void on(const ast::Long& node) { out_ += std::to_string(node.value); }
  void on(const ast::String& node) { out_ += quote(node.value); }
  void on(const ast::Entity& node) { out_ += node.uid->to_string(); }
  void on(const ast::VariableReference& node) { out_ += to_string(node.variable); }
  void on(const ast::Constant& node) { out_ += node.value->to_string(); }

  void on(const ast::And& node) { chain(node.operands, " && ", Level::relation); }
  void on(const ast::Or& node) { chain(node.operands, " || ", Level::conjunction); }
  void chain(ast::Operands operands, std::string_view separator, Level needed) {
    for (const Expression* operand : operands) {
      if (operand != operands.front()) out_ += separator;
      at(*operand, needed);
    }
  }

  void on(const ast::If& node) {
    out_ += "if ";
    at(*node.condition, Level::conditional);
    out_ += " then ";
    at(*node.then, Level::conditional);
    out_ += " else ";
    at(*node.otherwise, Level::conditional);
  }

  void on(const ast::Unary& node) {
    if (node.op == ast::UnaryOperator::is_empty) {
      at(*node.operand, Level::member);
      out_ += ".isEmpty()";
      return;
    }
    out_ += node.op == ast::UnaryOperator::not_ ? '!' : '-';
    // `-(1)` is not `-1`, and at most four operators may stand in a row: parentheses are always right.
    const bool is_literal = node.operand->as<ast::Long>() != nullptr || is_integer_constant(*node.operand);
    if (is_literal) out_ += '(';
    at(*node.operand, is_literal ? Level::conditional : Level::member);
    if (is_literal) out_ += ')';
  }
  static bool is_integer_constant(const Expression& expression) {
    const auto* constant = expression.as<ast::Constant>();
    return constant != nullptr && constant->value->is(Value::Kind::integer);
  }

  void on(const ast::Binary& node) {
    const Level level = level_of(node.op);
    if (level == Level::member) {
      at(*node.left, Level::member);
      out_ += '.';
      out_ += to_string(node.op);
      out_ += '(';
      at(*node.right, Level::conditional);
      out_ += ')';
      return;
    }
    const auto tighter = static_cast<Level>(static_cast<int>(level) + 1);
    at(*node.left, level == Level::relation ? tighter : level);
    out_ += ' ';
    out_ += to_string(node.op);
    out_ += ' ';
    at(*node.right, tighter);
  }

  void on(const ast::Attribute& node) {
    at(*node.object, Level::member);
    if (is_plain_name(node.name.text)) {
      out_ += '.';
      out_ += node.name.text;
    } else {
      out_ += '[';
      out_ += quote(node.name.text);
      out_ += ']';
    }
  }

  void on(const ast::Has& node) {
    at(*node.object, Level::sum);
    out_ += " has ";
    for (std::size_t i = 0; i < node.path.size(); ++i) {
      if (i > 0) out_ += '.';
      name_or_quoted(node.path[i].text);
    }
  }

  void on(const ast::Like& node) {
    at(*node.operand, Level::sum);
    out_ += " like \"";
    for (const PatternPiece& piece : node.pattern) {
      if (piece.is_wildcard) {
        out_ += '*';
        continue;
      }
      const std::string quoted = quote(piece.literal);
      for (const char c : std::string_view(quoted).substr(1, quoted.size() - 2)) {
        if (c == '*') out_ += '\\';
        out_ += c;
      }
    }
    out_ += '"';
  }

  void on(const ast::Is& node) {
    at(*node.operand, Level::sum);
    out_ += " is ";
    out_ += node.type->text;
    if (node.in == nullptr) return;
    out_ += " in ";
    at(*node.in, Level::sum);
  }

  void on(const ast::Set& node) { list('[', node.elements, ']'); }

  void on(const ast::Record& node) {
    if (node.fields.empty()) {
      out_ += "{}";
      return;
    }
    out_ += "{ ";
    for (const ast::Field& field : node.fields) {
      if (&field != &node.fields.front()) out_ += ", ";
      name_or_quoted(field.key.text);
      out_ += ": ";
      at(*field.value, Level::conditional);
    }
    out_ += " }";
  }

  void on(const ast::Call& node) {
    ast::Operands arguments = node.arguments;
    if (!is_constructor(node.function)) {
      at(*arguments.front(), Level::member);
      out_ += '.';
      arguments = arguments.subspan(1);
    }
    out_ += to_string(node.function);
    list('(', arguments, ')');
  }

  void list(char open, ast::Operands items, char close) {
    out_ += open;
    for (const Expression* item : items) {
      if (item != items.front()) out_ += ", ";
      at(*item, Level::conditional);
    }
    out_ += close;
  }

  std::string out_;
};

std::string print_scope(std::string_view variable, const ast::ScopeConstraint& constraint) {
  using Form = ast::ScopeConstraint::Form;
  std::string out(variable);
  const auto target = [&] { return constraint.has_slot ? "?" + std::string(variable) : constraint.entity->to_string(); };
  switch (constraint.form) {
    case Form::any: break;
    case Form::equal: out += " == " + target(); break;
    case Form::in: out += " in " + target(); break;
    case Form::is: out += " is " + std::string(constraint.type->text); break;
    case Form::is_in: out += " is " + std::string(constraint.type->text) + " in " + target(); break;
  }
  return out;
}

std::string print_action(const ast::ActionConstraint& constraint) {
  using Form = ast::ActionConstraint::Form;
  std::string out = "action";
  if (constraint.form == Form::any) return out;
  out += constraint.form == Form::equal ? " == " : " in ";
  if (constraint.is_list) out += '[';
  for (std::size_t i = 0; i < constraint.entities.size(); ++i) out += (i == 0 ? "" : ", ") + constraint.entities[i].entity->to_string();
  if (constraint.is_list) out += ']';
  return out;
}

// The clause on one line where it fits, else its body on lines of its own, one per operand of the outermost chain.
std::string print_clause(const ast::Clause& clause) {
  const std::string word = clause.kind == ast::Clause::Kind::when ? "when" : "unless";
  const std::string body = print(*clause.body);
  if (word.size() + body.size() + 5 <= kWidth) return word + " { " + body + " }";
  std::string out = word + "\n{\n";
  const auto* conjunction = clause.body->as<ast::And>();
  const auto* disjunction = clause.body->as<ast::Or>();
  if (conjunction == nullptr && disjunction == nullptr) return out + "  " + body + "\n}";
  const ast::Operands operands = conjunction != nullptr ? conjunction->operands : disjunction->operands;
  for (const Expression* operand : operands) {
    Printer printer;
    printer.at(*operand, conjunction != nullptr ? Level::relation : Level::conjunction);
    out += "  " + printer.take();
    if (operand != operands.back()) out += conjunction != nullptr ? " &&" : " ||";
    out += '\n';
  }
  return out + "}";
}

}  // namespace

std::string print(const ast::Expression& expression) {
  Printer printer;
  printer.at(expression, Level::conditional);
  return printer.take();
}

std::string print(const ast::Policy& policy) {
  using Form = ast::ScopeConstraint::Form;
  std::string out;
  for (const ast::Annotation& annotation : policy.annotations) {
    out += "@" + std::string(annotation.key.text);
    if (annotation.value) out += "(" + quote(*annotation.value) + ")";
    out += '\n';
  }
  out += to_string(policy.effect);
  const bool is_open = policy.principal.form == Form::any && policy.action.form == ast::ActionConstraint::Form::any && policy.resource.form == Form::any;
  const std::array<std::string, 3> scope{print_scope("principal", policy.principal), print_action(policy.action), print_scope("resource", policy.resource)};
  out += is_open ? " (" + scope[0] + ", " + scope[1] + ", " + scope[2] + ")" : " (\n  " + scope[0] + ",\n  " + scope[1] + ",\n  " + scope[2] + "\n)";
  for (const ast::Clause& clause : policy.clauses) out += "\n" + print_clause(clause);
  return out + ";";
}

std::string print(const ast::Policies& policies) {
  std::string out;
  for (const ast::Policy& policy : policies.policies) out += (out.empty() ? "" : "\n") + print(policy) + "\n";
  return out;
}

}  // namespace writ::cedar
