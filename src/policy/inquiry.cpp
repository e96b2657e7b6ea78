#include "policy/inquiry.h"

#include <algorithm>

#include "policy/access_grant.h"
#include "registry/fields.h"

namespace writ::policy {
namespace {

NoQuestion unknown(std::string_view what, const std::string& name, const std::vector<std::string>& known) {
  NoQuestion none{"unknown_" + std::string(what), "there is no " + std::string(what) + " `" + name.substr(0, 80) + "`"};
  if (const std::string meant = registry::nearest(name, known); !meant.empty()) none.sentence += "; did you mean `" + meant + "`?";
  return none;
}

NoQuestion disabled(std::string_view what, const std::string& name) {
  return {std::string(what) + "_disabled", std::string(what) + " `" + name + "` is disabled"};
}

NoQuestion missing(std::string_view what) { return {"no_" + std::string(what), "the question does not say which " + std::string(what)}; }

template <class Objects, class Object>
std::vector<std::string> names_of(const Objects& objects, std::string Object::*name) {
  std::vector<std::string> names;
  for (const Object& object : objects) names.push_back(object.*name);
  return names;
}

// How the agent authenticates on this leg: at the IdP for connections and scopes, at the server's RAS for what it does there.
registry::ClientAuthentication authentication_for(Action action, const registry::Agent& agent, const registry::Server& server, const registry::Snapshot& objects) {
  const bool at_idp = action == Action::connect || action == Action::grant_scope;
  const registry::Registration* at_ras = objects.registration_at(agent, server.resource_as);
  if (agent.idp && (at_idp || !at_ras)) return agent.idp->authentication;
  return at_ras ? at_ras->authentication : registry::ClientAuthentication::none;
}

Result<void, NoQuestion> set_subject(const Inquiry& inquiry, const World& world, const registry::Server& server, Question& question) {
  switch (inquiry.action) {
    case Action::connect: return {};
    case Action::grant_scope: {
      if (inquiry.scope.empty()) return unexpected(missing("scope"));
      const auto scope = std::find_if(server.scopes.begin(), server.scopes.end(), [&](const registry::Scope& one) { return one.name == inquiry.scope; });
      if (scope == server.scopes.end()) return unexpected(unknown("scope", inquiry.scope, names_of(server.scopes, &registry::Scope::name)));
      question.scope = ScopeFacts{scope->name, scope->high_impact};
      return {};
    }
    case Action::call: {
      if (inquiry.tool.empty()) return unexpected(missing("tool"));
      const bool is_known = !inquiry.definition || world.tools.find(server.id, inquiry.tool);
      ToolFacts tool = is_known ? world.tools.facts(server.id, inquiry.tool) : *inquiry.definition;
      tool.name = inquiry.tool;
      for (const registry::Scope* scope : scopes_of(server, inquiry.tool)) tool.scopes.push_back(scope->name);
      question.tool = std::move(tool);
      question.arguments = inquiry.arguments ? &*inquiry.arguments : nullptr;
      return {};
    }
    case Action::get_prompt:
      if (inquiry.uri_or_prompt.empty()) return unexpected(missing("prompt"));
      break;
    case Action::read_resource:
    case Action::subscribe:
    case Action::complete:
      if (inquiry.uri_or_prompt.empty()) return unexpected(missing("resource"));
      break;
  }
  question.uri_or_prompt = inquiry.uri_or_prompt;
  return {};
}

}  // namespace

Principal principal_facts(const registry::User& user, const registry::Snapshot& objects, std::string issuer) {
  return {user.id, objects.groups_of(user), std::move(issuer), user.email, user.department, user.title, user.tags};
}

AgentFacts agent_facts(const registry::Agent& agent, registry::ClientAuthentication authentication) {
  return {agent.id, agent.groups, agent.vendor, std::string(registry::to_string(authentication))};
}

ServerFacts server_facts(const registry::Server& server) { return {server.id, server.groups, server.environment}; }

std::vector<const registry::Scope*> scopes_of(const registry::Server& server, std::string_view tool) {
  std::vector<const registry::Scope*> found;
  for (const registry::Scope& scope : server.scopes) {
    const bool names_it = std::any_of(scope.tools.begin(), scope.tools.end(), [tool](const std::string& glob) { return glob_matches(glob, tool); });
    if (names_it) found.push_back(&scope);
  }
  return found;
}

std::optional<Action> parse_action(std::string_view text) {
  for (const Action action : {Action::connect, Action::grant_scope, Action::call, Action::read_resource, Action::subscribe, Action::get_prompt, Action::complete}) {
    if (to_string(action) == text) return action;
  }
  return std::nullopt;
}

Result<Question, NoQuestion> question_of(const Inquiry& inquiry, const World& world) {
  const registry::Objects& objects = world.objects.objects();
  const bool also_disabled = inquiry.also_disabled;
  const registry::User* user = world.objects.user(inquiry.user);
  if (!user) user = world.objects.user_by_name(inquiry.user);
  if (!user && !inquiry.person) return unexpected(unknown("user", inquiry.user, names_of(objects.users, &registry::User::name)));
  if (!inquiry.person && !user->active && !also_disabled) return unexpected(disabled("user", user->name));
  const registry::Agent* agent = world.objects.agent(inquiry.agent);
  if (!agent) return unexpected(unknown("agent", inquiry.agent, names_of(objects.agents, &registry::Agent::id)));
  if (!agent->active && !also_disabled) return unexpected(disabled("agent", agent->id));
  const registry::Server* server = world.objects.server(inquiry.server);
  if (!server) return unexpected(unknown("server", inquiry.server, names_of(objects.servers, &registry::Server::id)));
  if (!server->active && !also_disabled) return unexpected(disabled("server", server->id));

  Question question;
  question.action = inquiry.action;
  question.issuer = inquiry.issuer.empty() ? world.issuer : inquiry.issuer;
  question.principal = inquiry.person ? *inquiry.person : principal_facts(*user, world.objects, question.issuer);
  question.agent = agent_facts(*agent, authentication_for(inquiry.action, *agent, *server, world.objects));
  if (!inquiry.agent_authentication.empty()) question.agent.authentication = inquiry.agent_authentication;
  question.server = server_facts(*server);
  question.authentication = inquiry.authentication;
  question.ip = inquiry.ip;
  question.now = inquiry.now;
  TRY(set_subject(inquiry, world, *server, question));
  return question;
}

}  // namespace writ::policy
