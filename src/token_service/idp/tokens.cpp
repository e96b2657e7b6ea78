#include "token_service/idp/tokens.h"

#include <algorithm>

#include "crypto/random.h"
#include "oauth/identifiers.h"
#include "token_service/mutual_tls.h"

namespace writ::token_service::idp {
namespace {

// Private claim: the grant that a token descends from.
constexpr const char* kGrantClaim = "writ_grant";

void set_all(json::Value& into, const json::Value& from) {
  for (const auto& member : *from.as_object()) into.set(member.name, member.value);
}

json::Value array_of(const std::vector<std::string>& texts) {
  json::Array array;
  for (const auto& text : texts) array.emplace_back(text);
  return json::Value(std::move(array));
}

json::Value common_claims(const TokenSubject& subject, const Settings& settings, std::int64_t lifetime_seconds, Instant now) {
  const Session& session = subject.live.session;
  const std::int64_t issued_at = to_unix_seconds(now);
  json::Value claims{{"iss", settings.issuer},
                     {"sub", subject.live.user->id},
                     {"iat", issued_at},
                     {"exp", issued_at + lifetime_within_session(lifetime_seconds, session, settings, now)},
                     {"jti", crypto::random_token()},
                     {"sid", session.id},
                     {kGrantClaim, subject.grant_id}};
  if (session.auth_time != Instant{}) claims.set("auth_time", to_unix_seconds(session.auth_time));
  if (!session.acr.empty()) claims.set("acr", session.acr);
  if (!session.amr.empty()) claims.set("amr", array_of(session.amr));
  return claims;
}

const std::string* non_empty(const json::Value& claims, const char* name) {
  const auto* text = claims.find_string(name);
  return text && !text->empty() ? text : nullptr;
}

}  // namespace

std::int64_t lifetime_within_session(std::int64_t lifetime_seconds, const Session& session, const Settings& settings, Instant now) {
  const std::int64_t left = to_unix_seconds(absolute_end(session, settings)) - to_unix_seconds(now);
  return std::max<std::int64_t>(std::min(lifetime_seconds, left), 1);
}

json::Value person_claims(const registry::User& user, const registry::Snapshot& snapshot, const oauth::ScopeSet& scope) {
  json::Value claims = json::Object{};
  if (scope.contains("profile")) {
    claims.set("preferred_username", user.name);
    if (!user.display_name.empty()) claims.set("name", user.display_name);
  }
  if (scope.contains("email") && !user.email.empty()) {
    claims.set("email", user.email);
    claims.set("email_verified", user.email_verified);
  }
  if (scope.contains("groups")) claims.set("groups", array_of(snapshot.groups_of(user)));
  return claims;
}

json::Value id_token_claims(const TokenSubject& subject, const Settings& settings, Instant now) {
  json::Value claims = common_claims(subject, settings, settings.id_token_seconds, now);
  claims.set("aud", subject.client_id);
  if (!subject.nonce.empty()) claims.set("nonce", subject.nonce);
  set_all(claims, person_claims(*subject.live.user, subject.snapshot, subject.scope));
  return claims;
}

json::Value access_token_claims(const TokenSubject& subject, const Settings& settings, Instant now) {
  json::Value claims = common_claims(subject, settings, settings.access_token_seconds, now);
  // Its audience is a resource of the IdP itself, so no gateway or resource server can mistake it for its own (C14).
  claims.set("aud", settings.userinfo_resource());
  claims.set("client_id", subject.client_id);
  claims.set("scope", subject.scope.to_string());
  if (auto proved = confirmation(subject.dpop_jkt, subject.certificate_x5t)) claims.set("cnf", std::move(*proved));
  return claims;
}

Result<OwnToken, OwnTokenProblem> verify_own(std::string_view token, std::string_view type, const KeyRing& keys, const Settings& settings,
                                             Instant now, Expired expired) {
  auto unverified = jose::UnverifiedJwt::parse(token);
  if (!unverified) return unexpected(OwnTokenProblem::malformed);
  return verify_own(std::move(*unverified), type, keys, settings, now, expired);
}

Result<OwnToken, OwnTokenProblem> verify_own(jose::UnverifiedJwt unverified, std::string_view type, const KeyRing& keys, const Settings& settings,
                                             Instant now, Expired expired) {
  // Our keys sign several kinds of token; the type keeps an ID-JAG or access token from passing as an ID token (J10, X2, X8).
  if (!unverified.has_type(type)) return unexpected(OwnTokenProblem::wrong_type);
  static constexpr crypto::Algorithm kAll[] = {crypto::Algorithm::es256, crypto::Algorithm::es384, crypto::Algorithm::rs256,
                                               crypto::Algorithm::ps256, crypto::Algorithm::eddsa};
  auto verified = jose::VerifiedJwt::verify(std::move(unverified), keys.published, kAll);
  if (!verified) return unexpected(OwnTokenProblem::signature);
  const json::Value& claims = verified->claims();
  const auto* issuer = claims.find_string("iss");
  if (!issuer || *issuer != settings.issuer) return unexpected(OwnTokenProblem::issuer);
  // Issued and judged by the same clock: an expired one is expired to the second.
  const auto times = jose::check_times(claims, to_unix_seconds(now), {.skew_seconds = 0, .iat_required = true});
  if (!times && !(expired == Expired::accepted && times.error() == jose::TimeProblem::expired)) {
    return unexpected(OwnTokenProblem::times);
  }
  const auto* user = non_empty(claims, "sub");
  const auto* sid = non_empty(claims, "sid");
  const auto* grant = non_empty(claims, kGrantClaim);
  const auto* jti = non_empty(claims, "jti");
  if (!user || !sid || !grant || !jti) return unexpected(OwnTokenProblem::malformed);
  OwnToken own{json::Value(), *user, *sid, *grant, *jti};
  own.claims = std::move(*verified).take_claims();   // last: the texts above are in it
  return own;
}

}  // namespace writ::token_service::idp
