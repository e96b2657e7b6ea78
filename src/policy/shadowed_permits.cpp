#include <algorithm>

#include "policy/policy_warnings.h"

namespace writ::policy {
namespace {

using cedar::EntityUid;
namespace ast = cedar::ast;

// What is in what, as far as the objects say. Everything that it does not know is in itself alone, which claims too little and never too much.
class Hierarchy {
 public:
  explicit Hierarchy(const registry::Snapshot& snapshot) : snapshot_(snapshot) {}

  bool is_in(const EntityUid& entity, const EntityUid& ancestor) const {
    if (entity == ancestor) return true;
    const std::string id(entity.id());
    const std::string_view type = entity.type();
    if (type == kGroupType) return group_is_in(id, ancestor, 0);
    if (type == kUserType) {
      const auto* user = snapshot_.user(id);
      if (!user || ancestor.type() != kGroupType) return false;
      const auto& groups = snapshot_.groups_of(*user);
      return std::find(groups.begin(), groups.end(), ancestor.id()) != groups.end();
    }
    if (type == kServerType) {
      const auto* server = snapshot_.server(id);
      return server && ancestor.type() == kServerGroupType && std::find(server->groups.begin(), server->groups.end(), ancestor.id()) != server->groups.end();
    }
    // A scope, tool, resource or prompt is at its server.
    if (type == kScopeType || type == kToolType || type == kResourceType || type == kPromptType) {
      const auto slash = id.find('/');
      return slash != std::string::npos && is_in(EntityUid(kServerType, std::string_view(id).substr(0, slash)), ancestor);
    }
    if (type == kActionType) {
      const bool is_tool = id.find('/') != std::string::npos;
      const bool in_use = is_tool || id == "call" || id == "read_resource" || id == "subscribe" || id == "get_prompt" || id == "complete";
      return ancestor.type() == kActionType && ((in_use && ancestor.id() == "use") || (is_tool && ancestor.id() == "call"));
    }
    return false;
  }

 private:
  bool group_is_in(const std::string& id, const EntityUid& ancestor, int depth) const {
    const auto* group = snapshot_.group(id);
    if (!group || ancestor.type() != kGroupType || depth > 100) return false;
    return std::any_of(group->parents.begin(), group->parents.end(), [&](const std::string& parent) { return parent == ancestor.id() || group_is_in(parent, ancestor, depth + 1); });
  }

  const registry::Snapshot& snapshot_;
};

// Whether everything that `inner` lets through, `outer` lets through.
bool covers(const ast::ScopeConstraint& outer, const ast::ScopeConstraint& inner, const Hierarchy& hierarchy) {
  using Form = ast::ScopeConstraint::Form;
  const bool type_fits = outer.type == nullptr || (inner.type && inner.type->text == outer.type->text) || (inner.form == Form::equal && inner.entity->type() == outer.type->text);
  switch (outer.form) {
    case Form::any: return true;
    case Form::is: return type_fits;
    case Form::equal: return inner.form == Form::equal && *inner.entity == *outer.entity;
    case Form::in:
    case Form::is_in: return type_fits && inner.entity && hierarchy.is_in(*inner.entity, *outer.entity);
  }
  return false;
}

bool covers(const ast::ActionConstraint& outer, const ast::ActionConstraint& inner, const Hierarchy& hierarchy) {
  using Form = ast::ActionConstraint::Form;
  if (outer.form == Form::any) return true;
  if (inner.form == Form::any) return false;
  return std::all_of(inner.entities.begin(), inner.entities.end(), [&](const auto& one) {
    return std::any_of(outer.entities.begin(), outer.entities.end(), [&](const auto& above) {
      if (*one.entity == *above.entity) return outer.form == Form::in || inner.form == Form::equal;
      return outer.form == Form::in && hierarchy.is_in(*one.entity, *above.entity);
    });
  });
}

void conjuncts_of(const ast::Expression& expression, std::vector<const ast::Expression*>& conjuncts) {
  if (const auto* all = expression.as<ast::And>()) {
    for (const auto* operand : all->operands) conjuncts_of(*operand, conjuncts);
  } else {
    conjuncts.push_back(&expression);
  }
}

// Whether whatever satisfies the permit's clauses satisfies the forbid's, or makes it fail, which denies as well (rules §4.1).
bool implies(const ast::Policy& permit, const ast::Policy& forbid) {
  std::vector<const ast::Expression*> given;   // all of them hold where the permit does
  for (const auto& clause : permit.clauses) {
    if (clause.kind == ast::Clause::Kind::when) conjuncts_of(*clause.body, given);
  }
  const auto is_given = [&](const ast::Expression& wanted) { return std::any_of(given.begin(), given.end(), [&](const auto* one) { return ast::is_same(*one, wanted); }); };
  for (const auto& clause : forbid.clauses) {
    if (clause.kind == ast::Clause::Kind::unless) {
      const bool also_unless = std::any_of(permit.clauses.begin(), permit.clauses.end(), [&](const auto& other) { return other.kind == ast::Clause::Kind::unless && ast::is_same(*other.body, *clause.body); });
      if (!also_unless) return false;
      continue;
    }
    std::vector<const ast::Expression*> wanted;
    conjuncts_of(*clause.body, wanted);
    for (const auto* one : wanted) {
      const auto* either = one->as<ast::Or>();
      const bool holds = is_given(*one) || (either && std::any_of(either->operands.begin(), either->operands.end(), [&](const auto* operand) { return is_given(*operand); }));
      if (!holds) return false;
    }
  }
  return true;
}

}  // namespace

void find_shadowed_permits(const CedarPolicy& policies, const registry::Snapshot& snapshot, std::vector<PolicyProblem>& found) {
  const Hierarchy hierarchy(snapshot);
  std::vector<const cedar::CompiledPolicy*> forbids;
  for (const auto& policy : policies.policies().policies()) {
    // One that an approval lifts does not stand in the way for ever.
    if (policy.effect() == ast::Effect::forbid && !policy.annotation("require_approval")) forbids.push_back(&policy);
  }
  for (const auto& policy : policies.policies().policies()) {
    if (policy.effect() != ast::Effect::permit || is_silenced(policy, kPermitShadowed)) continue;
    const ast::Policy& permit = policy.tree();
    const auto shadowing = std::find_if(forbids.begin(), forbids.end(), [&](const cedar::CompiledPolicy* one) {
      const ast::Policy& forbid = one->tree();
      return covers(forbid.principal, permit.principal, hierarchy) && covers(forbid.action, permit.action, hierarchy) && covers(forbid.resource, permit.resource, hierarchy) &&
             implies(permit, forbid);
    });
    if (shadowing == forbids.end()) continue;
    const PolicyPlace& at = policies.place(**shadowing);
    const std::string what = policies.place(policy).file == "grants.yaml" ? "what this row permits here is always forbidden" : "this permit never allows anything: it is always forbidden";
    found.push_back(warning_at(policies, policy, permit.span, what + " by `" + std::string((*shadowing)->id()) + "` (" + at.file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ")",
                               "", kPermitShadowed));
  }
}

}  // namespace writ::policy
