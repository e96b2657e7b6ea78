// Whether an entity's new parents could lift a forbid. Read off the text, so for every question and not only the one that is asked.

#include <algorithm>

#include "policy/smallest_change.h"

namespace writ::policy {
namespace {

using cedar::ast::Expression;
namespace ast = cedar::ast;

enum class Sign { positive, negative, unclear };

Sign flipped(Sign sign) {
  if (sign == Sign::unclear) return sign;
  return sign == Sign::positive ? Sign::negative : Sign::positive;
}

class Finder {
 public:
  explicit Finder(const std::vector<cedar::EntityUid>& gained) : gained_(gained) {}

  // Whether one of the entities stands where becoming true could make the whole false.
  bool finds(const Expression& at, Sign sign) const {
    if (const auto* entity = at.as<ast::Entity>()) return sign != Sign::positive && is_gained(*entity->uid);
    if (const auto* unary = at.as<ast::Unary>(); unary && unary->op == ast::UnaryOperator::not_) return finds(*unary->operand, flipped(sign));
    if (at.as<ast::And>() || at.as<ast::Or>()) return below(at, sign);
    if (const auto* choice = at.as<ast::If>()) return finds(*choice->condition, Sign::unclear) || finds(*choice->then, sign) || finds(*choice->otherwise, sign);
    if (const auto* is = at.as<ast::Is>()) return is->in && finds_right_of_in(*is->in, sign);
    if (const auto* binary = at.as<ast::Binary>(); binary && binary->op == ast::BinaryOperator::in) {
      return finds(*binary->left, Sign::unclear) || finds_right_of_in(*binary->right, sign);
    }
    return below(at, Sign::unclear);
  }

 private:
  bool finds_right_of_in(const Expression& at, Sign sign) const {
    if (at.as<ast::Entity>()) return finds(at, sign);
    if (at.as<ast::Set>()) return below(at, sign);
    return finds(at, Sign::unclear);
  }
  bool below(const Expression& at, Sign sign) const {
    bool found = false;
    ast::for_each_child(at, [&](const Expression& child) { found = found || finds(child, sign); });
    return found;
  }
  bool is_gained(const cedar::EntityUid& uid) const {
    return std::any_of(gained_.begin(), gained_.end(), [&](const cedar::EntityUid& one) { return one == uid; });
  }

  const std::vector<cedar::EntityUid>& gained_;
};

}  // namespace

bool could_weaken(const cedar::PolicySet& policies, const std::vector<cedar::EntityUid>& gained) {
  const Finder finder(gained);
  for (const cedar::CompiledPolicy& policy : policies.policies()) {
    if (policy.effect() != ast::Effect::forbid) continue;
    // The tree as written: constants may have been computed away in what is evaluated. A scope only ever matches more.
    for (const ast::Clause& clause : policy.tree().clauses) {
      if (finder.finds(*clause.body, clause.kind == ast::Clause::Kind::when ? Sign::positive : Sign::negative)) return true;
    }
  }
  return false;
}

}  // namespace writ::policy
