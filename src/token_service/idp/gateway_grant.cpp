#include "token_service/idp/gateway_grant.h"

#include <algorithm>

#include "policy/recorded_questions.h"
#include "policy/shadow.h"
#include "token_service/idp/id_jag_statement.h"
#include "token_service/idp/policy_question.h"
#include "token_service/idp/subject_token.h"

namespace writ::token_service::idp {
namespace {

struct Yes {
  id_jag::Statement statement;
  std::vector<policy::Question> questions;   // for the decision points
};

// The session behind the access token: of this IdP, alive, and the person's.
Result<LiveSession, Refusal> check_session(const Idp& idp, const registry::Snapshot& snapshot, const GatewayRequest& request, Instant now) {
  // A `sid` of another issuer could happen to be one of ours.
  if (idp.settings.own_resource_as.empty() || request.token_issuer != idp.settings.own_resource_as || request.session.empty()) {
    return unexpected(refuse(Problem::subject_token_issuer));
  }
  for (const std::string& jti : {request.access_token_jti, request.id_jag_jti}) {
    if (!jti.empty() && idp.revocations.is_token_revoked(jti)) return unexpected(refuse(Problem::subject_token_revoked));
  }
  auto live = check_live(idp.sessions.find(request.session), snapshot, idp.revocations, idp.settings, now);
  if (!live) return unexpected(refuse(live.error()));
  if (live->user->id != request.user) return unexpected(refuse(Problem::subject_token_other_user));
  return std::move(*live);
}

Result<const registry::Agent*, Refusal> check_agent(const registry::Snapshot& snapshot, const std::string& id) {
  const registry::Agent* agent = snapshot.agent(id);
  if (!agent || !agent->active) return unexpected(refuse(Problem::agent_disabled, id));
  return agent;
}

// Asked for: the scopes that the server's document names, or else its default ones. Granted: those that policy grants to the calling agent.
Result<oauth::ScopeSet, Refusal> check_scopes(const registry::Server& server, const Circumstances& circumstances, const policy::Policy& policy, audit::Record& record) {
  const std::vector<std::string>& asked = server.upstream->oauth->scopes;
  oauth::ScopeSet granted, put_to_policy;
  std::vector<std::string> dropped;
  for (const registry::Scope& scope : server.scopes) {
    const bool is_wanted = asked.empty() ? scope.is_default : std::find(asked.begin(), asked.end(), scope.name) != asked.end();
    if (!is_wanted) continue;
    put_to_policy.insert(scope.name);
    const policy::Question question = scope_question(circumstances, server, scope);
    policy::record_question(question, record);
    const auto decision = policy.decide(question);
    policy::record_shadows(policy::about_scope(decision, scope.name), record.more);
    if (decision.allowed) granted.insert(scope.name);
    else dropped.push_back(scope.name);
  }
  record.scope = put_to_policy.to_string();
  if (!dropped.empty()) record.more.emplace_back(policy::kDroppedScopes, policy::to_list(dropped));
  // A server without scopes needs none; where there are some, none granted is no access.
  if (granted.empty() && !(asked.empty() && server.scopes.empty())) return unexpected(refuse(Problem::no_scope_granted));
  return granted;
}

Result<Yes, Refusal> decide(const Idp& idp, const registry::Snapshot& snapshot, const policy::Policy& policy, const GatewayRequest& request, Instant now, audit::Record& record) {
  const registry::Agent* gateway = TRY(check_agent(snapshot, request.gateway_agent));
  const registry::Agent* agent = TRY(check_agent(snapshot, request.agent));
  const LiveSession live = TRY(check_session(idp, snapshot, request, now));
  record.user_name = live.user->name;
  const registry::Server* server = snapshot.server(request.server);
  const bool is_meant = server && server->upstream && server->upstream->oauth && server->upstream->oauth->grant == registry::UpstreamOAuth::Grant::id_jag;
  if (!is_meant) return unexpected(refuse(Problem::resource_unknown));
  if (!server->active) return unexpected(refuse(Problem::server_disabled));
  const registry::UpstreamOAuth& oauth = *server->upstream->oauth;
  record.resource = oauth.resource.empty() ? server->upstream->url : oauth.resource;
  // This IdP never redeems what it issues (IDJAG-10, X3).
  if (oauth.issuer == idp.settings.issuer) return unexpected(refuse(Problem::audience_is_this_idp));
  const registry::ResourceAs* audience = snapshot.resource_as(oauth.issuer);
  if (!audience) return unexpected(refuse(Problem::audience_unknown));
  if (!audience->active) return unexpected(refuse(Problem::audience_disabled));
  const registry::Registration* client = snapshot.registration_at(*gateway, audience->issuer);
  if (!client || client->client_id.empty()) return unexpected(refuse(Problem::client_not_registered_at_audience));
  record.client_id = client->client_id;

  const auto method = agent->idp ? agent->idp->authentication : registry::ClientAuthentication::none;
  const Circumstances circumstances{snapshot, live, *agent, method, idp.settings, "", now};
  const policy::Question connect = connect_question(circumstances, *server);
  policy::record_question(connect, record);
  const auto decision = policy.decide(connect);
  record.policy_version = decision.version;
  policy::record_shadows(decision, record.more);
  for (const auto& id : decision.policies) record.policy += (record.policy.empty() ? "" : ",") + id;
  if (!decision.allowed) return unexpected(refuse(decision, idp.settings));
  const oauth::ScopeSet scope = TRY(check_scopes(*server, circumstances, policy, record));
  record.scope = scope.to_string();
  auto statement = TRY(state_id_jag({*audience, *client, record.resource}, scope, live, idp.settings, now));
  Yes yes{std::move(statement), {}};
  if (snapshot.decision_points_for(server->id).empty()) return yes;
  yes.questions.push_back(connect);
  for (const auto& one : server->scopes) {
    if (scope.contains(one.name)) yes.questions.push_back(scope_question(circumstances, *server, one));
  }
  return yes;
}

audit::Record record_of(const GatewayRequest& request, const registry::Snapshot& snapshot, const Settings& settings, Instant now) {
  audit::Record record;
  record.event = audit::Event::id_jag;
  record.time = now;
  record.user = request.user, record.agent = request.agent, record.server = request.server, record.session = request.session;
  record.access_token_jti = request.access_token_jti;
  record.issuer = settings.issuer;
  record.object_sequence = snapshot.sequence();
  // Both are on record: the agent that calls, and the gateway that the ID-JAG is for.
  record.more.emplace_back("gateway_agent", request.gateway_agent);
  const registry::Server* server = snapshot.server(request.server);
  if (server && server->upstream && server->upstream->oauth) record.more.emplace_back("audience", server->upstream->oauth->issuer);
  return record;
}

Task<GatewayRefusal> refuse_recorded(const Idp& idp, Refusal refusal, audit::Record record) {
  record.effect = audit::Effect::deny;
  record.reason = refusal.reason;
  record.detail = refusal.detail;
  GatewayRefusal refused{refusal.reason, ""};
  audit::Commit commit{std::move(record), std::nullopt, std::nullopt, audit::Durability::process};
  const auto committed = co_await idp.log.commit(std::move(commit));
  if (committed) refused.denial_code = audit::denial_code(committed->position);
  co_return refused;
}

}  // namespace

Task<Result<GatewayIdJag, GatewayRefusal>> issue_for_gateway(const Idp& idp, GatewayRequest request) {
  const auto snapshot = idp.registry.get();
  const auto policy = idp.policy.get();
  const Instant now = idp.clock.now();
  audit::Record record = record_of(request, *snapshot, idp.settings, now);
  auto decided = decide(idp, *snapshot, *policy, request, now, record);
  std::optional<Refusal> refusal;
  if (!decided) {
    refusal = std::move(decided).error();
  } else {
    auto agreed = co_await ask_decision_points(idp, *snapshot, decided->questions, record);
    if (!agreed) refusal = std::move(agreed).error();
    else if (*agreed) decided->statement.scope = (*agreed)->to_string();
  }
  if (refusal) {
    Refusal why = std::move(*refusal);
    auto refused = co_await refuse_recorded(idp, std::move(why), std::move(record));
    co_return unexpected(std::move(refused));
  }
  const id_jag::Statement& statement = decided->statement;
  record.effect = audit::Effect::allow;
  record.reason = "issued";
  record.id_jag_jti = statement.jti;
  const auto keys = idp.keys.current();
  auto id_jag = id_jag::issue(statement, keys->active);
  if (!id_jag) co_return unexpected(GatewayRefusal{"signing_unavailable", id_jag.error().what});
  audit::Commit commit{std::move(record), std::nullopt, std::nullopt, audit::Durability::power};
  const auto committed = co_await idp.log.commit(std::move(commit));
  if (!committed) co_return unexpected(GatewayRefusal{"log_unavailable", ""});
  co_return GatewayIdJag{std::move(*id_jag), statement.scope, statement.client_id};
}

}  // namespace writ::token_service::idp
