#include <algorithm>
#include <map>
#include <set>

#include "policy/policy_warnings.h"

namespace writ::policy {
namespace {

bool has_wildcard(std::string_view pattern) { return pattern.find_first_of("*?") != std::string_view::npos; }

bool covers(const Names& outer, const Names& inner) {
  if (outer.all) return true;
  return !inner.all && std::all_of(inner.names.begin(), inner.names.end(), [&](const std::string& name) { return outer.contains(name); });
}

// Patterns: `get_*` covers `get_x` and itself. That one pattern covers another is not looked into further: nothing is claimed then.
bool covers_tools(const Names& outer, const Names& inner) {
  if (outer.all) return true;
  return !inner.all && std::all_of(inner.names.begin(), inner.names.end(), [&](const std::string& name) {
    return std::any_of(outer.names.begin(), outer.names.end(), [&](const std::string& pattern) {
      return pattern == name || pattern == "*" || (!has_wildcard(name) && glob_matches(pattern, name));
    });
  });
}

std::set<std::string> groups_above(const std::string& id, const registry::Snapshot& snapshot) {
  std::set<std::string> above;
  std::vector<std::string> open{id};
  while (!open.empty()) {
    const std::string next = std::move(open.back());
    open.pop_back();
    if (!above.insert(next).second) continue;
    if (const auto* group = snapshot.group(next)) open.insert(open.end(), group->parents.begin(), group->parents.end());
  }
  return above;
}

}  // namespace

void find_covered_grants(const Bundle& bundle, const registry::Snapshot& snapshot, std::vector<PolicyProblem>& found) {
  std::map<std::pair<std::string, std::string>, std::vector<std::size_t>> by_server_and_group;
  for (std::size_t i = 0; i < bundle.rows.size(); ++i) by_server_and_group[{bundle.rows[i].grant.server, bundle.rows[i].grant.group}].push_back(i);
  // A row of several servers is covered when it is at each of them.
  std::map<std::string, std::pair<std::size_t, std::set<std::string>>> covered;   // id → of how many servers, by which rows
  std::map<std::string, std::size_t> servers;
  for (std::size_t i = 0; i < bundle.rows.size(); ++i) {
    const AccessGrant& inner = bundle.rows[i].grant;
    ++servers[inner.id];
    if (!inner.agents.all && inner.agents.names.empty()) continue;   // nobody's row has a warning of its own
    for (const std::string& group : groups_above(inner.group, snapshot)) {
      const auto candidates = by_server_and_group.find({inner.server, group});
      if (candidates == by_server_and_group.end()) continue;
      const auto covering = std::find_if(candidates->second.begin(), candidates->second.end(), [&](std::size_t j) {
        const AccessGrant& outer = bundle.rows[j].grant;
        if (outer.id == inner.id || !covers(outer.agents, inner.agents) || !covers(outer.scopes, inner.scopes) || !covers_tools(outer.tools, inner.tools)) return false;
        // Of two that say the same the later one is too much.
        const bool equal = outer.group == inner.group && covers(inner.agents, outer.agents) && covers(inner.scopes, outer.scopes) && covers_tools(inner.tools, outer.tools);
        return !equal || j < i;
      });
      if (covering == candidates->second.end()) continue;
      auto& [count, by] = covered[inner.id];
      ++count;
      by.insert(bundle.rows[*covering].grant.id);
      break;
    }
  }
  std::set<std::string> told;
  for (const Bundle::Row& row : bundle.rows) {
    const auto at = covered.find(row.grant.id);
    if (at == covered.end() || at->second.first != servers[row.grant.id] || !told.insert(row.grant.id).second) continue;
    std::string by;
    for (const std::string& id : at->second.second) by += (by.empty() ? "`" : ", `") + id + "`";
    found.push_back({"grants.yaml", row.grant.line, row.grant.column, "this row permits nothing that " + by + " does not: leave one of them out", std::string(kGrantCovered)});
  }
}

}  // namespace writ::policy
