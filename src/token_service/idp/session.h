#pragma once

// Is this session good for anything right now? Asked on every use of a cookie, a refresh token, an ID token or an access token of ours.

#include <optional>
#include <string>
#include <string_view>

#include "policy/decision.h"
#include "registry/revocations.h"
#include "registry/snapshot.h"
#include "token_service/idp/settings.h"
#include "token_service/idp/stores.h"

namespace writ::token_service::idp {

enum class SessionProblem {
  unknown,             // never was, or is forgotten
  ended,               // signed out, or revoked
  idle,                // not used for too long
  too_old,             // reached its absolute end
  user_unknown,
  user_disabled,
  before_not_before,   // the user's sessions of that time were all revoked
};
std::string_view to_string(SessionProblem problem);

struct LiveSession {
  Session session;
  const registry::User* user = nullptr;   // into the snapshot
};

Result<LiveSession, SessionProblem> check_live(std::optional<Session> session, const registry::Snapshot& snapshot,
                                               const registry::Revocations& revocations, const Settings& settings, Instant now);

// When the session ends whatever happens.
Instant absolute_end(const Session& session, const Settings& settings);

policy::Authentication authentication_of(const Session& session, Instant now);

}  // namespace writ::token_service::idp
