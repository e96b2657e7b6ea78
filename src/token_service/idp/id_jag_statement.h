#pragma once

// What goes into an ID-JAG about a person, and whoever else must agree to it: the same for an agent that asks at the token endpoint, and for the
// gateway that asks in the person's name.

#include <string>
#include <vector>

#include "id_jag/issue.h"
#include "oauth/scope.h"
#include "token_service/idp/idp.h"
#include "token_service/idp/refusal.h"

namespace writ::token_service::idp {

struct IdJagTarget {
  const registry::ResourceAs& audience;
  const registry::Registration& client;   // at the audience: the one who may redeem it (IDJAG-53)
  std::string resource;
};
Result<id_jag::Statement, Refusal> state_id_jag(const IdJagTarget& target, const oauth::ScopeSet& scope, const LiveSession& live, const Settings& settings, Instant now);

// Asks the decision points of a server after policy and before anything is committed: `connect` first, then one question for each scope. They narrow what
// policy gave: what comes back are the scopes that are left. No questions: nobody is asked, and nothing comes back.
Task<Result<std::optional<oauth::ScopeSet>, Refusal>> ask_decision_points(const Idp& idp, const registry::Snapshot& snapshot, const std::vector<policy::Question>& questions, audit::Record& record);

}  // namespace writ::token_service::idp
