#include "policy/preview/mentions.h"

#include <algorithm>

#include "policy/vocabulary.h"

namespace writ::policy::preview {
namespace {

using namespace cedar::ast;

bool is_principal(const Expression& expression) {
  const auto* node = expression.as<VariableReference>();
  return node && node->variable == Variable::principal;
}

class Walk {
 public:
  explicit Walk(Mentions& mentions) : mentions_(mentions) {}

  void over(const cedar::ast::Policy& policy) {
    if (policy.principal.entity) note(*policy.principal.entity);
    if (policy.resource.entity) note(*policy.resource.entity);
    for (const auto& listed : policy.action.entities) note(*listed.entity);
    for (const Clause& clause : policy.clauses) over(*clause.body, false);
  }

 private:
  void note(const cedar::EntityUid& uid) { mentions_.entities[std::string(uid.type())].emplace(uid.id()); }

  // `is_compared`: the value is only told equal from different, or is looked up in a hierarchy as the one that contains.
  void over(const Expression& expression, bool is_compared) {
    if (const auto* entity = expression.as<Entity>()) {
      note(*entity->uid);
      if (!is_compared && entity->uid->type() == kUserType) mentions_.users_looked_into.emplace(entity->uid->id());
      return;
    }
    if (is_principal(expression)) {
      if (!is_compared) mentions_.all_attributes = mentions_.all_tags = true;
      return;
    }
    if (const auto* node = expression.as<Attribute>(); node && is_principal(*node->object)) {
      mentions_.attributes.emplace(node->name.text);
      return;
    }
    if (const auto* node = expression.as<Has>(); node && is_principal(*node->object)) {
      mentions_.attributes.emplace(node->path.front().text);
      return;
    }
    if (const auto* node = expression.as<Is>(); node && is_principal(*node->operand)) {
      if (node->in) over(*node->in, true);
      return;
    }
    if (const auto* node = expression.as<Binary>()) return over(*node);
    const bool keeps = expression.as<Set>() != nullptr && is_compared;
    for_each_child(expression, [&](const Expression& child) { over(child, keeps); });
  }

  void over(const Binary& node) {
    switch (node.op) {
      case BinaryOperator::equal:
      case BinaryOperator::not_equal:
      case BinaryOperator::contains:
      case BinaryOperator::contains_all:
      case BinaryOperator::contains_any:
        over(*node.left, true);
        return over(*node.right, true);
      case BinaryOperator::in:
        // Of what is in something the ancestors are read; the principal's are always looked at.
        over(*node.left, is_principal(*node.left));
        return over(*node.right, true);
      case BinaryOperator::has_tag:
      case BinaryOperator::get_tag:
        if (is_principal(*node.left)) {
          if (const auto* key = node.right->as<String>()) return void(mentions_.tags.emplace(key->value));
          mentions_.all_tags = true;
          return over(*node.right, false);
        }
        [[fallthrough]];
      default:
        over(*node.left, false);
        over(*node.right, false);
    }
  }

  Mentions& mentions_;
};

}  // namespace

const std::set<std::string>& Mentions::of(std::string_view type) const {
  static const std::set<std::string> kNone;
  const auto found = entities.find(type);
  return found == entities.end() ? kNone : found->second;
}

void add_mentions(const CedarPolicy& policy, Mentions& mentions) {
  Walk walk(mentions);
  for (const auto& compiled : policy.policies().policies()) walk.over(compiled.tree());
}

bool mentions_principal(const Expression& expression) {
  if (is_principal(expression)) return true;
  bool found = false;
  for_each_child(expression, [&](const Expression& child) { found = found || mentions_principal(child); });
  return found;
}

}  // namespace writ::policy::preview
