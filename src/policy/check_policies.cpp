#include "policy/check_policies.h"

#include <algorithm>
#include <set>

#include "cedar/schema.h"
#include "cedar/validation.h"
#include "policy/policy_warnings.h"

namespace writ::policy {
namespace {

// Stands for the tools of a server that nobody has listed yet; no tool can have this name (MCP names have no spaces).
constexpr const char* kAnyTool = "any other tool";

bool is_tool_action(const cedar::EntityUid& action) { return action.type() == kActionType && action.id().find('/') != std::string_view::npos; }

// Actions that no request names: policies say `action in`.
bool is_group_action(const cedar::EntityUid& action) { return action.type() == kActionType && (action.id() == "use" || action.id() == "call"); }

// `action == Writ::Action::"use"` in a condition is never true, so an `unless` of it restricts nothing and a `when` permits nothing (rules §4.2).
const cedar::ast::Expression* find_group_equality(const cedar::ast::Expression& expression) {
  namespace ast = cedar::ast;
  if (const auto* binary = expression.as<ast::Binary>(); binary && (binary->op == ast::BinaryOperator::equal || binary->op == ast::BinaryOperator::not_equal)) {
    for (const auto& [variable, literal] : {std::pair(binary->left, binary->right), std::pair(binary->right, binary->left)}) {
      const auto* reference = variable->as<ast::VariableReference>();
      const auto* entity = literal->as<ast::Entity>();
      if (reference && reference->variable == ast::Variable::action && entity && is_group_action(*entity->uid)) return &expression;
    }
  }
  const ast::Expression* found = nullptr;
  ast::for_each_child(expression, [&](const ast::Expression& child) {
    if (!found) found = find_group_equality(child);
  });
  return found;
}

// Whether its verdict would depend on a tool definition that is not known.
bool depends_on_unknown_tools(const cedar::CompiledPolicy& policy, const std::set<std::string, std::less<>>& known_actions) {
  const auto& named = policy.tree().action.entities;
  const bool names_unknown = std::any_of(named.begin(), named.end(), [&](const auto& listed) {
    return is_tool_action(*listed.entity) && !known_actions.contains(listed.entity->id());
  });
  // Arguments differ from tool to tool. Only a policy whose actions are all known can be checked against their types.
  const bool all_known = !named.empty() && std::all_of(named.begin(), named.end(), [&](const auto& listed) { return known_actions.contains(listed.entity->id()); });
  return names_unknown || (policy.reads(cedar::ast::Variable::context, "args") && !all_known);
}

PolicyProblem problem_of(const CedarPolicy& policies, const cedar::CompiledPolicy& policy, const cedar::Finding& finding) {
  PolicyProblem problem;
  const PolicyPlace& place = policies.place(policy);
  problem.file = place.file;
  // A finding points into the policy's own text; of a row that text is written for it, so the row is the place.
  const bool is_row = place.file == "grants.yaml";
  problem.line = is_row ? place.line : finding.message.position.line;
  problem.column = is_row ? place.column : finding.message.position.column;
  problem.message = "policy `" + std::string(policy.id()) + "`: " + finding.message.explain();
  const auto& action = policy.tree().action;
  const bool equals_group = action.form == cedar::ast::ActionConstraint::Form::equal && is_group_action(*action.entities.front().entity);
  if (finding.problem == cedar::ValidationProblem::no_applicable_action && equals_group) problem.message += "\n(of a group of actions write `action in`, not `action ==`)";
  return problem;
}

}  // namespace

PolicyCheck check_policies(const CedarPolicy& policy, const std::vector<std::string>& servers, std::vector<KnownTool> tools) {
  PolicyCheck check;
  std::set<std::string, std::less<>> known_actions;
  for (const KnownTool& tool : tools) known_actions.insert(id_at(tool.server, tool.name));
  for (const std::string& server : servers) tools.push_back({server, kAnyTool, nullptr});
  if (servers.empty()) tools.push_back({"no-server", kAnyTool, nullptr});
  const auto schema = cedar::Schema::parse(schema_text(tools));
  if (!schema) {
    check.errors.push_back({"", 0, 0, "the vocabulary cannot be read: " + schema.error().summary()});
    return check;
  }
  cedar::Validator validator(*schema);
  for (const cedar::CompiledPolicy& compiled : policy.policies().policies()) {
    for (const auto& clause : compiled.tree().clauses) {
      const auto* equality = find_group_equality(*clause.body);
      if (!equality) continue;
      check.errors.push_back(warning_at(policy, compiled, equality->span, "no request is about a group of actions, so this is never equal", "write `action in`", ""));
    }
    if (depends_on_unknown_tools(compiled, known_actions)) {
      if (is_silenced(compiled, kToolNotKnown)) continue;
      check.warnings.push_back(warning_at(policy, compiled, compiled.tree().span, "depends on tools whose arguments are not known yet; it was not checked, and decides only what it can read", "", kToolNotKnown));
      continue;
    }
    cedar::Validation validation;
    validator.check(compiled.tree(), compiled.id(), compiled.source().text, validation);
    const bool is_valid = validation.is_valid();
    for (const cedar::Finding& finding : validation.findings) {
      if (!is_valid && !cedar::is_error(finding.problem)) continue;   // it follows from the error
      // A permit that can never apply is useless; a forbid that can never apply is a hole.
      const bool is_forbid = compiled.effect() == cedar::ast::Effect::forbid;
      const bool is_error = cedar::is_error(finding.problem) || is_forbid;
      if (!is_error && is_silenced(compiled, kNeverApplies)) continue;
      (is_error ? check.errors : check.warnings).push_back(problem_of(policy, compiled, finding));
      if (!is_error) check.warnings.back().id = kNeverApplies;
    }
  }
  return check;
}

}  // namespace writ::policy
