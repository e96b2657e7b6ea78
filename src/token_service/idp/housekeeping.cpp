#include "token_service/idp/housekeeping.h"

namespace writ::token_service::idp {

void forget_expired(const Idp& idp, Instant now) {
  idp.sessions.forget_expired(now);
  idp.codes.forget_expired(now);
  idp.refresh_tokens.forget_expired(now);
  idp.pushed->forget_expired(now);
  idp.devices->forget_expired(now);
}

}  // namespace writ::token_service::idp
