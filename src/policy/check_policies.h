#pragma once

// Strict validation of a compiled bundle against the vocabulary: names that do not exist, types that do not fit, policies that can never apply.
// Cedar itself would let a misspelt `forbid` sleep for ever; here it is an error (rules §4.2).

#include <string>
#include <vector>

#include "policy/cedar_policy.h"
#include "policy/vocabulary.h"

namespace writ::policy {

struct PolicyCheck {
  std::vector<PolicyProblem> errors, warnings;
};

// `tools`: those whose arguments are known. A policy that names the action of another tool, or reads arguments, cannot be judged before its
// definition is known: a warning says so, and the decision then denies what cannot be evaluated. `servers`: the ids that exist, so that group
// actions have something to apply to.
PolicyCheck check_policies(const CedarPolicy& policy, const std::vector<std::string>& servers, std::vector<KnownTool> tools);

}  // namespace writ::policy
