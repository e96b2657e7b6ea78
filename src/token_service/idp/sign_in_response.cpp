#include "token_service/idp/sign_in_response.h"

#include "dpop/proof.h"
#include "jose/jwt.h"
#include "oauth/identifiers.h"

namespace writ::token_service::idp {

json::Object sign_in_response(const Idp& idp, const TokenSubject& subject, Instant now) {
  const auto keys = idp.keys.current();
  const Settings& settings = idp.settings;
  return {{"access_token", jose::sign(keys->active, oauth::kTypAccessToken, access_token_claims(subject, settings, now))},
          {"token_type", subject.dpop_jkt.empty() ? std::string_view("Bearer") : dpop::kTokenType},
          {"expires_in", lifetime_within_session(settings.access_token_seconds, subject.live.session, settings, now)},
          {"id_token", jose::sign(keys->active, oauth::kTypIdToken, id_token_claims(subject, settings, now))},
          {"scope", subject.scope.to_string()}};
}

}  // namespace writ::token_service::idp
