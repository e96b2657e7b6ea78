#include "token_service/idp/federation/direct_subject.h"

#include "oauth/id_token.h"
#include "oauth/identifiers.h"
#include "token_service/idp/federation/admit_person.h"
#include "token_service/idp/federation/saml_subject.h"
#include "token_service/idp/federation/upstream_logout.h"

namespace writ::token_service::idp {
namespace {

// The agent for which this upstream client signs people in; the audience may be a text or a list of one (X1).
const std::string* agent_of(const registry::IdentityConnector& connector, const json::Value& claims, std::string& audience) {
  const json::Value* value = claims.find("aud");
  const auto* text = value ? value->as_string() : nullptr;
  if (const auto* list = value ? value->as_array() : nullptr; list && list->size() == 1) text = list->front().as_string();
  if (!text) return nullptr;
  audience = *text;
  const auto found = connector.subject_clients.find(audience);
  return found == connector.subject_clients.end() ? nullptr : &found->second;
}

Problem problem_of(oauth::IdTokenProblem problem) {
  switch (problem) {
    case oauth::IdTokenProblem::wrong_type: return Problem::subject_token_wrong_type;
    case oauth::IdTokenProblem::signature: return Problem::subject_token_signature;
    case oauth::IdTokenProblem::issuer: return Problem::subject_token_issuer;
    case oauth::IdTokenProblem::audience:
    case oauth::IdTokenProblem::authorized_party: return Problem::subject_token_audience;
    case oauth::IdTokenProblem::times: return Problem::subject_token_times;
    default: return Problem::subject_token_malformed;
  }
}

Session session_of(const registry::IdentityConnector& connector, const oauth::IdToken& token, const registry::User& user, Instant now) {
  Session session;
  session.id = token.sid.empty() ? upstream_session_name(connector.issuer, token.subject, "") : upstream_session_name(connector.issuer, "", token.sid);
  session.user_id = user.id;
  session.created = token.issued_at;
  session.last_seen = now;
  session.auth_time = token.auth_time.value_or(Instant{});
  session.acr = mapped(connector.acr, token.acr);
  session.amr = mapped(connector.amr, token.amr);
  session.upstream = {connector.id, connector.issuer, token.subject, token.sid};
  session.ends = token.expires;
  return session;
}

Result<Subject, Refusal> check_standing(const Idp& idp, const registry::IdentityConnector& connector, const oauth::IdToken& token, const Admitted& admitted, Instant now) {
  const registry::User& user = *admitted.user;
  if (registry::is_taken_back(token.issued_at, user, idp.revocations)) return unexpected(refuse(Problem::subject_token_before_not_before));
  Session session = session_of(connector, token, user, now);
  if (idp.revocations.is_session_ended(session.id)) return unexpected(refuse(SessionProblem::ended));
  Subject subject{LiveSession{std::move(session), &user}, {}, std::nullopt};
  return subject;
}

}  // namespace

Task<std::optional<DirectOutcome>> find_direct_subject(const Idp& idp, const TokenRequest& request, const Client& client, std::optional<jose::UnverifiedJwt>& read) {
  const auto* type = request.parameters.find("subject_token_type");
  const auto* text = request.parameters.find("subject_token");
  if (idp.federation && type && *type == oauth::kTokenTypeSaml2) {
    auto found = co_await find_assertion_subject(idp, request, client);
    co_return std::optional<DirectOutcome>(std::move(found));
  }
  if (!idp.federation || !type || *type != oauth::kTokenTypeIdToken || !text) co_return std::nullopt;
  auto unverified = jose::UnverifiedJwt::parse(*text);
  const auto* issuer = unverified ? unverified->claimed().find_string("iss") : nullptr;
  const auto* found = issuer && *issuer != idp.settings.issuer ? client.snapshot->identity_connector_of(*issuer) : nullptr;
  if (!found) {
    if (unverified) read = std::move(*unverified);
    co_return std::nullopt;
  }
  const registry::IdentityConnector connector = *found;
  const auto no = [](Problem problem, std::string detail = {}) { return std::optional<DirectOutcome>(refuse(problem, std::move(detail))); };
  if (!connector.active) co_return no(Problem::subject_token_issuer);
  // Before any key is fetched: a token for somebody else is nothing that we ask the provider about.
  std::string audience;
  const auto* agent = agent_of(connector, unverified->claimed(), audience);
  if (!agent || *agent != client.agent->id) co_return no(Problem::subject_token_audience);

  Federation& federation = *idp.federation;
  const auto provider = co_await federation.providers.find(connector.issuer, request.now);
  if (!provider) co_return std::optional<DirectOutcome>(Unavailable{"the upstream provider"});
  jose::KeySource source(connector.issuer, (*provider)->jwks_uri, false);
  const auto keys = co_await federation.keys.find(std::move(source), unverified->kid(), request.now);
  if (!keys) co_return std::optional<DirectOutcome>(keys.error());

  oauth::IdTokenRules rules;
  rules.issuer = connector.issuer, rules.audience = audience, rules.algorithms = (*provider)->algorithms;
  rules.skew_seconds = idp.settings.skew_seconds;
  rules.now = request.now;
  const auto token = oauth::check_id_token(std::move(*unverified), **keys, rules);
  if (!token) co_return no(problem_of(token.error()), std::string(to_string(token.error())));
  if (request.now - token->issued_at > Seconds{connector.max_subject_age_seconds}) co_return no(Problem::subject_token_too_old);
  auto person = read_person(connector, token->claims);
  if (!person) co_return no(Problem::subject_not_admitted, std::string(to_string(person.error())));
  const auto admitted = co_await admit_person(idp, federation, connector, std::move(*person), token->issued_at, request.peer);
  if (!admitted) {
    const auto* reason = std::get_if<NotAdmitted>(&admitted.error());
    if (!reason) co_return std::optional<DirectOutcome>(std::get<Unavailable>(admitted.error()));
    if (*reason == NotAdmitted::user_disabled) co_return std::optional<DirectOutcome>(refuse(SessionProblem::user_disabled));
    co_return no(Problem::subject_not_admitted, std::string(to_string(*reason)));
  }
  auto subject = check_standing(idp, connector, *token, *admitted, request.now);
  if (!subject) co_return std::optional<DirectOutcome>(std::move(subject).error());
  co_return std::optional<DirectOutcome>(DirectSubject{admitted->snapshot, std::move(*subject)});
}

}  // namespace writ::token_service::idp
