#include "cedar/partial.h"

#include <algorithm>

#include "cedar/authorize.h"
#include "cedar/partial_evaluator.h"

namespace writ::cedar {

namespace {

// A test of the scope cannot fail: yes, no, or not known.
enum class Match : std::uint8_t { no, yes, not_known };

Match is_in(const EntityUid& uid, const StoredEntity* stored, const EntityUid& ancestor) {
  return uid == ancestor || (stored != nullptr && stored->has_ancestor(ancestor)) ? Match::yes : Match::no;
}

Match match(const ast::ScopeConstraint& constraint, const PartialEntity& entity, const StoredEntity* stored) {
  using Form = ast::ScopeConstraint::Form;
  if (constraint.form == Form::any) return Match::yes;
  const bool tests_type = constraint.form == Form::is || constraint.form == Form::is_in;
  const std::string_view type = entity.uid ? entity.uid->type() : entity.type;
  if (tests_type) {
    if (type.empty()) return Match::not_known;
    if (type != constraint.type->text) return Match::no;
    if (constraint.form == Form::is) return Match::yes;
  }
  if (!entity.uid) {
    // An entity of another type is not this one.
    return constraint.form == Form::equal && !type.empty() && type != constraint.entity->type() ? Match::no : Match::not_known;
  }
  if (constraint.form == Form::equal) return *entity.uid == *constraint.entity ? Match::yes : Match::no;
  return is_in(*entity.uid, stored, *constraint.entity);
}

Outcomes outcomes_of(Possible possible) {
  return {possible.has(Possible::true_()), possible.has(Possible::false_()), possible.has(Possible::error())};
}

class PartialAuthorizer {
 public:
  PartialAuthorizer(const Entities& entities, const PartialRequest& request, Arena& arena)
      : request_(request),
        arena_(arena),
        evaluator_(request, entities, arena),
        principal_(request.principal.uid ? entities.find(*request.principal.uid) : nullptr),
        resource_(request.resource.uid ? entities.find(*request.resource.uid) : nullptr),
        action_(entities.find(request.action)) {}

  ResidualPolicy decide(const CompiledPolicy& policy) {
    ResidualPolicy result{&policy, {}, policy.tree(), {}};
    result.residual.clauses = {};
    const Match principal = match(policy.tree().principal, request_.principal, principal_);
    const Match resource = match(policy.tree().resource, request_.resource, resource_);
    if (principal == Match::no || resource == Match::no || !matches_action(policy.tree().action)) {
      result.outcomes.may_not_be_satisfied = true;
      return result;
    }
    if (principal == Match::yes) result.residual.principal = {};
    if (resource == Match::yes) result.residual.resource = {};
    result.residual.action = {};

    Possible total;
    std::vector<ast::Clause> remaining;
    bool continues = true;
    for (const ast::Clause& clause : policy.clauses()) {
      const PartialResult body = evaluator_.evaluate(*clause.body);
      const Possible condition = body.possible.as_condition();
      const Possible passes = clause.kind == ast::Clause::Kind::when ? Possible::true_() : Possible::false_();
      const Possible stops = clause.kind == ast::Clause::Kind::when ? Possible::false_() : Possible::true_();
      continues = condition.has(passes);
      if (condition.has(stops)) total = total | Possible::false_();
      total = total | condition.only(Possible::error());
      if (condition == passes) continue;
      remaining.push_back({clause.kind, body.residual, clause.span});
      if (!continues) break;
    }
    if (continues) total = total | Possible::true_();
    result.where_scope_matches = outcomes_of(total);
    if (principal == Match::not_known || resource == Match::not_known) total = total | Possible::false_();
    result.outcomes = outcomes_of(total);
    result.residual.clauses = arena_.copy(remaining);
    return result;
  }

 private:
  bool matches_action(const ast::ActionConstraint& constraint) const {
    using Form = ast::ActionConstraint::Form;
    if (constraint.form == Form::any) return true;
    return std::ranges::any_of(constraint.entities, [&](const auto& listed) {
      if (constraint.form == Form::equal) return request_.action == *listed.entity;
      return is_in(request_.action, action_, *listed.entity) == Match::yes;
    });
  }

  const PartialRequest& request_;
  Arena& arena_;
  PartialEvaluator evaluator_;
  const StoredEntity* principal_;
  const StoredEntity* resource_;
  const StoredEntity* action_;
};

PartialDecision decision_of(std::span<const ResidualPolicy> policies) {
  const auto is = [&](ast::Effect effect, auto test) {
    return std::ranges::any_of(policies, [&](const ResidualPolicy& each) { return each.policy->effect() == effect && test(each.outcomes); });
  };
  const auto certainly = [](const Outcomes& outcomes) { return outcomes.is_certainly_satisfied(); };
  const auto perhaps = [](const Outcomes& outcomes) { return outcomes.may_be_satisfied; };
  if (is(ast::Effect::forbid, certainly) || !is(ast::Effect::permit, perhaps)) return PartialDecision::deny;
  if (is(ast::Effect::permit, certainly) && !is(ast::Effect::forbid, perhaps)) return PartialDecision::allow;
  return PartialDecision::undecided;
}

}  // namespace

PartialValue PartialValue::known(const Value& value) {
  PartialValue partial;
  partial.kind_ = Kind::known;
  partial.value_ = value;
  return partial;
}

PartialValue PartialValue::entity_of_type(std::string_view type) {
  PartialValue partial;
  partial.kind_ = Kind::entity;
  partial.type_ = type;
  return partial;
}

PartialValue PartialValue::record(Arena& arena, std::vector<PartialMember> members, Others others) {
  PartialValue partial;
  partial.kind_ = Kind::record;
  partial.others_ = others;
  std::sort(members.begin(), members.end(), [](const PartialMember& a, const PartialMember& b) { return a.key < b.key; });
  const auto same_key = [](const PartialMember& a, const PartialMember& b) { return a.key == b.key; };
  assert(std::adjacent_find(members.begin(), members.end(), same_key) == members.end());
  (void)same_key;
  for (PartialMember& member : members) member.key = arena.copy(member.key);
  partial.members_ = arena.copy(members);
  return partial;
}

const PartialMember* PartialValue::find(std::string_view key) const {
  const auto found = std::lower_bound(members_.begin(), members_.end(), key, [](const PartialMember& member, std::string_view k) { return member.key < k; });
  return found != members_.end() && found->key == key ? &*found : nullptr;
}

ResidualPolicy evaluate_partially(const CompiledPolicy& policy, const Entities& entities, const PartialRequest& request, Arena& arena) {
  return PartialAuthorizer(entities, request, arena).decide(policy);
}

PartialAnswer authorize_partially(const PolicySet& policies, const Entities& entities, const PartialRequest& request, Arena& arena) {
  PartialAuthorizer authorizer(entities, request, arena);
  std::vector<ResidualPolicy> results;
  const ScopeIndex& index = policies.index();
  const auto part = [&](const PartialEntity& entity) { return ScopeIndex::Part{entity.uid ? &*entity.uid : nullptr, entity.uid ? entities.find(*entity.uid) : nullptr}; };
  const PartialMember* indexed = request.context.kind() == PartialValue::Kind::record ? request.context.find(index.context_attribute()) : nullptr;
  const Value* context_value = indexed != nullptr && indexed->value.is_known() && !indexed->may_be_absent ? &indexed->value.value() : nullptr;
  if (request.context.is_known() && request.context.value().is(Value::Kind::record)) context_value = request.context.value().find(index.context_attribute());
  index.for_each_possible(part(request.principal), {&request.action, entities.find(request.action)}, part(request.resource), context_value,
                          [&](std::uint32_t number) {
                            const ResidualPolicy result = authorizer.decide(policies.policies()[number]);
                            if (!result.outcomes.is_certainly_not_satisfied()) results.push_back(result);
                          });
  std::sort(results.begin(), results.end(), [](const ResidualPolicy& a, const ResidualPolicy& b) { return a.policy < b.policy; });
  return {decision_of(results), arena.copy(results)};
}

}  // namespace writ::cedar
