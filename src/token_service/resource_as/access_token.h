#pragma once

// Access tokens (RFC 9068): for one server, short, signed asymmetrically, and with nothing of the ID-JAG but what is listed here (C12, C14).

#include <string>

#include "jose/jwt.h"
#include "oauth/scope.h"
#include "registry/objects.h"
#include "token_service/grant.h"
#include "token_service/signing_keys.h"
#include "token_service/resource_as/proven_claims.h"
#include "token_service/resource_as/settings.h"

namespace writ::token_service::resource_as {

struct AccessToken {
  std::string jti;
  std::int64_t issued_at = 0;
  std::int64_t expires = 0;
  json::Value claims;
};

// Asks for proven claims, so that a token without the checks does not compile. Precondition: the ID-JAG's session has not expired.
AccessToken make_access_token(const ProvenClaims& id_jag, const registry::User& user, const registry::Server& server,
                              const oauth::ScopeSet& scopes, const Settings& settings, Instant now);
// RAS-62, RFC 8705 §3.1: good only with a proof of the key, and on connections with the certificate, that came with this request. Without either it stays a Bearer token.
void bind(AccessToken& token, const TokenRequest& request);
Result<std::string, Unavailable> sign(const AccessToken& token, const KeyRing& keys);

// A token that this server signed, whether or not it still is valid: for introspection and revocation. Absent for anything else.
struct OwnToken {
  std::string jti, subject, client_id, audience, scope, sid;
  std::int64_t issued_at = 0;
  std::int64_t expires = 0;
  json::Value claims;
};
std::optional<OwnToken> read_own_token(std::string_view token, const KeyRing& keys, const Settings& settings);

}  // namespace writ::token_service::resource_as
