#pragma once

// What policies mention, and so what of people, agents and tools can make a difference. Two people who are alike in all of it are decided alike.

#include <map>
#include <set>
#include <string>

#include "policy/cedar_policy.h"

namespace writ::policy::preview {

struct Mentions {
  // Ids of entities that stand literally in some policy, by type ("Writ::Group").
  std::map<std::string, std::set<std::string>, std::less<>> entities;
  // Users that stand where something is read of them, so that a policy may see more of that user than being this user.
  std::set<std::string> users_looked_into;
  // Attributes and tags of the principal that some policy may read.
  bool all_attributes = false, all_tags = false;
  std::set<std::string> attributes, tags;

  const std::set<std::string>& of(std::string_view type) const;
};
void add_mentions(const CedarPolicy& policy, Mentions& mentions);

// Whether the principal stands in the expression.
bool mentions_principal(const cedar::ast::Expression& expression);

}  // namespace writ::policy::preview
