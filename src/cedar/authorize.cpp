#include "cedar/authorize.h"

#include <algorithm>

namespace writ::cedar {

namespace {

// Grows inside the arena.
template <class T>
class ArenaVector {
 public:
  explicit ArenaVector(Arena& arena) : arena_(arena) {}
  void push_back(const T& item) {
    if (size_ == items_.size()) {
      const auto larger = arena_.make_array<T>(std::max<std::size_t>(8, items_.size() * 2));
      std::copy_n(items_.begin(), size_, larger.begin());
      items_ = larger;
    }
    items_[size_++] = item;
  }
  std::span<T> items() const { return items_.first(size_); }

 private:
  Arena& arena_;
  std::span<T> items_;
  std::size_t size_ = 0;
};

bool is_in(const EntityUid& uid, const StoredEntity* stored, const EntityUid& ancestor) {
  return uid == ancestor || (stored != nullptr && stored->has_ancestor(ancestor));
}

bool matches(const ast::ScopeConstraint& constraint, const EntityUid& uid, const StoredEntity* stored) {
  using Form = ast::ScopeConstraint::Form;
  switch (constraint.form) {
    case Form::any: return true;
    case Form::equal: return uid == *constraint.entity;
    case Form::in: return is_in(uid, stored, *constraint.entity);
    case Form::is: return uid.type() == constraint.type->text;
    case Form::is_in: return uid.type() == constraint.type->text && is_in(uid, stored, *constraint.entity);
  }
  return false;
}

bool matches(const ast::ActionConstraint& constraint, const EntityUid& uid, const StoredEntity* stored) {
  using Form = ast::ActionConstraint::Form;
  switch (constraint.form) {
    case Form::any: return true;
    case Form::equal: return uid == *constraint.entities[0].entity;
    case Form::in: return std::ranges::any_of(constraint.entities, [&](const auto& listed) { return is_in(uid, stored, *listed.entity); });
  }
  return false;
}

}  // namespace

RequestEntities find_request_entities(const Entities& entities, const Request& request) {
  return {entities.find(request.principal), entities.find(request.action), entities.find(request.resource)};
}

bool matches_scope(const ast::Policy& policy, const RequestEntities& stored, const Request& request) {
  return matches(policy.principal, request.principal, stored.principal) && matches(policy.action, request.action, stored.action) &&
         matches(policy.resource, request.resource, stored.resource);
}

Result<bool, EvaluationError> is_satisfied(const CompiledPolicy& policy, const RequestEntities& stored, const Request& request, Evaluator& evaluator) {
  if (!matches_scope(policy.tree(), stored, request)) return false;
  for (const ast::Clause& clause : policy.clauses()) {
    const bool holds = TRY(evaluator.evaluate_bool(*clause.body));
    if (holds != (clause.kind == ast::Clause::Kind::when)) return false;
  }
  return true;
}

Answer authorize(const PolicySet& policies, const Entities& entities, const Request& request, Arena& arena) {
  const RequestEntities stored = find_request_entities(entities, request);
  Evaluator evaluator(request, entities, arena);
  ArenaVector<const CompiledPolicy*> permits(arena), forbids(arena);
  ArenaVector<PolicyError> errors(arena);
  policies.index().for_each_candidate(request, stored, [&](std::uint32_t number) {
    const CompiledPolicy& policy = policies.policies()[number];
    const auto satisfied = is_satisfied(policy, stored, request, evaluator);
    if (!satisfied) {
      errors.push_back({&policy, satisfied.error()});
    } else if (*satisfied) {
      (policy.effect() == ast::Effect::permit ? permits : forbids).push_back(&policy);
    }
  });

  Answer answer;
  const bool is_allowed = forbids.items().empty() && !permits.items().empty();
  answer.decision = is_allowed ? Decision::allow : Decision::deny;
  const auto determining = is_allowed ? permits.items() : forbids.items();
  // The policies of a set stand in one array, in their order.
  std::sort(determining.begin(), determining.end());
  std::sort(errors.items().begin(), errors.items().end(), [](const PolicyError& a, const PolicyError& b) { return a.policy < b.policy; });
  answer.determining = determining;
  answer.errors = errors.items();
  return answer;
}

Message PolicyError::to_message() const {
  const std::string text = error.to_string();
  if (error.at == nullptr || policy->source().text.empty()) return message(text);
  return message_at(policy->source().text, error.at->span, text);
}

}  // namespace writ::cedar
