#include "token_service/idp/sign_in_response.h"

#include "dpop/proof.h"
#include "jose/jwt.h"
#include "oauth/identifiers.h"

namespace writ::token_service::idp {

Result<json::Object, Unavailable> sign_in_response(const Idp& idp, const TokenSubject& subject, Instant now) {
  const auto keys = idp.keys.current();
  const Settings& settings = idp.settings;
  std::string access_token = TRY(jose::sign(keys->active, oauth::kTypAccessToken, access_token_claims(subject, settings, now)));
  std::string id_token = TRY(jose::sign(keys->active, oauth::kTypIdToken, id_token_claims(subject, settings, now)));
  json::Object body{{"access_token", std::move(access_token)},
                    {"token_type", subject.dpop_jkt.empty() ? std::string_view("Bearer") : dpop::kTokenType},
                    {"expires_in", lifetime_within_session(settings.access_token_seconds, subject.live.session, settings, now)},
                    {"id_token", std::move(id_token)},
                    {"scope", subject.scope.to_string()}};
  return body;
}

}  // namespace writ::token_service::idp
