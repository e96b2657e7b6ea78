#include "policy/preview/things.h"

#include <algorithm>
#include <map>

#include "policy/preview/partial_question.h"
#include "policy/vocabulary.h"

namespace writ::policy::preview {
namespace {

// The names at this server among ids like "github/delete_repo".
void add_names_at(const std::set<std::string>& ids, const std::string& server, std::set<std::string>& names) {
  for (auto at = ids.lower_bound(server + "/"); at != ids.end() && at->starts_with(server + "/"); ++at) names.insert(at->substr(server.size() + 1));
}

bool knows(const AccessState& state, const std::string& server, const std::string& tool) {
  return state.tools.of_server(server).empty() || state.tools.find(server, tool);
}

}  // namespace

std::string tool_key(const AccessState& state, const Mentions& mentions, const registry::Server& server, const std::string& tool) {
  const ToolFacts facts = state.tools.facts(server.id, tool.empty() ? any_tool() : tool);
  std::string key{facts.read_only ? 'r' : '-', facts.destructive ? 'd' : '-', facts.idempotent ? 'i' : '-', facts.open_world ? 'o' : '-'};
  const auto add = [&key](std::string_view part) { (key += std::to_string(part.size()) += ':') += part; };
  for (const auto& scope : policy::scopes_of(server, facts.name)) add(scope->name);
  key += '|';
  for (const auto& group : facts.groups) {
    if (mentions.of(kToolGroupType).contains(group)) add(group);
  }
  key += '|';
  for (const ToolPattern& pattern : state.policy.tool_patterns()) {
    if (pattern.server == server.id && glob_matches(pattern.pattern, facts.name)) add(pattern.pattern);
  }
  const std::string id = id_at(server.id, tool);
  if (tool.empty() || mentions.of(kToolType).contains(id) || mentions.of(kActionType).contains(id)) key += "\n" + tool;
  return key;
}

std::vector<std::string> scopes_for(const registry::Server& server, std::string_view tool) {
  std::vector<std::string> found;
  for (const registry::Scope* scope : policy::scopes_of(server, tool)) found.push_back(scope->name);
  for (std::size_t known = 0; known != found.size() && !found.empty();) {
    known = found.size();
    for (const registry::Scope& scope : server.scopes) {
      const bool implies_one = std::ranges::any_of(scope.implies, [&](const auto& implied) { return std::ranges::find(found, implied) != found.end(); });
      if (implies_one && std::ranges::find(found, scope.name) == found.end()) found.push_back(scope.name);
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<std::string> tools_compared(const AccessState& before, const AccessState& after, const std::string& server) {
  std::set<std::string> names;
  for (const AccessState* state : {&before, &after}) {
    for (const auto& tool : state->tools.of_server(server)) names.insert(tool->name);
  }
  if (names.empty()) {
    Mentions mentions;
    for (const AccessState* state : {&before, &after}) {
      add_mentions(state->policy, mentions);
      // A pattern stands for the tools that it matches: it matches itself as a name.
      for (const ToolPattern& pattern : state->policy.tool_patterns()) {
        if (pattern.server == server) names.insert(pattern.pattern);
      }
      if (const registry::Server* found = state->objects.server(server)) {
        for (const auto& scope : found->scopes) names.insert(scope.tools.begin(), scope.tools.end());
      }
    }
    add_names_at(mentions.of(kToolType), server, names);
    add_names_at(mentions.of(kActionType), server, names);
    names.erase("*");
    names.insert("");
  }
  return {names.begin(), names.end()};
}

std::vector<ThingClass> thing_classes(const AccessState& before, const AccessState& after, const Mentions& mentions, const std::string& server_id) {
  const AccessState* const states[2] = {&before, &after};
  std::vector<ThingClass> classes;
  const auto add = [&classes](Thing::Kind kind, std::string name) { classes.emplace_back().things.push_back({kind, std::move(name)}); };
  add(Thing::Kind::connect, "");

  std::set<std::string> scopes;
  for (const AccessState* state : states) {
    if (const registry::Server* server = state->objects.server(server_id)) {
      for (const auto& scope : server->scopes) scopes.insert(scope.name);
    }
  }
  for (const auto& scope : scopes) add(Thing::Kind::scope, scope);

  std::map<std::string, std::size_t> tool_classes;
  for (const std::string& tool : tools_compared(before, after, server_id)) {
    ThingClass fresh;
    std::string key;
    for (int side = 0; side < 2; ++side) {
      const registry::Server* server = states[side]->objects.server(server_id);
      fresh.exists[side] = server && (tool.empty() || knows(*states[side], server_id, tool));
      if (!fresh.exists[side]) continue;
      key += std::to_string(side) + tool_key(*states[side], mentions, *server, tool);
      fresh.needed_scopes[side] = scopes_for(*server, tool.empty() ? any_tool() : tool);
    }
    const auto [at, is_new] = tool_classes.emplace(std::move(key), classes.size());
    if (is_new) classes.push_back(std::move(fresh));
    classes[at->second].things.push_back({Thing::Kind::tool, tool});
  }

  std::set<std::string> prompts{""}, resources{""};
  add_names_at(mentions.of(kPromptType), server_id, prompts);
  add_names_at(mentions.of(kResourceType), server_id, resources);
  for (const auto& uri : resources) {
    add(Thing::Kind::read_resource, uri);
    add(Thing::Kind::subscribe, uri);
    // A completion takes what has no colon for a prompt.
    if (uri.empty() || uri.find(':') != std::string::npos) add(Thing::Kind::complete_resource, uri);
  }
  for (const auto& prompt : prompts) {
    add(Thing::Kind::get_prompt, prompt);
    if (prompt.find(':') == std::string::npos) add(Thing::Kind::complete_prompt, prompt);
  }
  return classes;
}

}  // namespace writ::policy::preview
