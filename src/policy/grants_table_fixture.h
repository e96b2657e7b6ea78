#pragma once

// What the grants table means, said in twenty lines: the oracle that the rows compiled to Cedar are tested against, and a simple policy for
// tests of other folders. Nothing in the product decides by it.

#include <algorithm>
#include <string>
#include <vector>

#include "policy/access_grant.h"
#include "policy/decision.h"

namespace writ::policy {

class GrantsTable final : public Policy {
 public:
  GrantsTable(std::vector<AccessGrant> grants, std::string version) : grants_(std::move(grants)), version_(std::move(version)) {}

  Decision decide(const Question& question) const override;
  // Rows do not read arguments, so a listing has the same answer as the call.
  bool could_allow(const Question& question) const override { return decide(question).allowed; }
  const std::string& version() const override { return version_; }
  const std::vector<AccessGrant>& grants() const { return grants_; }

 private:
  std::vector<AccessGrant> grants_;
  std::string version_;
};

inline bool row_permits(const AccessGrant& grant, const Question& question) {
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


inline Decision GrantsTable::decide(const Question& question) const {
  Decision decision;
  decision.version = version_;
  for (const AccessGrant& grant : grants_) {
    if (row_permits(grant, question)) decision.policies.push_back(grant.id);
  }
  decision.allowed = !decision.policies.empty();
  decision.kind = decision.allowed ? Kind::allowed : Kind::no_permit;
  return decision;
}

}  // namespace writ::policy
