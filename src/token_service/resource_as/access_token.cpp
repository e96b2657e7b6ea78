#include "token_service/resource_as/access_token.h"

#include <algorithm>
#include <array>

#include "crypto/random.h"
#include "oauth/identifiers.h"
#include "signals/subject_session.h"
#include "token_service/mutual_tls.h"
#include "token_service/resource_as/subject.h"

namespace writ::token_service::resource_as {

AccessToken make_access_token(const ProvenClaims& id_jag, const registry::User& user, const registry::Server& server,
                              const oauth::ScopeSet& scopes, const Settings& settings, Instant now) {
  const id_jag::IdJag& grant = id_jag.claims();
  AccessToken token;
  token.jti = crypto::random_token();
  token.issued_at = to_unix_seconds(now);
  token.expires = token.issued_at + std::min(settings.access_token_lifetime_seconds, kAccessTokenLifetimeSecondsMax);
  if (grant.session_expiry) token.expires = std::min(token.expires, *grant.session_expiry);   // never beyond the session (rules §2)

  // Named one by one. A claim of the ID-JAG that is not in this list ends here: `roles`, `act` or `admin` would otherwise become a
  // privilege that nobody here gave (C12).
  token.claims = json::Value{{"iss", settings.issuer},          {"sub", user.id},
                             {"aud", server.resource},          {"client_id", grant.client_id},
                             {"scope", scopes.to_string()},     {"jti", token.jti},
                             {"iat", token.issued_at},          {"exp", token.expires}};
  if (grant.auth_time) token.claims.set("auth_time", *grant.auth_time);
  if (!grant.acr.empty()) token.claims.set("acr", grant.acr);
  if (!grant.amr.empty()) token.claims.set("amr", json::from_strings(grant.amr));
  // A session of another deployment's IdP could bear the name of one of ours, and end with it. What ends there is all that its issuer gave
  // this subject until a moment, so that is the session of such a token (EN-27).
  if (!is_of_own_idp(grant, settings)) token.claims.set("sid", signals::since(signals::subject_session(grant.issuer, grant.tenant, grant.subject), grant.issued_at));
  else if (!grant.sid.empty()) token.claims.set("sid", grant.sid);
  return token;
}

void bind(AccessToken& token, const TokenRequest& request) {
  if (auto proved = confirmation(request.dpop_jkt, request.certificate_x5t)) token.claims.set("cnf", std::move(*proved));
}

Result<std::string, Unavailable> sign(const AccessToken& token, const KeyRing& keys) { return jose::sign(keys.active, oauth::kTypAccessToken, token.claims); }

std::optional<OwnToken> read_own_token(std::string_view token, const KeyRing& keys, const Settings& settings) {
  static constexpr std::array kOurs{crypto::Algorithm::es256, crypto::Algorithm::es384, crypto::Algorithm::ps256,
                                    crypto::Algorithm::rs256, crypto::Algorithm::eddsa};
  auto unverified = jose::UnverifiedJwt::parse(token);
  if (!unverified || !unverified->has_type(oauth::kTypAccessToken)) return std::nullopt;
  const auto verified = jose::VerifiedJwt::verify(std::move(*unverified), keys.published, kOurs);
  if (!verified) return std::nullopt;
  const json::Value& claims = verified->claims();
  const std::string* issuer = claims.find_string("iss");
  if (issuer == nullptr || *issuer != settings.issuer) return std::nullopt;

  OwnToken own;
  own.claims = claims;
  for (const auto& [name, member] : {std::pair{"jti", &OwnToken::jti}, std::pair{"sub", &OwnToken::subject},
                                     std::pair{"client_id", &OwnToken::client_id}, std::pair{"aud", &OwnToken::audience},
                                     std::pair{"scope", &OwnToken::scope}}) {
    const std::string* text = claims.find_string(name);
    if (text == nullptr) return std::nullopt;   // signed by us and yet not ours: another use of the same key
    own.*member = *text;
  }
  if (const std::string* sid = claims.find_string("sid")) own.sid = *sid;
  const std::int64_t* issued_at = claims.find_int("iat");
  const std::int64_t* expires = claims.find_int("exp");
  if (issued_at == nullptr || expires == nullptr) return std::nullopt;
  own.issued_at = *issued_at;
  own.expires = *expires;
  return own;
}

}  // namespace writ::token_service::resource_as
