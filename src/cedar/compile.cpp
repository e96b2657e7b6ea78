#include "cedar/compile.h"

#include <algorithm>

#include "base/overloaded.h"
#include "cedar/evaluate.h"

namespace writ::cedar {

namespace {

using ast::Expression;

bool is_constant(const Expression& expression) {
  return expression.as<ast::Bool>() || expression.as<ast::Long>() || expression.as<ast::String>() || expression.as<ast::Entity>() ||
         expression.as<ast::Constant>();
}

class Folder {
 public:
  explicit Folder(Arena& arena) : arena_(arena), evaluator_(nothing_, no_entities_, arena) {}

  const Expression* fold(const Expression& at) {
    return std::visit(Overloaded{
                          [&](const ast::And& node) { return rebuild(at, ast::And{all(node.operands)}); },
                          [&](const ast::Or& node) { return rebuild(at, ast::Or{all(node.operands)}); },
                          [&](const ast::If& node) { return rebuild(at, ast::If{fold(*node.condition), fold(*node.then), fold(*node.otherwise)}); },
                          [&](const ast::Unary& node) { return rebuild(at, ast::Unary{node.op, fold(*node.operand)}); },
                          [&](const ast::Binary& node) { return rebuild(at, ast::Binary{node.op, fold(*node.left), fold(*node.right)}); },
                          [&](const ast::Attribute& node) { return rebuild(at, ast::Attribute{fold(*node.object), node.name}); },
                          [&](const ast::Has& node) { return rebuild(at, ast::Has{fold(*node.object), node.path}); },
                          [&](const ast::Like& node) { return rebuild(at, ast::Like{fold(*node.operand), node.pattern}); },
                          [&](const ast::Is& node) { return rebuild(at, ast::Is{fold(*node.operand), node.type, node.in == nullptr ? nullptr : fold(*node.in)}); },
                          [&](const ast::Set& node) { return compute(rebuild(at, ast::Set{all(node.elements)})); },
                          [&](const ast::Record& node) { return compute(rebuild(at, ast::Record{fields(node.fields)})); },
                          [&](const ast::Call& node) { return compute(rebuild(at, ast::Call{node.function, all(node.arguments)})); },
                          [&](const auto&) { return &at; },
                      },
                      at.node);
  }

 private:
  ast::Operands all(ast::Operands operands) {
    std::vector<const Expression*> folded;
    bool changed = false;
    for (const Expression* operand : operands) {
      folded.push_back(fold(*operand));
      changed = changed || folded.back() != operand;
    }
    return changed ? arena_.copy(folded) : operands;
  }

  std::span<const ast::Field> fields(std::span<const ast::Field> fields) {
    std::vector<ast::Field> folded(fields.begin(), fields.end());
    bool changed = false;
    for (ast::Field& field : folded) {
      const Expression* value = fold(*field.value);
      changed = changed || value != field.value;
      field.value = value;
    }
    return changed ? arena_.copy(folded) : fields;
  }

  // The expression itself when none of its children changed.
  const Expression* rebuild(const Expression& at, ast::Expression::Node node) {
    std::vector<const Expression*> before, after;
    ast::for_each_child(at, [&before](const Expression& child) { before.push_back(&child); });
    const Expression rebuilt{node, at.span, at.depth};
    ast::for_each_child(rebuilt, [&after](const Expression& child) { after.push_back(&child); });
    return before == after ? &at : arena_.make<Expression>(rebuilt);
  }

  const Expression* compute(const Expression* expression) {
    bool is_all_constant = true;
    ast::for_each_child(*expression, [&](const Expression& child) { is_all_constant = is_all_constant && is_constant(child); });
    if (!is_all_constant) return expression;
    const auto value = evaluator_.evaluate(*expression);
    if (!value) return expression;
    return arena_.make<Expression>(Expression{ast::Constant{arena_.make<Value>(*value)}, expression->span, 1});
  }

  Arena& arena_;
  const Request nothing_;
  const Entities no_entities_;
  Evaluator evaluator_;
};

// The variable and the attributes after it, when the expression is nothing else.
bool find_path(const Expression& expression, ast::Variable& variable, std::vector<std::string_view>& names) {
  if (const auto* reference = expression.as<ast::VariableReference>()) return variable = reference->variable, true;
  const auto* attribute = expression.as<ast::Attribute>();
  if (attribute == nullptr || !find_path(*attribute->object, variable, names)) return false;
  names.push_back(attribute->name.text);
  return true;
}

}  // namespace

const Expression* fold_constants(const Expression& expression, Arena& arena) { return Folder(arena).fold(expression); }

void collect_reads(const Expression& expression, Arena& arena, std::vector<AttributePath>& paths) {
  ast::Variable variable{};
  std::vector<std::string_view> names;
  const auto add = [&] {
    const AttributePath path{variable, arena.copy(names)};
    if (std::find(paths.begin(), paths.end(), path) == paths.end()) paths.push_back(path);
  };
  if (find_path(expression, variable, names)) return add();
  names.clear();
  if (const auto* has = expression.as<ast::Has>(); has != nullptr && find_path(*has->object, variable, names)) {
    for (const ast::Name& name : has->path) names.push_back(name.text);
    return add();
  }
  ast::for_each_child(expression, [&](const Expression& child) { collect_reads(child, arena, paths); });
}

}  // namespace writ::cedar
