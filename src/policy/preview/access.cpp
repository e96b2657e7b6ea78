#include "policy/preview/access.h"

#include "policy/preview/access_values.h"
#include "policy/preview/partial_question.h"
#include "policy/preview/things.h"

namespace writ::policy::preview {
namespace {

// The answer of policy to one thing, what it stands behind apart.
ValueId decide_directly(const AccessState& state, const std::string& user, const std::string& agent, const std::string& server, const Thing& thing, AccessValues& values) {
  auto question = question_of(state, user, agent, server, thing);
  if (!question) return kNever;
  PartialQuestion partial(state.policy, std::move(*question), thing, Open::circumstances);
  return decide_partially(state.policy, partial, values);
}

}  // namespace

std::string_view to_string(Access access) {
  switch (access) {
    case Access::never: return "never";
    case Access::depends: return "depends";
    case Access::always: return "always";
  }
  return "never";
}

std::string describe(const Thing& thing) {
  const bool is_any = thing.name.empty();
  switch (thing.kind) {
    case Thing::Kind::connect: return "connect";
    case Thing::Kind::scope: return "scope " + thing.name;
    case Thing::Kind::tool: return is_any ? "all other tools" : "tool " + thing.name;
    case Thing::Kind::read_resource: return is_any ? "resources" : "resource " + thing.name;
    case Thing::Kind::subscribe: return is_any ? "subscriptions" : "subscription to " + thing.name;
    case Thing::Kind::get_prompt: return is_any ? "prompts" : "prompt " + thing.name;
    case Thing::Kind::complete_prompt: return is_any ? "completions of prompts" : "completions of prompt " + thing.name;
    case Thing::Kind::complete_resource: return is_any ? "completions of resources" : "completions of resource " + thing.name;
  }
  return "";
}

Action action_of(const Thing& thing) {
  switch (thing.kind) {
    case Thing::Kind::connect: return Action::connect;
    case Thing::Kind::scope: return Action::grant_scope;
    case Thing::Kind::tool: return Action::call;
    case Thing::Kind::read_resource: return Action::read_resource;
    case Thing::Kind::subscribe: return Action::subscribe;
    case Thing::Kind::get_prompt: return Action::get_prompt;
    case Thing::Kind::complete_prompt:
    case Thing::Kind::complete_resource: return Action::complete;
  }
  return Action::connect;
}

Cell access_of(const AccessState& state, const std::string& user, const std::string& agent, const std::string& server, const Thing& thing) {
  AccessValues values;
  const auto decide = [&](const Thing& one) { return decide_directly(state, user, agent, server, one, values); };
  ValueId value = decide({Thing::Kind::connect, ""});
  if (thing.kind != Thing::Kind::connect) value = values.all_of({value, decide(thing)});
  if (const registry::Server* found = state.objects.server(server); found && thing.kind == Thing::Kind::tool) {
    std::vector<ValueId> scopes;
    for (const auto& scope : scopes_for(*found, thing.name.empty() ? any_tool() : thing.name)) scopes.push_back(decide({Thing::Kind::scope, scope}));
    if (!scopes.empty()) value = values.all_of({value, values.any_of(scopes)});
  }
  return {access_of_value(value), values.spell(value)};
}

}  // namespace writ::policy::preview
