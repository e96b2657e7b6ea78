#include "token_service/resource_as/jwt_bearer_grant.h"

#include <algorithm>

#include "id_jag/verify.h"
#include "oauth/identifiers.h"
#include "policy/shadow.h"
#include "token_service/resource_as/access_token.h"
#include "token_service/resource_as/entitlement.h"
#include "token_service/resource_as/resource.h"
#include "token_service/resource_as/subject.h"

namespace writ::token_service::resource_as {

// One request on its way. The record fills up as more becomes known, so that a refusal says as much as a yes would.
struct JwtBearerGrant::Redemption {
  const TokenRequest& request;
  const Client& client;
  audit::Record record{};
  std::optional<id_jag::UnverifiedIdJag> unverified{};
};

// What every check came to: who gets what, before it is given.
struct JwtBearerGrant::Checked {
  id_jag::VerifiedIdJag grant;
  const registry::User* user;
  const registry::Server* server;
  Entitlement entitlement;
};

namespace {

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) {
    if (!all.empty()) all += ',';
    all += text;
  }
  return all;
}

void describe(const policy::Decision& decision, audit::Record& record) {
  record.policy = joined(decision.policies);
  record.policy_version = decision.version;
  policy::record_shadows(decision, record.more);
}

bool may_redeem(const registry::TrustedIssuer& issuer, const registry::Agent& agent) {
  return issuer.all_clients || std::find(issuer.clients.begin(), issuer.clients.end(), agent.id) != issuer.clients.end();
}

json::Object response_body(const AccessToken& token, const KeyRing& keys, const registry::Server& server, const oauth::ScopeSet& scopes) {
  // RAS-70, RAS-71. No refresh token (RAS-72): the next ID-JAG is the moment at which the IdP can say no.
  return {{"access_token", sign(token, keys)},
          {"token_type", "Bearer"},
          {"expires_in", token.expires - token.issued_at},
          {"scope", scopes.to_string()},
          {"resource", server.resource}};
}

}  // namespace

JwtBearerGrant::JwtBearerGrant(const Settings& settings, IssuerKeys& issuer_keys, const SigningKeys& signing_keys,
                               const policy::Current& policy, const registry::Revocations& revocations, policy::DecisionPoints* decision_points)
    : settings_(settings), issuer_keys_(issuer_keys), signing_keys_(signing_keys), policy_(policy), revocations_(revocations),
      decision_points_(decision_points) {}

std::string_view JwtBearerGrant::grant_type() const { return oauth::kGrantJwtBearer; }

Task<Outcome> JwtBearerGrant::decide(const TokenRequest& request, const Client& client) {
  Redemption redemption{request, client};
  redemption.record.event = audit::Event::access_token;
  const auto refused = [&](const Failure& failure) {
    Refused answer{to_wire(failure, settings_), std::move(redemption.record)};
    resource_as::describe(failure, answer.record);
    answer.with_code = std::holds_alternative<policy::Decision>(failure) || std::holds_alternative<NeedsStepUp>(failure) ||
                       std::holds_alternative<policy::Opinion>(failure);
    return Outcome(std::move(answer));
  };

  const auto issuer = find_issuer(redemption);
  if (!issuer) co_return refused(issuer.error());
  auto fetching = issuer_keys_.of(**issuer, redemption.unverified->kid());
  const auto keys = co_await fetching;
  if (!keys) co_return Outcome(keys.error());
  auto checked = check(redemption, **issuer, **keys);
  if (!checked) co_return refused(checked.error());
  const auto agreed = co_await ask_decision_points(*checked, *client.snapshot, redemption.record);
  if (!agreed) co_return refused(agreed.error());
  co_return Outcome(issue(redemption, **issuer, *checked));
}

// They narrow what policy gave, and give nothing themselves.
Task<Result<void, Failure>> JwtBearerGrant::ask_decision_points(Checked& checked, const registry::Snapshot& snapshot, audit::Record& record) const {
  const auto& questions = checked.entitlement.questions;
  if (questions.empty()) co_return Result<void, Failure>{};
  policy::Opinion nobody;
  nobody.reason = "external_unavailable";
  if (decision_points_ == nullptr) co_return unexpected(Failure(nobody));
  std::vector<const policy::Question*> asked;
  for (const auto& question : questions) asked.push_back(&question);
  const auto opinions = co_await decision_points_->ask(std::move(asked), snapshot);
  policy::note(opinions, record);
  if (opinions.size() != questions.size()) co_return unexpected(Failure(nobody));
  if (!opinions.front().allowed) co_return unexpected(Failure(opinions.front()));
  oauth::ScopeSet left;
  std::vector<std::string> dropped;
  for (std::size_t i = 1; i < opinions.size(); ++i) {
    const std::string& scope = questions[i].scope->name;
    if (opinions[i].allowed) left.insert(scope);
    else dropped.push_back(scope);
  }
  // A list of its own: policy had allowed these.
  if (!dropped.empty()) record.more.emplace_back("dropped_by_decision_points", joined(dropped));
  if (left.empty()) co_return unexpected(Failure(opinions.back()));
  checked.entitlement.scopes = std::move(left);
  co_return Result<void, Failure>{};
}

// Steps 3, 4 and 6 of the validation order: nothing is believed yet, nothing is fetched for a stranger.
Result<const registry::TrustedIssuer*, Failure> JwtBearerGrant::find_issuer(Redemption& redemption) const {
  const auto refuse = [](Refusal refusal) { return unexpected(Failure(refusal)); };
  if (redemption.request.has_dpop_proof) return refuse(Refusal::dpop_not_offered);
  const std::string* assertion = redemption.request.parameters.find("assertion");
  if (assertion == nullptr) return refuse(Refusal::assertion_missing);
  redemption.unverified = TRY(id_jag::parse(*assertion));

  const std::string& claimed_issuer = redemption.unverified->claimed_issuer();
  redemption.record.issuer = claimed_issuer;
  redemption.record.id_jag_jti = redemption.unverified->claimed_jti();
  if (claimed_issuer == settings_.issuer) return refuse(Refusal::issuer_is_us);
  const registry::TrustedIssuer* issuer = redemption.client.snapshot->trusted_issuer(claimed_issuer);
  if (issuer == nullptr) return refuse(Refusal::issuer_not_trusted);
  if (!issuer->active) return refuse(Refusal::issuer_disabled);
  return issuer;
}

Result<JwtBearerGrant::Checked, Failure> JwtBearerGrant::check(Redemption& redemption, const registry::TrustedIssuer& issuer,
                                                              const jose::KeySet& keys) const {
  const auto refuse = [](Refusal refusal) { return unexpected(Failure(refusal)); };
  const auto& [request, client, _, unverified] = redemption;
  const registry::Snapshot& snapshot = *client.snapshot;
  audit::Record& record = redemption.record;

  auto id_jag = TRY(id_jag::verify(*unverified, keys,
                                         {.issuer = issuer.issuer,
                                          .audience = settings_.issuer,
                                          .client_id = client.registration->client_id,
                                          .algorithms = issuer.algorithms,
                                          .now_seconds = to_unix_seconds(request.now),
                                          .skew_seconds = settings_.skew_seconds,
                                          .lifetime_seconds_max = std::min(issuer.lifetime_seconds_max, kIdJagLifetimeSecondsMax)}));
  // From here on the ID-JAG is genuine, is for us, and belongs to this client.
  const id_jag::IdJag& claims = id_jag.claims();
  record.session = claims.sid;
  if (!may_redeem(issuer, *client.agent)) return refuse(Refusal::client_not_allowed);

  const registry::User* user = TRY(resolve_subject(claims, issuer, snapshot));
  record.user = user->id;
  record.user_name = user->name;
  if (!client.device_user_id.empty() && client.device_user_id != user->id) return refuse(Refusal::device_of_another_user);
  TRY(check_session(claims, *user, revocations_, settings_, request.now));

  const ChosenServer chosen = TRY(choose_server(claims, request.parameters, snapshot, settings_));
  const registry::Server* server = chosen.server;
  record.server = server->id;
  record.resource = server->resource;
  const oauth::ScopeSet asked = TRY(asked_scopes(claims, request.parameters, chosen, settings_));
  record.scope = asked.to_string();

  const auto policy = policy_.get();
  record.policy_version = policy->version();
  const Parties parties{&issuer, user, client.agent, server};
  auto entitlement = entitle(id_jag, parties, asked, *policy, snapshot, registry::to_string(client.method), request.peer, request.now, record);
  if (!entitlement) {
    if (const auto* decision = std::get_if<policy::Decision>(&entitlement.error())) describe(*decision, record);
    if (const auto* needed = std::get_if<NeedsStepUp>(&entitlement.error())) describe(needed->decision, record);
    return unexpected(entitlement.error());
  }
  describe(entitlement->connect, record);
  return Checked{std::move(id_jag), user, server, std::move(*entitlement)};
}

Granted JwtBearerGrant::issue(Redemption& redemption, const registry::TrustedIssuer& issuer, const Checked& checked) const {
  const auto& [id_jag, user, server, entitlement] = checked;   // genuine, for us, and of this client
  const id_jag::IdJag& claims = id_jag.claims();
  const TokenRequest& request = redemption.request;
  audit::Record& record = redemption.record;
  record.scope = entitlement.scopes.to_string();

  const auto ring = signing_keys_.current();
  const AccessToken token = make_access_token(id_jag, *user, *server, entitlement.scopes, settings_, request.now);
  Granted granted;
  granted.body = response_body(token, *ring, *server, entitlement.scopes);
  record.effect = audit::Effect::allow;
  record.access_token_jti = token.jti;   // the chain: ID-JAG → access token
  record.reason = "issued";

  // The claim comes last, so that a refusal above does not use the ID-JAG up (C7). Without single use each redemption is on record all
  // the same, and the client is the same by check_client (C5 of the spec catalogue).
  if (issuer.replay == registry::TrustedIssuer::Replay::single_use) {
    const Instant forget_after = from_unix_seconds(claims.expires + settings_.skew_seconds + 1);
    granted.claim = audit::make_claim(audit::Claim::Use::id_jag, claims.issuer, claims.jti, forget_after);
    granted.if_replayed = record;
    granted.if_replayed->effect = audit::Effect::deny;
    granted.if_replayed->reason = "replayed";
    granted.if_replayed->access_token_jti.clear();
  }
  granted.record = std::move(record);
  return granted;
}

}  // namespace writ::token_service::resource_as
