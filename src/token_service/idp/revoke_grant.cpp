#include "token_service/idp/revoke_grant.h"

namespace writ::token_service::idp {

Task<Result<void, Unavailable>> revoke_grant(const Idp& idp, std::string grant_id, Instant now) {
  // Nothing of a grant outlives a session, so nothing needs remembering for longer.
  const Instant forget_after = now + Seconds{idp.settings.session_absolute_seconds + idp.settings.skew_seconds};
  // Both are in force in memory at once; each is awaited, and a failure of one does not keep the other from being written.
  const auto tokens = co_await idp.revocations.revoke_token(grant_id, forget_after);
  const auto family = co_await idp.refresh_tokens.revoke_family(grant_id, forget_after);
  if (!tokens) co_return unexpected(tokens.error());
  co_return family;
}

}  // namespace writ::token_service::idp
