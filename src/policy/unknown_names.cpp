#include <algorithm>
#include <map>
#include <set>

#include "policy/grant_text.h"
#include "policy/policy_warnings.h"

namespace writ::policy {
namespace {

using cedar::EntityUid;

struct Literal {
  const EntityUid* entity;
  cedar::Span span;
};

void collect(const cedar::ast::Expression& expression, std::vector<Literal>& literals) {
  if (const auto* entity = expression.as<cedar::ast::Entity>()) literals.push_back({entity->uid, expression.span});
  cedar::ast::for_each_child(expression, [&](const cedar::ast::Expression& child) { collect(child, literals); });
}

std::vector<Literal> literals_of(const cedar::ast::Policy& policy) {
  std::vector<Literal> literals;
  for (const auto* constraint : {&policy.principal, &policy.resource}) {
    if (constraint->entity) literals.push_back({constraint->entity, constraint->entity_span});
  }
  for (const auto& listed : policy.action.entities) literals.push_back({listed.entity, listed.span});
  for (const auto& clause : policy.clauses) collect(*clause.body, literals);
  return literals;
}

class KnownNames {
 public:
  KnownNames(const CedarPolicy& policies, const registry::Snapshot& snapshot, const ToolCatalogue& tools) : snapshot_(snapshot), tools_(tools) {
    const registry::Objects& objects = snapshot.objects();
    for (const auto& group : objects.groups) add(kGroupType, group.id);
    for (const auto& user : objects.users) add(kUserType, user.id);
    for (const auto& agent : objects.agents) {
      add(kAgentType, agent.id);
      for (const auto& group : agent.groups) add(kAgentGroupType, group);
    }
    for (const auto& server : objects.servers) {
      add(kServerType, server.id);
      for (const auto& group : server.groups) add(kServerGroupType, group);
      for (const auto& scope : server.scopes) add(kScopeType, id_at(server.id, scope.name));
      for (const auto& tool : tools.of_server(server.id)) {
        add(kToolType, id_at(server.id, tool->name));
        for (const auto& group : tool->groups) add(kToolGroupType, group);
      }
    }
    for (const ToolPattern& pattern : policies.tool_patterns()) add(kToolGroupType, tool_group_id(pattern.server, pattern.pattern));
  }

  // What is wrong with the name, and what was probably meant; empty when nothing is.
  std::pair<std::string, std::string> judge(const EntityUid& entity) const {
    const std::string id(entity.id());
    std::string_view type = entity.type();
    const auto slash = id.find('/');
    if (type == kActionType) {
      if (slash == std::string::npos) return {};   // connect, use and their like: the vocabulary has them or validation refuses
      type = kToolType;
    }
    const bool is_of_server = type == kToolType || type == kScopeType || type == kResourceType || type == kPromptType;
    if (is_of_server) {
      const std::string server = id.substr(0, slash);
      if (slash == std::string::npos) return {"a " + noun(type) + " is named server/" + noun(type) + ", not `" + id.substr(0, 80) + "`", ""};
      if (!snapshot_.server(server)) return {"there is no server `" + server.substr(0, 80) + "`", did_you_mean(kServerType, server)};
      if (type == kResourceType || type == kPromptType) return {};
      // Which tools a server has is only known once somebody has looked at them.
      if (type == kToolType && tools_.of_server(server).empty()) return {};
    }
    const auto known = known_.find(type);
    if (known != known_.end() && known->second.contains(id)) return {};
    if (noun(type).empty()) return {};
    if (type == kUserType) {
      if (const auto* user = snapshot_.user_by_name(id)) return {"policies know people by their id, not by the name `" + id.substr(0, 80) + "`", "write `" + user->id + "`"};
    }
    return {"there is no " + noun(type) + " `" + id.substr(0, 80) + "`", did_you_mean(type, id)};
  }

 private:
  static std::string noun(std::string_view type) {
    static const std::map<std::string_view, std::string> kNouns = {{kGroupType, "group"},   {kUserType, "user"},   {kAgentType, "agent"},     {kAgentGroupType, "agent group"},
                                                                   {kServerType, "server"}, {kScopeType, "scope"}, {kToolType, "tool"},       {kServerGroupType, "server group"},
                                                                   {kPromptType, "prompt"}, {kToolGroupType, "tool group"}, {kResourceType, "resource"}};
    const auto found = kNouns.find(type);
    return found == kNouns.end() ? "" : found->second;
  }

  void add(std::string_view type, const std::string& id) { known_[type].insert(id); }

  std::string did_you_mean(std::string_view type, const std::string& id) const {
    const auto known = known_.find(type);
    if (known == known_.end() || known->second.size() > 10'000) return "";   // a guess among so many costs more than it helps
    const std::string meant = registry::nearest(id, {known->second.begin(), known->second.end()});
    return meant.empty() ? "" : "did you mean `" + meant + "`?";
  }

  const registry::Snapshot& snapshot_;
  const ToolCatalogue& tools_;
  std::map<std::string_view, std::set<std::string>, std::less<>> known_;
};

void check_silencers(const CedarPolicy& policies, const cedar::CompiledPolicy& policy, std::vector<PolicyProblem>& found) {
  static const std::vector<std::string> kIds = {std::string(kNeverApplies), std::string(kToolNotKnown), std::string(kUnknownName), std::string(kPermitShadowed),
                                                std::string(kUnconditionalDestructive), std::string(kGrantCovered)};
  std::string_view ids = policy.annotation("allow").value_or("");
  while (!ids.empty()) {
    const auto end = std::min(ids.find_first_of(" ,"), ids.size());
    const std::string id(ids.substr(0, end));
    ids.remove_prefix(std::min(end + 1, ids.size()));
    if (id.empty() || std::find(kIds.begin(), kIds.end(), id) != kIds.end()) continue;
    const std::string meant = registry::nearest(id, kIds);
    found.push_back(warning_at(policies, policy, policy.tree().span, "@allow names `" + id.substr(0, 80) + "`, which is no warning", meant.empty() ? "" : "did you mean `" + meant + "`?", kUnknownWarning));
  }
}

}  // namespace

void find_unknown_names(const CedarPolicy& policies, const registry::Snapshot& snapshot, const ToolCatalogue& tools, std::vector<PolicyProblem>& found) {
  const KnownNames names(policies, snapshot, tools);
  for (const auto& policy : policies.policies().policies()) {
    if (policies.place(policy).file == "grants.yaml") continue;   // there it is an error, told elsewhere
    check_silencers(policies, policy, found);
    if (is_silenced(policy, kUnknownName)) continue;
    std::set<std::string> told;
    for (const Literal& literal : literals_of(policy.tree())) {
      auto [wrong, suggestion] = names.judge(*literal.entity);
      if (!wrong.empty() && told.insert(wrong).second) found.push_back(warning_at(policies, policy, literal.span, std::move(wrong), std::move(suggestion), kUnknownName));
    }
  }
}

}  // namespace writ::policy
