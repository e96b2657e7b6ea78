#include "cedar/scope_types.h"

#include <algorithm>

namespace writ::cedar {

namespace {

std::vector<const Action*> admitted_actions(const ast::ActionConstraint& constraint, const Schema& schema) {
  if (constraint.form == ast::ActionConstraint::Form::any) return {schema.actions().begin(), schema.actions().end()};
  std::vector<const Action*> actions;
  for (const ast::ActionConstraint::Listed& listed : constraint.entities) {
    const Action* action = schema.find_action(*listed.entity);
    if (action == nullptr) return {};
    actions.push_back(action);
    if (constraint.form == ast::ActionConstraint::Form::in) actions.insert(actions.end(), action->descendants.begin(), action->descendants.end());
  }
  if (constraint.entities.size() == 1 && constraint.form == ast::ActionConstraint::Form::equal) return actions;
  std::sort(actions.begin(), actions.end(), [](const Action* a, const Action* b) { return a->index < b->index; });
  actions.erase(std::unique(actions.begin(), actions.end()), actions.end());
  return actions;
}

}  // namespace

ScopeTypes::Admitted::Admitted(const ast::ScopeConstraint& constraint, const Schema& schema) {
  using Form = ast::ScopeConstraint::Form;
  const auto find = [&](std::string_view name) {
    const EntityType* type = schema.find_type(name);
    is_undeclared_ = is_undeclared_ || type == nullptr;
    return type;
  };
  if (constraint.type != nullptr) exact_ = find(constraint.type->text);
  if (constraint.entity == nullptr) return;   // nothing more, or a slot that may be filled with anything
  const EntityType* type = find(constraint.entity->type());
  if (constraint.form == Form::equal) exact_ = type;
  else above_ = type;
}

bool ScopeTypes::Admitted::admits(const EntityType& type) const {
  if (is_undeclared_ || (exact_ != nullptr && exact_ != &type)) return false;
  return above_ == nullptr || above_ == &type || type.may_be_below(*above_);
}

ScopeTypes::ScopeTypes(const ast::Policy& policy, const Schema& schema)
    : principal_(policy.principal, schema), resource_(policy.resource, schema), actions_(admitted_actions(policy.action, schema)) {}

bool ScopeTypes::has_applicable_action() const {
  return std::any_of(actions_.begin(), actions_.end(), [this](const Action* action) {
    return std::any_of(action->principals.begin(), action->principals.end(), [this](const EntityType* type) { return admits_principal(*type); }) &&
           std::any_of(action->resources.begin(), action->resources.end(), [this](const EntityType* type) { return admits_resource(*type); });
  });
}

}  // namespace writ::cedar
