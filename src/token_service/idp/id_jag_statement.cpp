#include "token_service/idp/id_jag_statement.h"

#include <algorithm>

#include "crypto/random.h"
#include "token_service/idp/id_jag_options.h"
#include "token_service/idp/subject_identifier.h"
#include "token_service/idp/tokens.h"

namespace writ::token_service::idp {

Result<id_jag::Statement, Refusal> state_id_jag(const IdJagTarget& target, const oauth::ScopeSet& scope, const LiveSession& live, const Settings& settings, Instant now) {
  const Session& session = live.session;
  const registry::User& user = *live.user;
  const registry::ResourceAs& audience = target.audience;
  id_jag::Statement statement;
  statement.issuer = settings.issuer;
  statement.audience = audience.issuer;
  statement.client_id = target.client.client_id;
  statement.jti = crypto::random_token();
  statement.issued_at = to_unix_seconds(now);
  const std::int64_t lifetime = std::clamp<std::int64_t>(audience.id_jag_lifetime_seconds, 1, settings.id_jag_seconds_max);
  statement.expires = statement.issued_at + lifetime_within_session(lifetime, session, settings, now);
  statement.resources = {target.resource};
  statement.scope = scope.to_string();
  auto name = subject_identifier(audience.subject, user, audience.issuer, settings);
  if (!name) return unexpected(refuse(Problem::subject_not_available, audience.subject));
  statement.subject = std::move(*name);
  if (audience.release_email) statement.email = user.email, statement.email_verified = user.email_verified;
  statement.aud_tenant = audience.tenant;
  if (!audience.aud_sub.empty()) {
    // An account hint that does not exist is left out: `sub` alone still names the person.
    statement.aud_sub = subject_identifier(audience.aud_sub, user, audience.issuer, settings).value_or("");
  }
  if (session.auth_time != Instant{}) statement.auth_time = to_unix_seconds(session.auth_time);
  statement.acr = session.acr;
  statement.amr = session.amr;
  // Only the same deployment can do anything with a session's name; to others it would be a handle to follow a person by.
  if (!settings.own_resource_as.empty() && audience.issuer == settings.own_resource_as) statement.sid = session.id;
  TRY(add_options(audience, user, settings, statement));
  return statement;
}

Task<Result<std::optional<oauth::ScopeSet>, Refusal>> ask_decision_points(const Idp& idp, const registry::Snapshot& snapshot, const std::vector<policy::Question>& questions, audit::Record& record) {
  if (questions.empty()) co_return std::optional<oauth::ScopeSet>();
  policy::Opinion nobody;
  nobody.reason = "external_unavailable";
  if (!idp.decision_points) co_return unexpected(refuse(nobody, idp.settings));
  std::vector<const policy::Question*> asked;
  for (const auto& question : questions) asked.push_back(&question);
  const auto opinions = co_await idp.decision_points->ask(std::move(asked), snapshot);
  policy::note(opinions, record);
  if (opinions.size() != questions.size()) co_return unexpected(refuse(nobody, idp.settings));
  if (!opinions.front().allowed) co_return unexpected(refuse(opinions.front(), idp.settings));
  oauth::ScopeSet left;
  for (std::size_t i = 1; i < opinions.size(); ++i) {
    if (opinions[i].allowed) left.insert(questions[i].scope->name);
  }
  if (left.empty()) co_return unexpected(refuse(opinions.back(), idp.settings));
  record.scope = left.to_string();
  co_return std::optional<oauth::ScopeSet>(std::move(left));
}

}  // namespace writ::token_service::idp
