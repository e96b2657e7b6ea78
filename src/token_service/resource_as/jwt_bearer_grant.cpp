#include "token_service/resource_as/jwt_bearer_grant.h"

#include <algorithm>

#include "id_jag/verify.h"
#include "oauth/identifiers.h"
#include "registry/linked_subject.h"
#include "registry/withdrawn_keys.h"
#include "token_service/mutual_tls.h"
#include "token_service/resource_as/access_token.h"
#include "token_service/resource_as/agreement.h"
#include "token_service/resource_as/details.h"
#include "token_service/resource_as/encrypted_assertion.h"
#include "token_service/resource_as/entitlement.h"
#include "token_service/resource_as/newcomer.h"
#include "token_service/resource_as/resource.h"
#include "token_service/resource_as/subject.h"
#include "token_service/resource_as/trust.h"

namespace writ::token_service::resource_as {

// One request on its way. The record fills up as more becomes known, so that a refusal says as much as a yes would.
struct JwtBearerGrant::Redemption {
  const TokenRequest& request;
  Client client;
  audit::Record record{};
  std::optional<id_jag::UnverifiedIdJag> unverified{};
  std::optional<linked_accounts::Newcomer> newcomer{};   // a genuine ID-JAG, of somebody who is not known yet
};

// What every check came to: who gets what, before it is given.
struct JwtBearerGrant::Checked {
  id_jag::VerifiedIdJag grant;
  const registry::User* user;
  const registry::Server* server;
  Entitlement entitlement;
  bool by_link = false;       // the user was found by a link, and has this as long as it is there
};

namespace {

// RAS-60: the table of the ID-JAG's `cnf` and the request's proof. A proof for an ID-JAG without `cnf` binds the token to the key proved.
Result<void, Refusal> check_possession(const id_jag::IdJag& claims, const registry::TrustedIssuer& issuer, const TokenRequest& request) {
  if (claims.confirmation_jkt.empty()) {
    if (issuer.sender_constrained) return unexpected(Refusal::not_sender_constrained);
    return {};
  }
  if (request.dpop_jkt.empty()) return unexpected(Refusal::proof_absent);
  if (request.dpop_jkt != claims.confirmation_jkt) return unexpected(Refusal::proof_of_another_key);
  return {};
}

json::Object response_body(std::string signed_token, const AccessToken& token, const registry::Server& server, const oauth::ScopeSet& scopes) {
  // RAS-70, RAS-71. No refresh token (RAS-72): the next ID-JAG is the moment at which the IdP can say no.
  return {{"access_token", std::move(signed_token)},
          {"token_type", token_type(token.claims.find("cnf"))},   // RAS-62
          {"expires_in", token.expires - token.issued_at},
          {"scope", scopes.to_string()},
          {"resource", server.resource}};
}

}  // namespace

JwtBearerGrant::JwtBearerGrant(const Settings& settings, IssuerKeys& issuer_keys, const SigningKeys& signing_keys,
                               const policy::Current& policy, const registry::Revocations& revocations, policy::DecisionPoints* decision_points,
                               linked_accounts::LinkedAccounts* accounts, const registry::Current* registry)
    : settings_(settings), issuer_keys_(issuer_keys), signing_keys_(signing_keys), policy_(policy), revocations_(revocations),
      decision_points_(decision_points), accounts_(accounts), registry_(registry) {}

std::string_view JwtBearerGrant::grant_type() const { return oauth::kGrantJwtBearer; }

Task<Outcome> JwtBearerGrant::decide(const TokenRequest& request, const Client& client) {
  Redemption redemption{request, client};
  redemption.record.event = audit::Event::access_token;
  const auto refused = [&](const Failure& failure) {
    Refused answer{to_wire(failure, settings_), std::move(redemption.record)};
    resource_as::describe(failure, answer.record);
    answer.with_code = has_code(failure);
    return Outcome(std::move(answer));
  };

  const auto issuer = find_issuer(redemption);
  if (!issuer) co_return refused(issuer.error());
  auto fetching = issuer_keys_.of(**issuer, redemption.unverified->kid());
  const auto keys = co_await fetching;
  if (!keys) co_return Outcome(keys.error());
  auto checked = check(redemption, **issuer, **keys);
  if (!checked && redemption.newcomer) {
    auto met = co_await meet(redemption);
    if (!met) co_return Outcome(met.error());
    if (*met) co_return refused(Failure(**met));
    // The objects have the person now: everything is decided on those.
    const auto issuer_now = find_issuer(redemption);
    if (!issuer_now) co_return refused(issuer_now.error());
    auto again = check(redemption, **issuer_now, **keys);
    checked = std::move(again);
  }
  if (!checked) co_return refused(checked.error());
  const auto agreed = co_await ask_decision_points(decision_points_, checked->entitlement, *redemption.client.snapshot, redemption.record);
  if (!agreed) co_return refused(agreed.error());
  auto issued = issue(redemption, **issuer, *checked);
  if (!issued) co_return Outcome(issued.error());
  co_return Outcome(std::move(*issued));
}

// Absent: somebody was created, and the redemption goes on with the objects that have the person.
Task<Result<std::optional<Refusal>, Unavailable>> JwtBearerGrant::meet(Redemption& redemption) const {
  linked_accounts::Newcomer newcomer = std::move(*redemption.newcomer);
  redemption.newcomer.reset();
  Client& client = redemption.client;
  newcomer.agent = client.agent->id, newcomer.client_id = client.registration->client_id;
  newcomer.peer = redemption.request.peer;
  redemption.record.more.emplace_back("account", registry::account_id(newcomer.of.issuer, newcomer.of.tenant, newcomer.of.subject));
  const std::string client_id = client.registration->client_id;
  const auto met = co_await accounts_->meet(std::move(newcomer));
  if (!met) co_return unexpected(met.error());
  if (const auto refusal = refusal_of(*met)) co_return std::optional<Refusal>(*refusal);
  auto snapshot = registry_->get();
  const auto at = snapshot->agent_at_resource_as(settings_.issuer, client_id);
  if (at.agent == nullptr || !at.agent->active) co_return std::optional<Refusal>(Refusal::client_not_allowed);
  client.agent = at.agent, client.registration = at.registration;
  client.snapshot = std::move(snapshot);
  redemption.record.object_sequence = client.snapshot->sequence();
  co_return std::optional<Refusal>();
}

// Steps 3, 4 and 6 of the validation order: nothing is believed yet, nothing is fetched for a stranger.
Result<const registry::TrustedIssuer*, Failure> JwtBearerGrant::find_issuer(Redemption& redemption) const {
  const auto refuse = [](Refusal refusal) { return unexpected(Failure(refusal)); };
  const std::string* assertion = redemption.request.parameters.find("assertion");
  if (assertion == nullptr) return refuse(Refusal::assertion_missing);
  const std::string signed_assertion = TRY(open_assertion(*assertion, settings_));
  redemption.unverified = TRY(id_jag::parse(signed_assertion));

  const std::string& claimed_issuer = redemption.unverified->claimed_issuer();
  redemption.record.issuer = claimed_issuer;
  redemption.record.id_jag_jti = redemption.unverified->claimed_jti();
  if (claimed_issuer == settings_.issuer) return refuse(Refusal::issuer_is_us);
  const registry::TrustedIssuer* issuer = redemption.client.snapshot->trusted_issuer(claimed_issuer);
  if (issuer == nullptr) return refuse(Refusal::issuer_not_trusted);
  if (!issuer->active) return refuse(Refusal::issuer_disabled);
  // Our copy of the issuer's keys may still have one that was withdrawn a moment ago (rules §7.4).
  if (registry::is_key_withdrawn(claimed_issuer, redemption.unverified->kid().value_or(""), revocations_)) return unexpected(Failure(id_jag::Rejection::unknown_key));
  return issuer;
}

Result<JwtBearerGrant::Checked, Failure> JwtBearerGrant::check(Redemption& redemption, const registry::TrustedIssuer& issuer,
                                                              const jose::KeySet& keys) const {
  const auto refuse = [](Refusal refusal) { return unexpected(Failure(refusal)); };
  const auto& [request, client, _, unverified, newcomer] = redemption;
  const registry::Snapshot& snapshot = *client.snapshot;
  audit::Record& record = redemption.record;

  auto id_jag = TRY(id_jag::verify(*unverified, keys,
                                         {.issuer = issuer.issuer,
                                          .audience = settings_.issuer,
                                          .client_id = client_name_at(issuer, *client.agent, *client.registration, *unverified),
                                          .algorithms = issuer.algorithms,
                                          .now_seconds = to_unix_seconds(request.now),
                                          .skew_seconds = settings_.skew_seconds,
                                          .lifetime_seconds_max = std::min(issuer.lifetime_seconds_max, kIdJagLifetimeSecondsMax),
                                          .keeps_other_claims = !issuer.required_claims.empty()}));
  // From here on the ID-JAG is genuine, is for us, and belongs to this client.
  const id_jag::IdJag& claims = id_jag.claims();
  record.session = claims.sid;
  if (const auto possession = check_possession(claims, issuer, request); !possession) return refuse(possession.error());
  if (!may_redeem(issuer, *client.agent)) return refuse(Refusal::client_not_allowed);

  TRY(check_trust(claims, issuer));
  const auto resolved = resolve_subject(claims, issuer, snapshot);
  if (!resolved) {
    if (resolved.error() != Refusal::subject_unknown || accounts_ == nullptr) return unexpected(Failure(resolved.error()));
    redemption.newcomer = TRY(newcomer_of(claims, issuer, snapshot));
    return unexpected(Failure(Refusal::subject_unknown));
  }
  const ResolvedSubject& subject = *resolved;
  const registry::User* user = subject.user;
  record.user = user->id;
  record.user_name = user->name;
  if (!client.device_user_id.empty() && client.device_user_id != user->id) return refuse(Refusal::device_of_another_user);
  TRY(check_session(claims, *user, revocations_, settings_, request.now));

  const ChosenServer chosen = TRY(choose_server(claims, request.parameters, snapshot, settings_));
  const registry::Server* server = chosen.server;
  record.server = server->id;
  record.resource = server->resource;
  if (server->dpop_required && request.dpop_jkt.empty()) return refuse(Refusal::proof_required);
  const oauth::ScopeSet asked = TRY(asked_scopes(claims, request.parameters, chosen, settings_));
  json::Array details = TRY(asked_details(claims, request.parameters, chosen));
  record.scope = asked.to_string();

  const auto policy = policy_.get();
  record.policy_version = policy->version();
  const Parties parties{&issuer, user, client.agent, server};
  auto entitlement = entitle(id_jag, parties, asked, *policy, snapshot, registry::to_string(client.method), request.peer, request.now, record);
  if (!entitlement) {
    if (const auto* decision = std::get_if<policy::Decision>(&entitlement.error())) record_decision(*decision, record);
    if (const auto* needed = std::get_if<NeedsStepUp>(&entitlement.error())) record_decision(needed->decision, record);
    return unexpected(entitlement.error());
  }
  record_decision(entitlement->connect, record);
  if (!details.empty()) {
    const auto connect = connect_question(claims, parties, snapshot, registry::to_string(client.method), request.peer, request.now);
    entitlement->details = permitted_details(std::move(details), connect, *policy, !snapshot.decision_points_for(server->id).empty(), record);
  }
  return Checked{std::move(id_jag), user, server, std::move(*entitlement), subject.by_link};
}

Result<Granted, Unavailable> JwtBearerGrant::issue(Redemption& redemption, const registry::TrustedIssuer& issuer, const Checked& checked) const {
  const auto& [id_jag, user, server, entitlement, by_link] = checked;   // genuine, for us, and of this client
  const id_jag::IdJag& claims = id_jag.claims();
  const TokenRequest& request = redemption.request;
  audit::Record& record = redemption.record;
  record.scope = entitlement.scopes.to_string();

  const auto ring = signing_keys_.current();
  AccessToken token = make_access_token(id_jag, *user, *server, entitlement.scopes, settings_, request.now);
  // As we registered it, whatever the issuer calls it: whoever reads the token knows no other name.
  token.claims.set("client_id", redemption.client.registration->client_id);
  if (by_link) token.claims.set(registry::kLinkedAccountClaim, registry::write(registry::LinkedSubject{claims.issuer, claims.tenant, claims.subject}));
  if (!entitlement.details.empty()) token.claims.set("authorization_details", entitlement.details);
  bind(token, request);
  std::string signed_token = TRY(sign(token, *ring));
  Granted granted;
  granted.body = response_body(std::move(signed_token), token, *server, entitlement.scopes);
  // RAS-71, OB-101: what was granted, also when it is none of what the ID-JAG says.
  if (claims.has_authorization_details) granted.body.push_back({"authorization_details", entitlement.details});
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
