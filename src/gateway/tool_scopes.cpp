#include "gateway/tool_scopes.h"

#include <algorithm>

#include "policy/inquiry.h"
#include "registry/combined_server.h"

namespace writ::gateway {

oauth::ScopeSet with_implied(const oauth::ScopeSet& granted, const registry::Server& server) {
  oauth::ScopeSet all = granted;
  // A set only grows, and only by names of the server: this ends, also when scopes imply each other.
  for (bool has_grown = true; has_grown;) {
    has_grown = false;
    for (const registry::Scope& scope : server.scopes) {
      if (!all.contains(scope.name)) continue;
      for (const std::string& implied : scope.implies) {
        if (all.contains(implied)) continue;
        all.insert(implied);
        has_grown = true;
      }
    }
  }
  return all;
}

oauth::ScopeSet held_scopes(const Circumstances& circumstances) {
  const registry::Server& server = circumstances.server;
  const oauth::ScopeSet& stated = circumstances.token.scope;
  if (!circumstances.endpoint) return with_implied(stated, server);
  oauth::ScopeSet own;
  policy::Question question = question_for(circumstances);
  question.action = policy::Action::grant_scope;
  const oauth::ScopeSet at_endpoint = with_implied(stated, *circumstances.endpoint);
  for (const std::string& name : at_endpoint.values()) {
    const auto at_member = registry::scope_of_member(name, server.id);
    const registry::Scope* scope = at_member ? registry::find_scope(server, *at_member) : nullptr;
    if (!scope) continue;
    question.scope = policy::ScopeFacts{scope->name, scope->high_impact};
    if (circumstances.policy.decide(question).allowed) own.insert(scope->name);
  }
  return with_implied(own, server);
}

std::string scope_to_ask_for(const Circumstances& circumstances, const registry::Scope& scope) {
  if (!circumstances.endpoint) return scope.name;
  std::string name = registry::scope_at_combined(circumstances.server.id, scope.name);
  return registry::find_scope(*circumstances.endpoint, name) ? name : std::string();
}

std::vector<policy::Question> scope_questions(const Circumstances& circumstances, const registry::Scope& scope) {
  std::vector<policy::Question> questions;
  policy::Question question = question_for(circumstances);
  question.action = policy::Action::grant_scope;
  question.scope = policy::ScopeFacts{scope.name, scope.high_impact};
  questions.push_back(question);
  if (!circumstances.endpoint) return questions;
  if (const registry::Scope* there = registry::find_scope(*circumstances.endpoint, registry::scope_at_combined(circumstances.server.id, scope.name))) {
    question.server = policy::server_facts(*circumstances.endpoint);
    question.scope = policy::ScopeFacts{there->name, there->high_impact};
    questions.push_back(std::move(question));
  }
  return questions;
}

}  // namespace writ::gateway
