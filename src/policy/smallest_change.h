#pragma once

// The smallest single change that would allow what is denied: one group membership, or one agent, scope, tool or server more in one row of the grants
// table. Found by trying, verified by deciding the whole chain again. Never one that lifts a forbid: not the one that denies, and not another that
// the same change would weaken for other questions.

#include <optional>
#include <string>
#include <vector>

#include "policy/bundle.h"
#include "policy/inquiry.h"

namespace writ::policy {

// What has to be allowed for one thing to work: the connection, one of the scopes that it needs, and the use itself.
struct WholeWay {
  std::optional<Question> connect;
  std::vector<Question> scopes;      // any one is enough; none: no scope is needed
  std::optional<Question> use;
};
bool allows(const CedarPolicy& policy, const WholeWay& chain);

struct SmallestChange {
  enum class Kind { group_membership, grant_row } kind = Kind::group_membership;
  std::string group;                 // the one to join, or the row's
  std::string row, member, value;    // of grant_row: "grants.yaml:12", "tools", "delete_repo"
  std::string sentence;              // "add alice to group `eng`"
  std::string consequence;           // what else it does
};

struct NoChange {
  std::string sentence;              // why there is none
};
// Precondition: the chain is not allowed. `files` are those of the bundle.
Result<SmallestChange, NoChange> find_smallest_change(const WholeWay& chain, const World& world, const Bundle& bundle, const BundleFiles& files,
                                                      const std::string& user_name);

// Whether becoming a member of these groups, or a tool of these tool groups, could lift some forbid.
bool could_weaken(const cedar::PolicySet& policies, const std::vector<cedar::EntityUid>& gained);

}  // namespace writ::policy
