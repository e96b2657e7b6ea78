#include "cedar/validation.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "cedar/context_shapes.h"
#include "cedar/findings.h"
#include "cedar/name_check.h"
#include "cedar/scope_types.h"
#include "cedar/type_checker.h"

namespace writ::cedar {

namespace {

// Requests that one policy cannot tell apart.
struct EnvironmentShape {
  std::uint32_t principal;
  std::uint32_t resource;
  std::uint32_t context;   // the number of the context's shape, or of the action where the policy looks at it
  friend bool operator==(const EnvironmentShape&, const EnvironmentShape&) = default;
};

struct HashOfShape {
  std::size_t operator()(const EnvironmentShape& shape) const {
    std::uint64_t hash = shape.principal;
    hash = hash * 0x9E3779B97F4A7C15u + shape.resource;
    hash = hash * 0x9E3779B97F4A7C15u + shape.context;
    return static_cast<std::size_t>(hash ^ (hash >> 29));
  }
};

// `action in []`, and lists of actions of several types: sets that have no type in strict mode.
void check_action_list(const ast::ActionConstraint& constraint, Span policy, Findings& findings) {
  if (constraint.form != ast::ActionConstraint::Form::in) return;
  if (constraint.entities.empty())
    findings.add(ValidationProblem::empty_set, policy, [] { return std::string("`action in []` matches no action"); });
  for (const ast::ActionConstraint::Listed& listed : constraint.entities) {
    if (listed.entity->type() == constraint.entities.front().entity->type()) continue;
    findings.add(ValidationProblem::incompatible_types, listed.span, [&] {
      return "a list of actions has actions of one type, and `" + listed.entity->to_string() + "` is of another";
    });
  }
}

}  // namespace

std::string_view to_string(ValidationProblem problem) {
  static constexpr std::array<std::string_view, 15> kNames{
      "unknown_entity_type", "unknown_enumerated_id", "unknown_action",  "no_applicable_action", "unexpected_type",
      "incompatible_types",  "unknown_attribute",     "unguarded_attribute", "unguarded_tag",    "no_tags",
      "empty_set",           "not_a_literal",         "malformed_text",  "wrong_argument_count", "impossible_policy"};
  static_assert(kNames.size() == static_cast<std::size_t>(ValidationProblem::impossible_policy) + 1);
  return kNames[static_cast<std::size_t>(problem)];
}

bool Validation::is_valid() const {
  return std::none_of(findings.begin(), findings.end(), [](const Finding& finding) { return is_error(finding.problem); });
}

struct Validator::State {
  explicit State(const Schema& of) : schema(of), shapes(of) {}

  // Checks the clauses in every environment that the scope lets through. The others cannot show anything: there the scope is False
  // before the clauses are looked at.
  void check_clauses(const ast::Policy& policy, const ScopeTypes& scope, Findings& findings) {
    const ContextReads reads = find_context_reads(policy);
    const std::vector<std::uint32_t>& numbers = shapes.along(reads.paths);
    TypePool types;
    TypeChecker checker(schema, types, findings);
    std::unordered_set<EnvironmentShape, HashOfShape> seen;
    bool is_possible = false;
    for (const Action* action : scope.actions()) {
      const std::uint32_t context = reads.reads_action ? action->index : numbers[action->index];
      for (const EntityType* principal : action->principals) {
        if (!scope.admits_principal(*principal)) continue;
        for (const EntityType* resource : action->resources) {
          if (!scope.admits_resource(*resource) || !seen.insert({principal->index, resource->index, context}).second) continue;
          const Type* type = checker.check_clauses(policy.clauses, {principal, action, resource, action->context});
          is_possible = is_possible || type == nullptr || !type->is(Type::Kind::always_false);
        }
      }
    }
    if (is_possible) return;
    findings.add(ValidationProblem::impossible_policy, policy.span,
                 [] { return std::string("this policy can never apply: its condition is false for every possible request"); });
  }

  const Schema& schema;
  ContextShapes shapes;
};

Validator::Validator(const Schema& schema) : state_(std::make_unique<State>(schema)) {}
Validator::~Validator() = default;
Validator::Validator(Validator&&) noexcept = default;

void Validator::check(const ast::Policy& policy, std::string_view policy_id, std::string_view text, Validation& validation) {
  Findings findings(policy_id, text, validation);
  check_names(policy, state_->schema, findings);
  check_action_list(policy.action, policy.span, findings);
  const ScopeTypes scope(policy, state_->schema);
  if (!scope.has_applicable_action())
    findings.add(ValidationProblem::no_applicable_action, policy.span, [] {
      return std::string("no action of the schema applies to the principals and resources of this scope");
    });
  state_->check_clauses(policy, scope, findings);
}

void Validator::check_link(const ast::Policy& filled, std::string_view policy_id, Validation& validation) {
  Findings findings(policy_id, {}, validation);
  const Schema& schema = state_->schema;
  for (const ast::ScopeConstraint* constraint : {&filled.principal, &filled.resource})
    if (constraint->entity != nullptr) check_type_name(constraint->entity->type(), constraint->entity_span, schema, findings);
  if (ScopeTypes(filled, schema).has_applicable_action()) return;
  findings.add(ValidationProblem::no_applicable_action, filled.span, [] {
    return std::string("no action of the schema applies to what fills the slots of this template");
  });
}

Validation validate(const Schema& schema, const ast::Policies& policies) {
  Validation validation;
  Validator validator(schema);
  for (std::size_t i = 0; i < policies.policies.size(); ++i)
    validator.check(policies.policies[i], "policy" + std::to_string(i), policies.source->text, validation);
  return validation;
}

Validation validate(const Schema& schema, const PolicySet& policies) {
  Validation validation;
  Validator validator(schema);
  for (const Template& item : policies.templates()) validator.check(item.tree, item.id, item.source->text, validation);
  for (const CompiledPolicy& policy : policies.policies()) {
    if (policy.template_id()) validator.check_link(policy.tree(), policy.id(), validation);
    else validator.check(policy.tree(), policy.id(), policy.source().text, validation);
  }
  return validation;
}

}  // namespace writ::cedar
