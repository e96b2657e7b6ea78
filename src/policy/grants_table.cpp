#include "policy/grants_table.h"

#include <algorithm>

namespace writ::policy {
namespace {

bool permits(const AccessGrant& grant, const Question& question) {
  const auto& groups = question.principal.groups;
  if (grant.server != question.server.id) return false;
  if (std::find(groups.begin(), groups.end(), grant.group) == groups.end()) return false;
  if (!grant.agents.contains(question.agent.id)) return false;
  switch (question.action) {
    case Action::connect:
      return true;
    case Action::grant_scope:
      return question.scope && grant.scopes.contains(question.scope->name);
    case Action::call:
      if (!question.tool) return false;
      return grant.tools.all || std::any_of(grant.tools.names.begin(), grant.tools.names.end(),
                                            [&](const std::string& pattern) { return glob_matches(pattern, question.tool->name); });
    case Action::read_resource:
    case Action::subscribe:
    case Action::get_prompt:
    case Action::complete:
      return grant.tools.all;
  }
  return false;
}

}  // namespace

Decision GrantsTable::decide(const Question& question) const {
  Decision decision;
  decision.version = version_;
  for (const AccessGrant& grant : grants_) {
    if (permits(grant, question)) decision.policies.push_back(grant.id);
  }
  decision.allowed = !decision.policies.empty();
  decision.kind = decision.allowed ? Kind::allowed : Kind::no_permit;
  return decision;
}

}  // namespace writ::policy
