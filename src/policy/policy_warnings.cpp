#include "policy/policy_warnings.h"

#include <algorithm>

namespace writ::policy {

bool is_silenced(const cedar::CompiledPolicy& policy, std::string_view id) {
  std::string_view ids = policy.annotation("allow").value_or("");
  while (!ids.empty()) {
    const auto end = std::min(ids.find_first_of(" ,"), ids.size());
    if (ids.substr(0, end) == id) return true;
    ids.remove_prefix(std::min(end + 1, ids.size()));
  }
  return false;
}

PolicyProblem warning_at(const CedarPolicy& policies, const cedar::CompiledPolicy& policy, cedar::Span span, std::string text, std::string suggestion, std::string_view id) {
  const PolicyPlace& place = policies.place(policy);
  PolicyProblem problem{place.file, place.line, place.column, "", std::string(id)};
  if (place.file == "grants.yaml") {
    problem.message = std::move(text);
    if (!suggestion.empty()) problem.message += "; " + suggestion;
    return problem;
  }
  const cedar::Message message = cedar::message_at(policy.source().text, span, std::move(text), std::move(suggestion));
  problem.line = message.position.line;
  problem.column = message.position.column;
  problem.message = "policy `" + std::string(policy.id()) + "`: " + message.explain();
  if (problem.message.ends_with('\n')) problem.message.pop_back();
  return problem;
}

registry::Problems find_warnings(const Bundle& bundle, const registry::Snapshot& snapshot, const ToolCatalogue& tools) {
  std::vector<PolicyProblem> found;
  // Names count in what is only tried out, too; what shadows what is a matter of what decides.
  find_unknown_names(bundle.policy->with_shadow_policies(), snapshot, tools, found);
  find_shadowed_permits(*bundle.policy, snapshot, found);
  find_by_tool(bundle, snapshot, tools, found);
  find_covered_grants(bundle, snapshot, found);
  registry::Problems warnings;
  for (PolicyProblem& problem : found) {
    warnings.push_back({{std::move(problem.file), static_cast<int>(problem.line), static_cast<int>(problem.column)}, std::move(problem.message), true, std::move(problem.id)});
  }
  return warnings;
}

}  // namespace writ::policy
