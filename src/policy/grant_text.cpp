#include "policy/grant_text.h"

#include "cedar/name.h"
#include "cedar/value.h"
#include "policy/vocabulary.h"

namespace writ::policy {
namespace {

std::string uid(std::string_view type, std::string_view id) { return cedar::EntityUid(type, id).to_string(); }

std::string list_of(const std::vector<std::string>& elements) {
  std::string text = "[";
  for (const auto& element : elements) text += (text.size() > 1 ? ", " : "") + element;
  return text + "]";
}

std::string policy_text(const AccessGrant& grant, const char* part, const std::string& action, const std::vector<std::string>& conditions) {
  std::string text = "@id(" + cedar::Value::string(grant.id + "#" + grant.server + part).to_string() + ")\n";
  text += "permit (\n  principal in " + uid(kGroupType, grant.group) + ",\n  action " + action + ",\n  resource in " + uid(kServerType, grant.server) + "\n)";
  if (conditions.empty()) return text + ";\n";
  text += "\nwhen { ";
  for (std::size_t i = 0; i < conditions.size(); ++i) text += (i > 0 ? " && " : "") + conditions[i];
  return text + " };\n";
}

}  // namespace

std::string tool_group_id(std::string_view server, std::string_view pattern) { return id_at(server, pattern); }

std::string to_cedar(const AccessGrant& grant) {
  // Nobody's row: `agents: []` permits nothing.
  if (!grant.agents.all && grant.agents.names.empty()) return "";
  std::vector<std::string> who;
  if (!grant.agents.all) {
    std::vector<std::string> agents;
    for (const auto& agent : grant.agents.names) agents.push_back(uid(kAgentType, agent));
    // An equality is what the policy index looks for; a list needs `contains`.
    who.push_back(agents.size() == 1 ? "context.agent == " + agents.front() : list_of(agents) + ".contains(context.agent)");
  }
  const std::string connect = uid(kActionType, "connect"), grant_scope = uid(kActionType, "grant_scope"), use = uid(kActionType, "use");
  if (grant.scopes.all && grant.tools.all) return policy_text(grant, "", "in [" + connect + ", " + grant_scope + ", " + use + "]", who);

  std::string text = policy_text(grant, "#connect", "== " + connect, who);
  if (grant.scopes.all) {
    text += policy_text(grant, "#scopes", "== " + grant_scope, who);
  } else if (!grant.scopes.names.empty()) {
    std::vector<std::string> scopes;
    for (const auto& scope : grant.scopes.names) scopes.push_back(uid(kScopeType, id_at(grant.server, scope)));
    auto conditions = who;
    conditions.push_back("resource in " + list_of(scopes));
    text += policy_text(grant, "#scopes", "== " + grant_scope, conditions);
  }
  if (grant.tools.all) {
    text += policy_text(grant, "#tools", "in " + use, who);
  } else if (!grant.tools.names.empty()) {
    std::vector<std::string> groups;
    for (const auto& pattern : grant.tools.names) groups.push_back(uid(kToolGroupType, tool_group_id(grant.server, pattern)));
    auto conditions = who;
    conditions.push_back("resource in " + list_of(groups));
    text += policy_text(grant, "#tools", "in " + uid(kActionType, "call"), conditions);
  }
  return text;
}

}  // namespace writ::policy
