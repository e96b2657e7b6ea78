#pragma once

// Sessions as administrators and their owners see and end them. Also what sign-out does.

#include <string>
#include <vector>

#include "token_service/idp/idp.h"
#include "token_service/idp/session.h"

namespace writ::token_service::idp {

struct SessionSummary {
  Session session;
  std::string user_name;
  std::vector<DeviceKey> devices;      // registered in it
  std::size_t refresh_families = 0;    // agents that live on it
};
// Live ones only, newest first. An empty user id lists everybody's.
std::vector<SessionSummary> list_sessions(const Idp& idp, std::string_view user_id);

enum class SessionEnd { signed_out, revoked };
// Ends a session and everything that lives on it, in every role of the deployment. `actor` is who did it, for the record.
// Ending a session that is gone already succeeds.
Task<Result<void, Unavailable>> end_session(const Idp& idp, std::string sid, SessionEnd how, std::string actor, std::string peer);
Task<Result<void, Unavailable>> end_sessions_of_user(const Idp& idp, std::string user_id, std::string actor, std::string peer);
// A lost laptop: its key opens nothing any more.
Task<Result<void, Unavailable>> revoke_device(const Idp& idp, std::string device_id, std::string user_id, std::string actor, std::string peer);

}  // namespace writ::token_service::idp
