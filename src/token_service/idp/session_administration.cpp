#include "token_service/idp/session_administration.h"

#include <algorithm>

#include "token_service/idp/revoke_grant.h"

namespace writ::token_service::idp {

std::vector<SessionSummary> list_sessions(const Idp& idp, std::string_view user_id) {
  const Instant now = idp.clock.now();
  const auto snapshot = idp.registry.get();
  std::vector<SessionSummary> summaries;
  for (Session& session : user_id.empty() ? idp.sessions.all() : idp.sessions.of_user(user_id)) {
    auto live = check_live(std::move(session), *snapshot, idp.revocations, idp.settings, now);
    if (!live) continue;
    SessionSummary summary{std::move(live->session), live->user->name, idp.device_keys.of_user(live->user->id), 0};
    std::erase_if(summary.devices, [&](const DeviceKey& key) { return key.session != summary.session.id || !key.active; });
    for (const auto& family : idp.refresh_tokens.of_user(live->user->id)) {
      if (family.sid == summary.session.id && !family.revoked) ++summary.refresh_families;
    }
    summaries.push_back(std::move(summary));
  }
  std::sort(summaries.begin(), summaries.end(), [](const auto& a, const auto& b) { return a.session.created > b.session.created; });
  return summaries;
}

namespace {

// Other resource authorization servers know the person, and not which of the sessions it was: all that they were given until now ends, and
// clients with another session get a new ID-JAG at once (docs/decisions/0035).
Task<Result<void, Unavailable>> tell_session_ended(const Idp& idp, std::string user_id, SessionEnd how, Instant now) {
  const auto snapshot = idp.registry.get();
  const registry::User* known = snapshot->user(user_id);
  if (!idp.people_events || !known) co_return Result<void, Unavailable>{};
  signals::Cause cause;
  cause.time_seconds = to_unix_seconds(now);
  cause.initiating_entity = how == SessionEnd::signed_out ? "user" : "admin";
  cause.reason = how == SessionEnd::signed_out ? "the person signed out" : "the session was revoked";
  registry::User user = *known;
  std::vector<signals::Event> events;
  events.push_back(signals::session_revoked(cause));
  const auto told = co_await idp.people_events->tell(std::move(user), std::move(events));
  co_return told;
}

}  // namespace

Task<Result<void, Unavailable>> end_session(const Idp& idp, std::string sid, SessionEnd how, std::string actor, std::string peer) {
  const auto session = idp.sessions.find(sid);
  if (!session) co_return Result<void, Unavailable>{};
  const Instant now = idp.clock.now();
  audit::Record record;
  record.event = how == SessionEnd::signed_out ? audit::Event::sign_out : audit::Event::session_revoked;
  record.effect = audit::Effect::allow;
  record.time = now;
  record.reason = how == SessionEnd::signed_out ? "signed_out" : "revoked";
  record.user = session->user_id;
  record.session = sid;
  record.peer = std::move(peer);
  record.more.emplace_back("actor", std::move(actor));
  audit::Commit commit{std::move(record), std::nullopt, std::nullopt, audit::Durability::power};
  const auto committed = co_await idp.log.commit(std::move(commit));
  // Before it ends: a crash in between leaves a session that others heard the end of, never one that ended and nobody heard.
  const auto told = co_await tell_session_ended(idp, session->user_id, how, now);
  // Ending is done even when it cannot be recorded: the safe side of the two is the one without access. The caller still hears of it.
  const Instant forget_after = absolute_end(*session, idp.settings) + Seconds{idp.settings.skew_seconds};
  const auto everywhere = co_await idp.revocations.end_session(sid, forget_after);
  const auto here = co_await idp.sessions.end(sid);
  const auto families = co_await idp.refresh_tokens.revoke_of_session(sid);
  if (!committed) co_return unexpected(committed.error());
  if (!everywhere) co_return unexpected(everywhere.error());
  if (!here) co_return unexpected(here.error());
  if (!told) co_return unexpected(told.error());
  co_return families;
}

Task<Result<void, Unavailable>> end_sessions_of_user(const Idp& idp, std::string user_id, std::string actor, std::string peer) {
  Result<void, Unavailable> all;
  for (const Session& session : idp.sessions.of_user(user_id)) {
    if (session.ended) continue;
    const auto ended = co_await end_session(idp, session.id, SessionEnd::revoked, actor, peer);
    if (!ended) all = unexpected(ended.error());   // go on: each session that can be ended is
  }
  co_return all;
}

Task<Result<void, Unavailable>> revoke_device(const Idp& idp, std::string device_id, std::string user_id, std::string actor,
                                              std::string peer) {
  const Instant now = idp.clock.now();
  audit::Record record;
  record.event = audit::Event::session_revoked;
  record.effect = audit::Effect::allow;
  record.time = now;
  record.reason = "device_revoked";
  record.user = user_id;
  record.peer = std::move(peer);
  record.more = {{"actor", std::move(actor)}, {"device", device_id}};
  audit::Commit commit{std::move(record), std::nullopt, std::nullopt, audit::Durability::power};
  const auto committed = co_await idp.log.commit(std::move(commit));
  Result<void, Unavailable> all;
  if (!committed) all = unexpected(committed.error());
  const auto deactivated = co_await idp.device_keys.deactivate(device_id);
  if (!deactivated) all = unexpected(deactivated.error());
  for (const auto& family : idp.refresh_tokens.of_user(user_id)) {
    if (family.device_id != device_id || family.revoked) continue;
    const auto revoked = co_await revoke_grant(idp, family.id, now);
    if (!revoked) all = unexpected(revoked.error());
  }
  co_return all;
}

}  // namespace writ::token_service::idp
