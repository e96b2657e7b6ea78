#pragma once

// The IdP's own tokens about a session: ID tokens (for the client), and access tokens that are good for this IdP's userinfo and catalogue
// alone. ID-JAGs are made in id_jag/.

#include <string>
#include <string_view>

#include "base/result.h"
#include "jose/jwt.h"
#include "oauth/id_token.h"
#include "oauth/scope.h"
#include "token_service/idp/session.h"
#include "token_service/idp/settings.h"
#include "token_service/signing_keys.h"

namespace writ::token_service::idp {

// What a token is issued for. `grant_id` names the sign-in's grant: revoking it takes every token of it (OB-136).
struct TokenSubject {
  const LiveSession& live;
  const registry::Snapshot& snapshot;
  std::string client_id, grant_id;
  oauth::ScopeSet scope;
  std::string nonce;
  std::string dpop_jkt{};          // the key that its access token is bound to; empty: to none
  std::string certificate_x5t{};   // the certificate that it is bound to; empty: to none
};

// The claims about the person that a scope releases: email, profile, groups. Also what userinfo answers.
json::Value person_claims(const registry::User& user, const registry::Snapshot& snapshot, const oauth::ScopeSet& scope);

json::Value id_token_claims(const TokenSubject& subject, const Settings& settings, Instant now);
json::Value access_token_claims(const TokenSubject& subject, const Settings& settings, Instant now);
// Seconds that a token issued now may live: `lifetime_seconds`, but never beyond the session's end.
std::int64_t lifetime_within_session(std::int64_t lifetime_seconds, const Session& session, const Settings& settings, Instant now);

// A token of ours that came back. `verify_own` checks type, signature, issuer, times; whom it was for and whether its session lives is
// the caller's question.
enum class OwnTokenProblem { malformed, wrong_type, signature, issuer, times };
enum class Expired { refused, accepted };   // `id_token_hint` may be expired (OIDC RP-Initiated Logout §2)
struct OwnToken {
  json::Value claims;
  std::string user_id, sid, grant_id, jti;
};
Result<OwnToken, OwnTokenProblem> verify_own(std::string_view token, std::string_view type, const KeyRing& keys, const Settings& settings,
                                             Instant now, Expired expired = Expired::refused);
// Of a token that was read already.
Result<OwnToken, OwnTokenProblem> verify_own(jose::UnverifiedJwt token, std::string_view type, const KeyRing& keys, const Settings& settings,
                                             Instant now, Expired expired = Expired::refused);

using oauth::has_single_audience;

}  // namespace writ::token_service::idp
