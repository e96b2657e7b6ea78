#include "token_service/resource_as/entitlement.h"

#include <algorithm>

#include "policy/inquiry.h"
#include "policy/recorded_questions.h"
#include "policy/shadow.h"

namespace writ::token_service::resource_as {
namespace {

const registry::Scope* find_scope(const registry::Server& server, std::string_view name) {
  for (const registry::Scope& scope : server.scopes)
    if (scope.name == name) return &scope;
  return nullptr;
}

oauth::ScopeSet default_scopes(const registry::Server& server) {
  oauth::ScopeSet scopes;
  for (const registry::Scope& scope : server.scopes)
    if (scope.is_default) scopes.insert(scope.name);
  return scopes;
}

bool is_below_ceiling(const registry::TrustedIssuer& issuer, const std::string& scope) {
  return issuer.all_scopes ||
         std::find(issuer.scope_ceiling.begin(), issuer.scope_ceiling.end(), scope) != issuer.scope_ceiling.end();
}

}  // namespace

policy::Question connect_question(const id_jag::IdJag& id_jag, const Parties& parties, const registry::Snapshot& snapshot,
                                std::string_view agent_authentication, const std::string& peer, Instant now) {
  policy::Question question;
  const registry::User& user = *parties.user;
  question.principal = policy::principal_facts(user, snapshot, id_jag.issuer);
  question.agent = {parties.agent->id, parties.agent->groups, parties.agent->vendor, std::string(agent_authentication)};
  question.server = policy::server_facts(*parties.server);
  question.authentication.acr = id_jag.acr;
  question.authentication.amr = id_jag.amr;
  // An `auth_time` of the future would be a younger sign-in than any: it counts as now at most.
  if (id_jag.auth_time) question.authentication.age = Seconds(std::max<std::int64_t>(to_unix_seconds(now) - *id_jag.auth_time, 0));
  question.ip = peer;
  question.issuer = id_jag.issuer;
  question.now = now;
  return question;
}

Result<oauth::ScopeSet, Refusal> asked_scopes(const id_jag::IdJag& id_jag, const form::Parameters& parameters,
                                              const ChosenServer& chosen, const Settings& settings) {
  const registry::Server& server = *chosen.server;
  oauth::ScopeSet granted = default_scopes(server);
  if (id_jag.scope) {
    granted = {};
    for (const std::string& scope : id_jag.scope->values()) {
      const auto has_scope = [&](const registry::Server* one) { return find_scope(*one, scope) != nullptr; };
      // EMA-29. With several resources in the claim a scope may belong to any of them; the token gets those of its own.
      if (std::none_of(chosen.granted.begin(), chosen.granted.end(), has_scope)) return unexpected(Refusal::scope_not_registered);
      if (has_scope(&server)) granted.insert(scope);
    }
  } else if (id_jag.has_authorization_details) {
    return unexpected(Refusal::only_authorization_details);
  }
  // Without a claim the issuer granted what the server gives by default, and a request may only narrow that (RAS-27).
  const std::string* parameter = parameters.find("scope");
  if (parameter == nullptr) {
    if (settings.no_scope_asked == Settings::NoScopeAsked::server_default) return granted.intersection(default_scopes(server));
    return granted;
  }
  const auto requested = oauth::ScopeSet::parse(*parameter);
  if (!requested) return unexpected(Refusal::scope_parameter_malformed);
  return requested->intersection(granted);
}

Result<Entitlement, Failure> entitle(const ProvenClaims& id_jag, const Parties& parties, const oauth::ScopeSet& asked,
                                     const policy::Policy& policy, const registry::Snapshot& snapshot,
                                     std::string_view agent_authentication, const std::string& peer, Instant now, audit::Record& record) {
  policy::Question question = connect_question(id_jag.claims(), parties, snapshot, agent_authentication, peer, now);
  Entitlement entitlement;
  question.action = policy::Action::connect;
  policy::record_question(question, record);
  entitlement.connect = policy.decide(question);
  const auto find_step_up = [&, connect = question]() -> std::optional<policy::StepUp> {
    std::vector<policy::Chain> ways;
    for (const std::string& name : asked.values()) {
      const registry::Scope* scope = find_scope(*parties.server, name);
      if (!scope || !is_below_ceiling(*parties.issuer, name)) continue;
      policy::Question granting = connect;
      granting.action = policy::Action::grant_scope;
      granting.scope = policy::ScopeFacts{scope->name, scope->high_impact};
      ways.push_back({connect, std::move(granting)});
    }
    return policy::step_up(ways, policy, snapshot.authentication_levels());
  };
  if (!entitlement.connect.allowed) {
    auto needed = find_step_up();
    if (needed) return unexpected(Failure(NeedsStepUp{std::move(*needed), entitlement.connect}));
    return unexpected(Failure(entitlement.connect));
  }

  question.action = policy::Action::grant_scope;
  policy::record_question(question, record);
  std::vector<std::string> dropped, above_ceiling;
  for (const std::string& name : asked.values()) {
    const registry::Scope* scope = find_scope(*parties.server, name);
    assert(scope != nullptr);   // asked_scopes lets registered ones through only
    question.scope = policy::ScopeFacts{scope->name, scope->high_impact};
    if (!is_below_ceiling(*parties.issuer, name)) {
      above_ceiling.push_back(name);
      continue;
    }
    const auto decision = policy.decide(question);
    const auto about = policy::about_scope(decision, name);
    entitlement.connect.shadows.insert(entitlement.connect.shadows.end(), about.shadows.begin(), about.shadows.end());
    if (decision.allowed) entitlement.scopes.insert(name);
    else dropped.push_back(name);
  }
  if (!dropped.empty()) record.more.emplace_back(policy::kDroppedScopes, policy::to_list(dropped));
  if (!above_ceiling.empty()) record.more.emplace_back(policy::kScopesAboveCeiling, policy::to_list(above_ceiling));
  if (entitlement.scopes.empty()) {
    auto needed = find_step_up();
    if (needed) return unexpected(Failure(NeedsStepUp{std::move(*needed), entitlement.connect}));
    return unexpected(Failure(Refusal::no_grantable_scope));
  }
  if (snapshot.decision_points_for(parties.server->id).empty()) return entitlement;
  question.action = policy::Action::connect;
  question.scope.reset();
  entitlement.questions.push_back(question);
  question.action = policy::Action::grant_scope;
  for (const std::string& name : entitlement.scopes.values()) {
    const registry::Scope* scope = find_scope(*parties.server, name);
    question.scope = policy::ScopeFacts{scope->name, scope->high_impact};
    entitlement.questions.push_back(question);
  }
  return entitlement;
}

}  // namespace writ::token_service::resource_as
