#include "token_service/idp/federation/saml_subject.h"

#include <algorithm>

#include "audit/saml_claim.h"
#include "crypto/random.h"
#include "encoding/base64url.h"
#include "oauth/identifiers.h"
#include "saml/conditions.h"
#include "saml/verified_assertion.h"
#include "token_service/idp/federation/admit_person.h"
#include "token_service/idp/federation/saml_person.h"
#include "token_service/idp/federation/upstream_logout.h"
#include "token_service/idp/refresh_rotation.h"

namespace writ::token_service::idp {
namespace {

using registry::IdentityConnector;

// A reason of its own for the record; the caller learns as little as of any other subject token (T11).
Refusal refuse_assertion(std::string_view reason, std::string detail = {}) {
  Refusal refusal = refuse(Problem::subject_token_malformed, std::move(detail));
  refusal.reason = std::string(reason);
  return refusal;
}

const IdentityConnector* connector_of(const registry::Snapshot& snapshot, const std::string& entity_id) {
  for (const IdentityConnector& connector : snapshot.objects().identity_connectors) {
    if (connector.saml && connector.saml->entity_id == entity_id) return &connector;
  }
  return nullptr;
}

// RFC 8693 §3 says base64url; the draft's own example is padded base64 (C16). XML as it is, is neither.
std::optional<std::string> decode(const std::string& text) {
  auto decoded = base64url::decode(text);
  return decoded ? decoded : base64::decode(text);
}

struct Judged {
  IdentityConnector connector;
  saml::Assertion assertion;
  UpstreamPerson person;
  std::string in_response_to;
  Instant forget_after{};
};

Result<Judged, Refusal> judge(const Idp& idp, const TokenRequest& request, const Client& client, audit::Record& record) {
  const auto* text = request.parameters.find("subject_token");
  if (!text) return unexpected(refuse(Problem::missing_parameter, "subject_token"));
  const auto decoded = decode(*text);
  if (!decoded) return unexpected(refuse_assertion("saml_encoding"));
  auto unverified = saml::UnverifiedAssertion::parse(*decoded);
  if (!unverified) return unexpected(refuse_assertion(to_string(unverified.error())));
  const IdentityConnector* connector = idp.federation ? connector_of(*client.snapshot, unverified->claimed_issuer()) : nullptr;
  if (!connector || !connector->active) return unexpected(refuse_assertion(to_string(saml::Problem::issuer)));
  record.issuer = connector->saml->entity_id;
  record.more.emplace_back("connector", connector->id);

  std::vector<crypto::Certificate> certificates;
  for (const std::string& one : connector->saml->certificates) {
    if (auto certificate = crypto::parse_certificate(one)) certificates.push_back(std::move(*certificate));
  }
  const auto verified = saml::VerifiedAssertion::verify(std::move(*unverified), certificates);
  if (!verified) return unexpected(refuse_assertion(to_string(verified.error())));
  const saml::Assertion& assertion = verified->assertion();
  record.more.emplace_back("assertion", assertion.id);

  const auto* question = request.parameters.find("in_response_to");
  saml::Rules rules{connector->saml->entity_id, {}, connector->saml->recipient, question ? *question : std::string(), Seconds{idp.settings.skew_seconds}, Seconds{connector->max_subject_age_seconds}, request.now};
  for (const auto& [audience, agent] : connector->saml->audiences) {
    if (agent == client.agent->id) rules.audiences.insert(audience);   // IDJAG-80
  }
  const auto bearer = saml::check(assertion, rules);
  if (!bearer) return unexpected(refuse_assertion(to_string(bearer.error())));
  // Also where the agent did not say what it asked: for who looks into a stolen assertion.
  if (!(*bearer)->in_response_to.empty()) record.more.emplace_back("in_response_to", (*bearer)->in_response_to);
  if (assertion.name_id->format == saml::kTransient && !connector->saml->attributes.contains("subject")) {
    return unexpected(refuse_assertion(to_string(saml::Problem::name_id_transient)));
  }
  auto person = read_person(*connector, assertion);
  if (!person) return unexpected(refuse(Problem::subject_not_admitted, std::string(to_string(person.error()))));
  return Judged{*connector, assertion, std::move(*person), (*bearer)->in_response_to, saml::forgotten_after(assertion, rules)};
}

// Until when the provider's word carries: what it says itself, and what the connector allows.
Instant session_end(const Judged& judged, Instant now) {
  Instant ends = judged.assertion.session_ends.value_or(Instant{});
  if (judged.connector.session_max_seconds) {
    const Instant at_most = now + Seconds{*judged.connector.session_max_seconds};
    ends = ends == Instant{} ? at_most : std::min(ends, at_most);
  }
  return ends;
}

Session session_of(const Judged& judged, const registry::User& user, Instant now) {
  Session session;
  session.user_id = user.id;
  session.created = session.last_seen = now;
  session.auth_time = *judged.assertion.authenticated;
  session.acr = mapped(judged.connector.acr, judged.assertion.authentication_context);
  session.upstream = {judged.connector.id, judged.connector.issuer, judged.person.subject, judged.assertion.session_index};
  session.ends = session_end(judged, now);
  return session;
}

// The person is let in by the rules of federated sign-in. What was judged before that may have changed meanwhile, so the agent is looked at again.
Result<void, Refusal> check_admitted(const Judged& judged, const Admitted& admitted, const Client& client) {
  const registry::Agent* agent = admitted.snapshot->agent(client.agent->id);
  if (!agent || !agent->active) return unexpected(refuse(Problem::agent_disabled));
  const registry::User& user = *admitted.user;
  if (user.not_before && judged.assertion.issued < *user.not_before) return unexpected(refuse(Problem::subject_token_before_not_before));
  if (!client.device_id.empty() && client.device_user_id != user.id) return unexpected(refuse(Problem::subject_of_another_device_user));
  return {};
}

Refusal refuse_person(NotAdmitted reason) {
  if (reason == NotAdmitted::user_disabled) return refuse(SessionProblem::user_disabled);
  return refuse(Problem::subject_not_admitted, std::string(to_string(reason)));
}

Result<oauth::ScopeSet, Refusal> check_scope(const form::Parameters& parameters) {
  const auto* text = parameters.find("scope");
  const auto asked = oauth::ScopeSet::parse(text ? *text : "openid offline_access");
  // What is given is a refresh token for signing in here, so that is what must be asked for (draft §SAML).
  if (!asked || !asked->contains("openid") || !asked->contains("offline_access")) return unexpected(refuse(Problem::scope_malformed, "openid and offline_access are needed"));
  oauth::ScopeSet known;
  for (const char* name : {"openid", "profile", "email", "groups", "offline_access"}) {
    if (asked->contains(name)) known.insert(name);
  }
  return known;
}

Result<oauth::ScopeSet, Refusal> check_request(const Idp& idp, const TokenRequest& request, const Client& client) {
  const form::Parameters& parameters = request.parameters;
  if (!client.agent->active) return unexpected(refuse(Problem::agent_disabled));
  if (client.registration->device_keys && client.device_id.empty()) return unexpected(refuse(Problem::device_key_required));
  if (parameters.find("actor_token") || parameters.find("actor_token_type")) return unexpected(refuse(Problem::actor_token_present));
  if (parameters.find("authorization_details")) return unexpected(refuse(Problem::authorization_details_invalid, "a refresh token is for no resource"));
  if (parameters.find("resource")) return unexpected(refuse(Problem::resource_unknown, "a refresh token is for no resource"));
  for (const auto& audience : parameters.find_all("audience")) {
    if (audience != idp.settings.issuer) return unexpected(refuse(Problem::audience_unknown, "a refresh token is for this identity provider"));
  }
  return check_scope(parameters);
}

Task<Result<void, Unavailable>> begin(const Idp& idp, Session session, RefreshFamily family) {
  const auto added = co_await idp.sessions.add(std::move(session));
  if (!added) co_return unexpected(added.error());
  const auto began = co_await idp.refresh_tokens.add(std::move(family));
  if (!began) co_return unexpected(began.error());
  co_return Result<void, Unavailable>{};
}

Granted grant(const Idp& idp, const TokenRequest& request, const Client& client, const Judged& judged, const Admitted& admitted, const oauth::ScopeSet& scope, audit::Record record) {
  Session session = session_of(judged, *admitted.user, request.now);
  session.id = "ses_" + crypto::random_token();
  session.cookie_digest = digest_of(crypto::random_token(32));   // of a cookie that nobody has: no browser signed in here
  session.peer = request.peer;
  RefreshFamily family;
  family.id = "grt_" + crypto::random_token();
  family.client_id = client.registration->client_id;
  family.agent_id = client.agent->id;
  family.user_id = session.user_id;
  family.sid = session.id;
  family.scope = scope.to_string();
  family.device_id = client.device_id;
  family.dpop_jkt = request.dpop_jkt;
  family.expires = absolute_end(session, idp.settings);
  NewFamily begun = begin_family(std::move(family), request.now);

  record.effect = audit::Effect::allow;
  record.reason = "saml_assertion";
  record.session = session.id;
  record.scope = begun.family.scope;
  record.more.emplace_back("person", admitted.how);
  Granted granted;
  granted.body = {{"issued_token_type", oauth::kTokenTypeRefreshToken},
                  {"access_token", begun.token},
                  {"token_type", "N_A"},
                  {"scope", begun.family.scope},
                  {"expires_in", to_unix_seconds(begun.family.expires) - to_unix_seconds(request.now)}};
  granted.claim = audit::claim_assertion(judged.connector.saml->entity_id, judged.assertion.id, judged.forget_after);
  audit::Record replayed = record;
  replayed.effect = audit::Effect::deny;
  replayed.reason = "saml_replayed";
  replayed.session.clear();
  granted.if_replayed = std::move(replayed);
  granted.record = std::move(record);
  granted.after_commit = [&idp, session, family = begun.family] { return begin(idp, session, family); };
  return granted;
}

}  // namespace

bool is_assertion_exchange(const TokenRequest& request) {
  const auto* wanted = request.parameters.find("requested_token_type");
  const auto* type = request.parameters.find("subject_token_type");
  return wanted && type && *wanted == oauth::kTokenTypeRefreshToken && *type == oauth::kTokenTypeSaml2;
}

Task<Outcome> exchange_assertion(const Idp& idp, const TokenRequest& request, const Client& client) {
  audit::Record record = record_of(audit::Event::sign_in, request, client);
  const auto scope = check_request(idp, request, client);
  if (!scope) co_return Outcome{refused(scope.error(), std::move(record))};
  auto judged = judge(idp, request, client, record);
  if (!judged) co_return Outcome{refused(std::move(judged).error(), std::move(record))};
  const auto admitted = co_await admit_person(idp, *idp.federation, judged->connector, judged->person, judged->assertion.issued, request.peer);
  if (!admitted) {
    const auto* reason = std::get_if<NotAdmitted>(&admitted.error());
    if (!reason) co_return Outcome{std::get<Unavailable>(admitted.error())};
    co_return Outcome{refused(refuse_person(*reason), std::move(record))};
  }
  record.user = admitted->user->id;
  record.user_name = admitted->user->name;
  record.object_sequence = admitted->snapshot->sequence();
  const auto may = check_admitted(*judged, *admitted, client);
  if (!may) co_return Outcome{refused(may.error(), std::move(record))};
  co_return Outcome{grant(idp, request, client, *judged, *admitted, *scope, std::move(record))};
}

Task<DirectOutcome> find_assertion_subject(const Idp& idp, const TokenRequest& request, const Client& client) {
  audit::Record record;   // the exchange writes its own
  auto judged = judge(idp, request, client, record);
  if (!judged) co_return DirectOutcome(std::move(judged).error());
  if (judged->assertion.one_time_use) co_return DirectOutcome(refuse_assertion("saml_one_time_use"));
  const auto admitted = co_await admit_person(idp, *idp.federation, judged->connector, judged->person, judged->assertion.issued, request.peer);
  if (!admitted) {
    const auto* reason = std::get_if<NotAdmitted>(&admitted.error());
    if (!reason) co_return DirectOutcome(std::get<Unavailable>(admitted.error()));
    co_return DirectOutcome(refuse_person(*reason));
  }
  const auto may = check_admitted(*judged, *admitted, client);
  if (!may) co_return DirectOutcome(may.error());
  // No session of ours: what stands for it is the provider's, and what is issued on its strength ends when the assertion does.
  Session session = session_of(*judged, *admitted->user, request.now);
  session.id = upstream_session_name(judged->connector.issuer, judged->person.subject, judged->assertion.session_index);
  session.created = judged->assertion.issued;
  session.ends = session.ends == Instant{} ? judged->forget_after : std::min(session.ends, judged->forget_after);
  if (idp.revocations.is_session_ended(session.id)) co_return DirectOutcome(refuse(SessionProblem::ended));
  Subject subject{LiveSession{std::move(session), admitted->user}, {}, std::nullopt};
  co_return DirectOutcome(DirectSubject{admitted->snapshot, std::move(subject)});
}

}  // namespace writ::token_service::idp
