#include "cedar/context_shapes.h"

#include <algorithm>
#include <optional>

namespace writ::cedar {

namespace {

using Path = std::vector<std::string_view>;

class ReadsFinder {
 public:
  void visit(const ast::Expression& at) {
    if (const auto* variable = at.as<ast::VariableReference>()) {
      reads_.reads_action = reads_.reads_action || variable->variable == ast::Variable::action;
      if (variable->variable == ast::Variable::context) reads_.paths.emplace_back();
      return;
    }
    if (at.as<ast::Attribute>() != nullptr) {
      if (auto path = path_to(at)) return reads_.paths.push_back(std::move(*path));
    } else if (const auto* has = at.as<ast::Has>()) {
      if (auto path = path_to(*has->object)) {
        for (const ast::Name& name : has->path) path->push_back(name.text);
        return reads_.paths.push_back(std::move(*path));
      }
    }
    ast::for_each_child(at, [this](const ast::Expression& child) { visit(child); });
  }

  ContextReads take() {
    std::sort(reads_.paths.begin(), reads_.paths.end());
    reads_.paths.erase(std::unique(reads_.paths.begin(), reads_.paths.end()), reads_.paths.end());
    return std::move(reads_);
  }

 private:
  // Of `context`, `context.a`, `context.a.b` …; nothing for anything else.
  static std::optional<Path> path_to(const ast::Expression& expression) {
    Path path;
    const ast::Expression* at = &expression;
    while (const auto* attribute = at->as<ast::Attribute>()) {
      path.push_back(attribute->name.text);
      at = attribute->object;
    }
    const auto* variable = at->as<ast::VariableReference>();
    if (variable == nullptr || variable->variable != ast::Variable::context) return std::nullopt;
    std::reverse(path.begin(), path.end());
    return path;
  }

  ContextReads reads_;
};

// Everything that the type checker can learn along the path: which attributes are there, which are required, and the type at the end.
void append_shape(const Type& context, const std::vector<std::string_view>& path, std::vector<std::uint64_t>& shape) {
  const Type* type = &context;
  for (const std::string_view name : path) {
    if (!type->is(Type::Kind::record)) break;   // entities lead out of the context
    const AttributeType* attribute = type->find(name);
    shape.push_back(attribute == nullptr ? 0 : attribute->is_required ? 1 : 2);
    if (attribute == nullptr) return;
    type = attribute->type;
  }
  // Types of one schema are the same exactly when they are the same object.
  shape.push_back(reinterpret_cast<std::uintptr_t>(type));
}

}  // namespace

ContextReads find_context_reads(const ast::Policy& policy) {
  ReadsFinder finder;
  for (const ast::Clause& clause : policy.clauses) finder.visit(*clause.body);
  return finder.take();
}

const std::vector<std::uint32_t>& ContextShapes::along(const std::vector<std::vector<std::string_view>>& paths) {
  constexpr std::size_t kKnownMax = 64;
  std::vector<std::vector<std::string>> owned;
  for (const Path& path : paths) owned.emplace_back(path.begin(), path.end());
  const auto found = known_.find(owned);
  if (found != known_.end()) return found->second;
  if (known_.size() >= kKnownMax) known_.clear();
  return known_.emplace(std::move(owned), compute(paths)).first->second;
}

std::vector<std::uint32_t> ContextShapes::compute(const std::vector<std::vector<std::string_view>>& paths) const {
  std::map<std::vector<std::uint64_t>, std::uint32_t> numbers;
  std::vector<std::uint32_t> of_actions;
  for (const Action* action : schema_.actions()) {
    std::vector<std::uint64_t> shape;
    for (const Path& path : paths) append_shape(*action->context, path, shape);
    of_actions.push_back(numbers.emplace(std::move(shape), static_cast<std::uint32_t>(numbers.size())).first->second);
  }
  return of_actions;
}

}  // namespace writ::cedar
