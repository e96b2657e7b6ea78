#include "token_service/idp/session.h"

#include <algorithm>

namespace writ::token_service::idp {
namespace {

constexpr std::chrono::seconds kUnknownAge = std::chrono::hours(24) * 36500;

}  // namespace

std::string_view to_string(SessionProblem problem) {
  switch (problem) {
    case SessionProblem::unknown: return "session_unknown";
    case SessionProblem::ended: return "session_ended";
    case SessionProblem::idle: return "session_idle";
    case SessionProblem::too_old: return "session_too_old";
    case SessionProblem::user_unknown: return "user_unknown";
    case SessionProblem::user_disabled: return "user_disabled";
    case SessionProblem::before_not_before: return "session_before_not_before";
  }
  return "session_unknown";
}

Instant absolute_end(const Session& session, const Settings& settings) {
  const Instant usual = session.created + Seconds{settings.session_absolute_seconds};
  return session.ends != Instant{} ? std::min(usual, session.ends) : usual;
}

Result<LiveSession, SessionProblem> check_live(std::optional<Session> session, const registry::Snapshot& snapshot,
                                               const registry::Revocations& revocations, const Settings& settings, Instant now) {
  if (!session) return unexpected(SessionProblem::unknown);
  // Two places say so, and either is enough: an administrator ends a session through the revocations that all roles read.
  if (session->ended || revocations.is_session_ended(session->id)) return unexpected(SessionProblem::ended);
  if (now >= absolute_end(*session, settings)) return unexpected(SessionProblem::too_old);
  if (now >= session->last_seen + Seconds{settings.session_idle_seconds}) return unexpected(SessionProblem::idle);
  const registry::User* user = snapshot.user(session->user_id);
  if (!user) return unexpected(SessionProblem::user_unknown);
  if (!user->active) return unexpected(SessionProblem::user_disabled);
  if (registry::is_taken_back(session->created, *user, revocations)) return unexpected(SessionProblem::before_not_before);
  return LiveSession{std::move(*session), user};
}

policy::Authentication authentication_of(const Session& session, Instant now) {
  // When nobody says when it was, it was too long ago (rules §4.4).
  if (session.auth_time == Instant{}) return {session.acr, session.amr, kUnknownAge};
  // A clock that stepped back does not make an authentication fresher than "just now".
  const auto age = std::max(std::chrono::floor<Seconds>(now - session.auth_time), Seconds{0});
  return {session.acr, session.amr, age};
}

}  // namespace writ::token_service::idp
