#pragma once

// Effective access: what each person may do through each agent at each server, whatever the policy says it with. A cell is always, never, or depends:
// on arguments, on how the person signed in and who vouched, on address and time, on an approval. A tool is within reach only where the connection
// is, and one of the scopes that it needs: so a lost connection is the loss of everything behind it.

#include <cstdint>
#include <string>
#include <vector>

#include "policy/cedar_policy.h"
#include "policy/tool_catalogue.h"
#include "registry/snapshot.h"

namespace writ::policy::preview {

enum class Access : std::uint8_t { never, depends, always };
std::string_view to_string(Access access);

// What may be done at a server.
struct Thing {
  enum class Kind : std::uint8_t { connect, scope, tool, read_resource, subscribe, get_prompt, complete_prompt, complete_resource };
  Kind kind = Kind::connect;
  // Of a scope, tool, resource or prompt. Empty for a tool, resource or prompt: every one that no policy names.
  std::string name;

  friend auto operator<=>(const Thing&, const Thing&) = default;
};
// For people: "connect", "scope repo", "tool delete_repo", "resources".
std::string describe(const Thing& thing);
Action action_of(const Thing& thing);

// One side of a comparison. References outlive the comparison.
struct AccessState {
  const CedarPolicy& policy;
  const registry::Snapshot& objects;
  const ToolCatalogue& tools;
};

// What some people gain or lose at one server: the same for all of them, through each of the agents, for each of the things.
struct AccessChange {
  std::string server;
  std::vector<std::string> agents;       // sorted
  Access before = Access::never, after = Access::never;   // equal only when both depend, on other conditions
  std::vector<Thing> things;             // sorted
  std::vector<std::uint32_t> users;      // of AccessDifference::users, ascending
};

struct AccessDifference {
  struct Person {
    std::string id, name;
  };
  std::vector<Person> users;             // all, by name
  std::vector<AccessChange> changes;     // losses first, then conditions, then gains; by server
  std::size_t losing = 0, gaining = 0, changing = 0;   // people, each once in each
  std::uint64_t cells = 0;               // user × agent × server × thing that differ

  bool empty() const { return changes.empty(); }
};

// Who gains or loses what from one state to the other. Disabled and missing users, agents and servers have access to nothing (rules §1.8).
AccessDifference compare_access(const AccessState& before, const AccessState& after);

// One cell, decided by itself: the definition of what compare_access() finds in groups. `condition` tells equal *depends* from different ones.
struct Cell {
  Access access = Access::never;
  std::string condition;
  friend bool operator==(const Cell&, const Cell&) = default;
};
Cell access_of(const AccessState& state, const std::string& user, const std::string& agent, const std::string& server, const Thing& thing);

// The tools that a comparison looks at: those known on either side, else those that policies and scopes name and, as the nameless one, all others.
std::vector<std::string> tools_compared(const AccessState& before, const AccessState& after, const std::string& server);

}  // namespace writ::policy::preview
