#include "token_service/resource_as/interactive/decision.h"

#include "token_service/resource_as/agreement.h"
#include "token_service/resource_as/subject.h"

namespace writ::token_service::resource_as {
namespace {

Result<const registry::Server*, Refusal> find_server(const id_jag::IdJag& claims, const registry::Snapshot& snapshot, const Settings& settings) {
  const auto* server = snapshot.server_by_resource(claims.resources.front());
  if (!server) return unexpected(Refusal::resource_not_registered);
  if (server->resource_as != settings.issuer || !server->interactive_grant) return unexpected(Refusal::resource_of_another_server);
  if (!server->active) return unexpected(Refusal::server_disabled);
  return server;
}

// Scopes that the server lost since it was asked for are nobody's any more.
oauth::ScopeSet still_there(const oauth::ScopeSet& asked, const registry::Server& server) {
  oauth::ScopeSet left;
  for (const auto& scope : server.scopes) {
    if (asked.contains(scope.name)) left.insert(scope.name);
  }
  return left;
}

Result<Decided, Failure> check(const Interactive& interactive, const registry::Snapshot& snapshot, const VerifiedSignIn& sign_in, const AskedBy& asked, audit::Record& record) {
  const auto refuse = [](Refusal refusal) { return unexpected(Failure(refusal)); };
  const id_jag::IdJag& claims = sign_in.claims();
  record.issuer = claims.issuer;
  record.session = claims.sid;
  const auto* issuer = snapshot.trusted_issuer(claims.issuer);
  if (!issuer) return refuse(Refusal::issuer_not_trusted);
  if (!issuer->active) return refuse(Refusal::issuer_disabled);
  if (!may_redeem(*issuer, *asked.agent)) return refuse(Refusal::client_not_allowed);
  Decided decided;
  decided.user = TRY(resolve_subject(claims, *issuer, snapshot)).user;
  record.user = decided.user->id;
  record.user_name = decided.user->name;
  TRY(check_session(claims, *decided.user, interactive.revocations, interactive.settings, asked.now));
  decided.server = TRY(find_server(claims, snapshot, interactive.settings));
  record.server = decided.server->id;
  record.resource = decided.server->resource;
  const oauth::ScopeSet scopes = still_there(*claims.scope, *decided.server);
  record.scope = scopes.to_string();

  const auto policy = interactive.policy.get();
  record.policy_version = policy->version();
  // Before policy: that this client might be allowed by another name of its authentication must not turn a no into a yes.
  if (interactive.refusals.counts({decided.user->id, asked.agent->id, decided.server->id}, policy->version(), asked.now)) return refuse(Refusal::ema_refused);
  const Parties parties{issuer, decided.user, asked.agent, decided.server};
  auto entitlement = entitle(sign_in, parties, scopes, *policy, snapshot, registry::to_string(asked.method), asked.peer, asked.now, record);
  if (!entitlement) {
    if (const auto* decision = std::get_if<policy::Decision>(&entitlement.error())) record_decision(*decision, record);
    if (const auto* needed = std::get_if<NeedsStepUp>(&entitlement.error())) record_decision(needed->decision, record);
    return unexpected(std::move(entitlement).error());
  }
  record_decision(entitlement->connect, record);
  decided.entitlement = std::move(*entitlement);
  return decided;
}

}  // namespace

Task<Result<Decided, Failure>> decide_for(const Interactive& interactive, std::shared_ptr<const registry::Snapshot> snapshot, const VerifiedSignIn& sign_in, AskedBy asked, audit::Record& record) {
  auto decided = check(interactive, *snapshot, sign_in, asked, record);
  if (!decided) co_return unexpected(std::move(decided).error());
  const auto agreed = co_await ask_decision_points(interactive.decision_points, decided->entitlement, *snapshot, record);
  if (!agreed) co_return unexpected(agreed.error());
  co_return decided;
}

}  // namespace writ::token_service::resource_as
