#include "token_service/idp/token_exchange_grant.h"

#include <algorithm>

#include "encoding/uri.h"
#include "id_jag/issue.h"
#include "oauth/identifiers.h"
#include "oauth/scope.h"
#include "policy/recorded_questions.h"
#include "policy/shadow.h"
#include "token_service/idp/authorization_details.h"
#include "token_service/idp/federation/direct_subject.h"
#include "token_service/idp/federation/saml_subject.h"
#include "token_service/idp/id_jag_statement.h"
#include "token_service/idp/policy_question.h"
#include "token_service/idp/revoke_grant.h"
#include "token_service/idp/subject_token.h"

namespace writ::token_service::idp {
namespace {

// The answer so far; `record` is filled as things become known, so that a refusal names what was known when it was said.
struct Exchange {
  const Idp& idp;
  const TokenRequest& request;
  const Client& client;
  const policy::Policy& policy;
  audit::Record& record;
  const Result<Subject, Refusal>* direct = nullptr;   // what came of an upstream provider's token, if it is one
  std::optional<jose::UnverifiedJwt> id_token{};      // what was read on the way to find that out
};

// What the ID-JAG will be for: usually one.
using Servers = std::vector<const registry::Server*>;
constexpr std::size_t kResourcesMax = 10;

Result<void, Refusal> check_shape(const TokenRequest& request) {
  const form::Parameters& parameters = request.parameters;
  const auto* wanted = parameters.find("requested_token_type");
  if (!wanted) return unexpected(refuse(Problem::missing_parameter, "requested_token_type"));
  if (*wanted != oauth::kTokenTypeIdJag) return unexpected(refuse(Problem::requested_token_type_unsupported));
  // No actor profile exists here, and an `act` that nobody checked would be believed downstream (X5, IDJAG-32).
  if (parameters.find("actor_token") || parameters.find("actor_token_type")) return unexpected(refuse(Problem::actor_token_present));
  if (!parameters.find("audience")) return unexpected(refuse(Problem::missing_parameter, "audience"));
  return {};
}

Result<void, Refusal> check_agent(const Client& client) {
  if (!client.agent->active) return unexpected(refuse(Problem::agent_disabled));
  // `writ-cli` is a public client at sign-in; for everything after it the device's key is its credential (rules of first credentials).
  if (client.registration->device_keys && client.device_id.empty()) return unexpected(refuse(Problem::device_key_required));
  return {};
}

Result<void, Refusal> check_device(const Client& client, const Subject& subject) {
  if (client.device_id.empty() || client.device_user_id == subject.live.user->id) return {};
  return unexpected(refuse(Problem::subject_of_another_device_user));
}

Result<const registry::ResourceAs*, Refusal> check_audience(const Exchange& exchange) {
  const auto audiences = exchange.request.parameters.find_all("audience");
  if (audiences.size() != 1) return unexpected(refuse(Problem::several_audiences));
  // This IdP never redeems what it issues (IDJAG-10, X3).
  if (audiences.front() == exchange.idp.settings.issuer) return unexpected(refuse(Problem::audience_is_this_idp));
  const registry::ResourceAs* audience = exchange.client.snapshot->resource_as(audiences.front());
  if (!audience) return unexpected(refuse(Problem::audience_unknown));
  if (!audience->active) return unexpected(refuse(Problem::audience_disabled));
  return audience;
}

// IDJAG-53: the client is named as the audience knows it, or there is no ID-JAG.
Result<const registry::Registration*, Refusal> check_client_at(const registry::ResourceAs& audience, const Exchange& exchange) {
  const auto* registration = exchange.client.snapshot->registration_at(*exchange.client.agent, audience.issuer);
  if (!registration || registration->client_id.empty()) return unexpected(refuse(Problem::client_not_registered_at_audience));
  return registration;
}

// No `resource`: only when exactly one server of this audience is open to this person and agent (C1 of the catalogue).
Result<const registry::Server*, Refusal> only_server_of(const registry::ResourceAs& audience, const Circumstances& circumstances,
                                                        const Exchange& exchange) {
  const registry::Server* only = nullptr;
  for (const registry::Server* server : exchange.client.snapshot->servers_of(audience.issuer)) {
    if (!server->active || !exchange.policy.decide(connect_question(circumstances, *server)).allowed) continue;
    if (only) return unexpected(refuse(Problem::resource_not_determined, "several servers are open"));
    only = server;
  }
  if (!only) return unexpected(refuse(Problem::resource_not_determined, "no server is open"));
  return only;
}

Result<const registry::Server*, Refusal> check_resource(std::string_view resource, const registry::ResourceAs& audience, const Exchange& exchange) {
  if (!uri::is_resource(resource)) return unexpected(refuse(Problem::resource_malformed));   // RFC 8707 §2
  const registry::Server* server = exchange.client.snapshot->server_by_resource(resource);
  if (!server) return unexpected(refuse(Problem::resource_unknown));
  // The pair table (IDJAG-51): an audience speaks for its own resources only.
  if (server->resource_as != audience.issuer) return unexpected(refuse(Problem::resource_of_another_audience));
  if (!server->active) return unexpected(refuse(Problem::server_disabled));
  return server;
}

// Those that are named, each once; never empty.
Result<Servers, Refusal> check_resources(const registry::ResourceAs& audience, const Circumstances& circumstances, const Exchange& exchange) {
  const auto resources = exchange.request.parameters.find_all("resource");
  if (resources.empty()) return Servers{TRY(only_server_of(audience, circumstances, exchange))};
  if (resources.size() > kResourcesMax) return unexpected(refuse(Problem::several_resources, "too many"));
  Servers servers;
  for (const auto& resource : resources) {
    const registry::Server* server = TRY(check_resource(resource, audience, exchange));
    if (std::find(servers.begin(), servers.end(), server) == servers.end()) servers.push_back(server);
  }
  // Whoever else must agree is asked about one server at a time.
  const auto has_decision_points = [&](const registry::Server* server) { return !exchange.client.snapshot->decision_points_for(server->id).empty(); };
  if (servers.size() > 1 && std::any_of(servers.begin(), servers.end(), has_decision_points)) return unexpected(refuse(Problem::several_resources, "a decision point is asked about one of them"));
  return servers;
}

// The scopes that the request is about: those it names, or the server's default ones. Absent: the parameter is malformed.
std::optional<std::vector<const registry::Scope*>> wanted_scopes(const registry::Server& server, const Exchange& exchange) {
  const auto* text = exchange.request.parameters.find("scope");
  const auto asked = text ? oauth::ScopeSet::parse(*text) : std::nullopt;
  if (text && !asked) return std::nullopt;
  std::vector<const registry::Scope*> wanted;
  for (const auto& scope : server.scopes) {
    if (asked ? asked->contains(scope.name) : scope.is_default) wanted.push_back(&scope);
  }
  return wanted;
}

// Whether a better sign-in would give this ID-JAG with at least one of the scopes: only then is it asked for (IDJAG-72).
std::optional<policy::StepUp> find_step_up(const registry::Server& server, const Circumstances& circumstances, const Exchange& exchange) {
  const auto& levels = exchange.client.snapshot->authentication_levels();
  const auto wanted = wanted_scopes(server, exchange);
  if (levels.empty() || !wanted) return std::nullopt;
  std::vector<policy::Chain> ways;
  for (const registry::Scope* scope : *wanted) {
    ways.push_back({connect_question(circumstances, server), scope_question(circumstances, server, *scope)});
  }
  return policy::step_up(ways, exchange.policy, levels);
}

Result<void, Refusal> check_connect(const registry::Server& server, const Circumstances& circumstances, const Exchange& exchange) {
  const policy::Question question = connect_question(circumstances, server);
  policy::record_question(question, exchange.record);
  const auto decision = exchange.policy.decide(question);
  exchange.record.policy_version = decision.version;
  policy::record_shadows(decision, exchange.record.more);
  for (const auto& id : decision.policies) exchange.record.policy += (exchange.record.policy.empty() ? "" : ",") + id;
  if (decision.allowed) return {};
  if (const auto step_up = find_step_up(server, circumstances, exchange)) return unexpected(refuse(*step_up));
  return unexpected(refuse(decision, exchange.idp.settings));
}

// What policy says to the scopes that are wanted at one server. The record gets what was asked.
struct PutToPolicy {
  oauth::ScopeSet asked, granted;
  std::vector<std::string> dropped;
};
Result<void, Refusal> put_to_policy(const registry::Server& server, const Circumstances& circumstances, const Exchange& exchange, PutToPolicy& put) {
  const auto wanted = wanted_scopes(server, exchange);
  if (!wanted) return unexpected(refuse(Problem::scope_malformed));
  for (const registry::Scope* scope : *wanted) {
    put.asked.insert(scope->name);
    const policy::Question question = scope_question(circumstances, server, *scope);
    policy::record_question(question, exchange.record);
    const auto decision = exchange.policy.decide(question);
    policy::record_shadows(policy::about_scope(decision, scope->name), exchange.record.more);
    if (decision.allowed) put.granted.insert(scope->name);
    else put.dropped.push_back(scope->name);
  }
  return {};
}

// Asked for: those that exist and policy grants. None asked for: the servers' default scopes that policy grants. None left: no ID-JAG.
Result<oauth::ScopeSet, Refusal> check_scopes(const Servers& servers, const Circumstances& circumstances, const Exchange& exchange) {
  PutToPolicy put;
  for (const registry::Server* server : servers) TRY(put_to_policy(*server, circumstances, exchange, put));
  exchange.record.scope = put.asked.to_string();
  if (!put.dropped.empty()) exchange.record.more.emplace_back(policy::kDroppedScopes, policy::to_list(put.dropped));
  // Of one name at two servers: denied at one, it is granted at none, for the ID-JAG cannot tell them apart.
  oauth::ScopeSet granted;
  for (const std::string& name : put.granted.values())
    if (std::find(put.dropped.begin(), put.dropped.end(), name) == put.dropped.end()) granted.insert(name);
  if (!granted.empty()) return granted;
  for (const registry::Server* server : servers)
    if (const auto step_up = find_step_up(*server, circumstances, exchange)) return unexpected(refuse(*step_up));
  const auto* text = exchange.request.parameters.find("scope");
  return unexpected(refuse(Problem::no_scope_granted, text ? *text : "no default scope"));
}

Result<Subject, Refusal> subject_of(Exchange& exchange) {
  if (exchange.direct) return *exchange.direct;
  return check_subject_token(exchange.idp, exchange.request, exchange.client, std::move(exchange.id_token));
}

std::vector<std::string> resources_of(const Servers& servers) {
  std::vector<std::string> resources;
  for (const registry::Server* server : servers) resources.push_back(server->resource);
  return resources;
}
std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : " ") + text;
  return all;
}

struct Yes {
  id_jag::Statement statement;
  Subject subject;
  // What policy allowed, for whoever else must agree: `connect`, then one for each scope of the statement. Empty: nobody else is asked.
  std::vector<policy::Question> questions;
};

// The order is that of the specification's "Processing Rules": who asks, for whom, at whom, for what, and only then policy.
Result<Yes, Refusal> decide_exchange(Exchange& exchange) {
  TRY(check_shape(exchange.request));
  TRY(check_agent(exchange.client));
  Subject subject = TRY(subject_of(exchange));
  exchange.record.user = subject.live.user->id;
  exchange.record.user_name = subject.live.user->name;
  exchange.record.session = subject.live.session.id;
  if (const auto& upstream = subject.live.session.upstream; !upstream.issuer.empty()) exchange.record.more.emplace_back("upstream_issuer", upstream.issuer);
  TRY(check_device(exchange.client, subject));
  const registry::ResourceAs* audience = TRY(check_audience(exchange));
  exchange.record.more.emplace_back("audience", audience->issuer);
  const registry::Registration* at_audience = TRY(check_client_at(*audience, exchange));
  const Circumstances circumstances{*exchange.client.snapshot,
                                    subject.live,
                                    *exchange.client.agent,
                                    exchange.client.method,
                                    exchange.idp.settings,
                                    exchange.request.peer,
                                    exchange.request.now};
  const Servers servers = TRY(check_resources(*audience, circumstances, exchange));
  const registry::Server* server = servers.front();
  exchange.record.server = server->id;
  exchange.record.resource = server->resource;
  if (servers.size() > 1) exchange.record.more.emplace_back(policy::kSeveralResources, joined(resources_of(servers)));
  json::Array details = TRY(asked_details(exchange.request.parameters, servers));
  for (const registry::Server* one : servers) TRY(check_connect(*one, circumstances, exchange));
  const oauth::ScopeSet scope = TRY(check_scopes(servers, circumstances, exchange));
  exchange.record.scope = scope.to_string();
  if (!details.empty()) {
    std::vector<policy::Question> connects;
    for (const registry::Server* one : servers) connects.push_back(connect_question(circumstances, *one));
    details = TRY(permitted_details(std::move(details), servers, connects, exchange.policy, *exchange.client.snapshot, exchange.idp.settings, exchange.record));
  }
  auto statement = TRY(state_id_jag({*audience, *at_audience, server->resource}, scope, subject.live, exchange.idp.settings, exchange.request.now));
  statement.resources = resources_of(servers);
  statement.authorization_details = std::move(details);
  statement.confirmation_jkt = exchange.request.dpop_jkt;   // IDJAG-102; without a proof there is no `cnf` (IDJAG-103)
  Yes yes{std::move(statement), std::move(subject), {}};
  if (exchange.client.snapshot->decision_points_for(server->id).empty()) return yes;
  yes.questions.push_back(connect_question(circumstances, *server));
  for (const auto& one : server->scopes) {
    if (scope.contains(one.name)) yes.questions.push_back(scope_question(circumstances, *server, one));
  }
  return yes;
}

// The person's links and groups may just have changed: everything that follows is decided on the objects with these changes.
Result<Subject, Refusal> take_subject(DirectOutcome found, Client& asking, audit::Record& record) {
  if (auto* refusal = std::get_if<Refusal>(&found)) return unexpected(std::move(*refusal));
  auto& direct = std::get<DirectSubject>(found);
  const registry::Agent* agent = direct.snapshot->agent(asking.agent->id);
  if (!agent || !agent->active || !agent->idp) return unexpected(refuse(Problem::agent_disabled));
  asking.snapshot = direct.snapshot, asking.agent = agent, asking.registration = &*agent->idp;
  record.object_sequence = direct.snapshot->sequence();
  return std::move(direct.subject);
}

Task<Result<void, Unavailable>> note_use(const Idp& idp, std::string sid, std::string family_id, std::optional<std::size_t> generation,
                                         Instant now) {
  if (generation) {
    const auto marked = co_await idp.refresh_tokens.mark_used(family_id, *generation);
    if (!marked) co_return unexpected(marked.error());
  }
  const auto touched = co_await idp.sessions.touch(sid, now);
  co_return touched;
}

Result<Granted, Unavailable> granted(const Idp& idp, const Yes& yes, audit::Record record, Instant now) {
  const auto keys = idp.keys.current();
  const id_jag::Statement& statement = yes.statement;
  record.effect = audit::Effect::allow;
  record.reason = "issued";
  record.issuer = statement.issuer;
  record.id_jag_jti = statement.jti;
  std::string id_jag = TRY(id_jag::issue(statement, keys->active));
  Granted granted;
  granted.body = {{"issued_token_type", oauth::kTokenTypeIdJag},
                  {"access_token", std::move(id_jag)},
                  {"token_type", "N_A"},
                  {"scope", statement.scope},
                  {"expires_in", statement.expires - statement.issued_at}};
  // Also when it is all that was asked for: whoever asks with details reads them.
  if (!statement.authorization_details.empty()) granted.body.push_back({"authorization_details", statement.authorization_details});
  granted.record = std::move(record);
  granted.after_commit = [&idp, sid = yes.subject.live.session.id, family = yes.subject.grant_id,
                          generation = yes.subject.refresh_generation, now] { return note_use(idp, sid, family, generation, now); };
  return granted;
}

}  // namespace

std::string_view TokenExchangeGrant::grant_type() const { return oauth::kGrantTokenExchange; }

Task<Outcome> TokenExchangeGrant::decide(const TokenRequest& request, const Client& client) {
  if (is_assertion_exchange(request)) {
    auto exchanging = exchange_assertion(idp_, request, client);
    co_return co_await exchanging;
  }
  audit::Record record = record_of(audit::Event::id_jag, request, client);
  const auto policy = idp_.policy.get();
  Client asking = client;
  std::optional<Result<Subject, Refusal>> direct;
  std::optional<jose::UnverifiedJwt> id_token;
  if (check_shape(request) && check_agent(client)) {
    auto found = co_await find_direct_subject(idp_, request, client, id_token);
    if (found && std::holds_alternative<Unavailable>(*found)) co_return Outcome{std::get<Unavailable>(*found)};
    if (found) direct = take_subject(std::move(*found), asking, record);
  }
  Exchange exchange{idp_, request, asking, *policy, record, direct ? &*direct : nullptr, std::move(id_token)};
  auto decided = decide_exchange(exchange);
  if (decided) {
    auto agreed = co_await ask_decision_points(idp_, *client.snapshot, decided->questions, record);
    if (!agreed) co_return Outcome{refused(std::move(agreed).error(), std::move(record))};
    if (*agreed) decided->statement.scope = (*agreed)->to_string();
    auto given = granted(idp_, *decided, std::move(record), request.now);
    co_return given ? Outcome{std::move(*given)} : Outcome{given.error()};
  }
  Refusal refusal = std::move(decided).error();
  if (!refusal.compromised_grant.empty()) {
    record.event = audit::Event::refresh_reuse;
    const auto revoked = co_await revoke_grant(idp_, refusal.compromised_grant, request.now);
    if (!revoked) co_return Outcome{revoked.error()};
  }
  co_return Outcome{refused(std::move(refusal), std::move(record))};
}

}  // namespace writ::token_service::idp
