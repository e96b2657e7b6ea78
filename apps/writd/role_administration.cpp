#include "role_administration.h"

#include <algorithm>

#include "registry/withdrawn_keys.h"

namespace writ::writd {
namespace {

constexpr const char* kUses[] = {"idp", "ras", "encryption", "ssf"};

}  // namespace

using token_service::idp::SessionEnd;

token_service::RotatingKeys* RoleKeys::keys_of(std::string_view use) const {
  if (use == "idp" && parts_.idp) return parts_.idp->keys.get();
  if (use == "ras" && parts_.resource_as) return parts_.resource_as->keys.get();
  if (use == "encryption" && parts_.resource_as) return parts_.resource_as->encryption_keys.get();
  if (use == "ssf" && parts_.security_events) return parts_.security_events->keys.get();
  return nullptr;
}

std::vector<admin::KeySummary> RoleKeys::list(Instant now) const {
  std::vector<admin::KeySummary> keys;
  for (const char* use : kUses) {
    const auto* of_use = keys_of(use);
    if (of_use == nullptr) continue;
    for (const auto& key : of_use->list(now)) {
      keys.push_back({use, key.times.kid, std::string(crypto::to_string(key.algorithm)), key.times.created, key.times.active_from, key.active, key.published, key.in_token});
    }
  }
  return keys;
}

Task<Result<std::optional<std::string>, Unavailable>> RoleKeys::rotate(std::string use, bool at_once, Instant now) {
  auto* of_use = keys_of(use);
  if (of_use == nullptr) co_return std::optional<std::string>();
  auto kid = co_await of_use->rotate(now, at_once);
  if (!kid) co_return unexpected(kid.error());
  parts_.remote_keys.expect_change(use == "idp" ? parts_.config.idp.issuer : parts_.config.resource_as.issuer);
  co_return std::optional<std::string>(std::move(*kid));
}

Task<Result<std::optional<admin::KeyAdministration::Withdrawn>, Unavailable>> RoleKeys::withdraw(std::string kid, Instant now) {
  for (const char* use : kUses) {
    auto* of_use = keys_of(use);
    if (of_use == nullptr) continue;
    if (!of_use->has(kid)) continue;
    // What it signed is revoked before the key is gone: in between it is refused twice, the other way round it would be accepted by whoever has a copy.
    const std::string& issuer = use == std::string_view("idp") ? parts_.config.idp.issuer : parts_.config.resource_as.issuer;
    std::string name = registry::withdrawn_key_name(issuer, kid);
    const auto revoked = co_await parts_.revocations->revoke_token(std::move(name), now + parts_.config.keys.keep_after + std::chrono::hours{24});
    if (!revoked) co_return unexpected(revoked.error());
    auto successor = co_await of_use->withdraw(kid, now);
    if (!successor) co_return unexpected(successor.error());
    parts_.remote_keys.expect_change(issuer);
    Withdrawn withdrawn;
    withdrawn.use = use;
    withdrawn.successor = successor->value_or("");
    co_return std::optional<Withdrawn>(std::move(withdrawn));
  }
  co_return std::optional<Withdrawn>();
}

std::vector<admin::SessionInfo> RoleSessions::list(std::string_view user_id) const {
  std::vector<admin::SessionInfo> sessions;
  if (!parts_.idp) return sessions;
  for (const auto& summary : token_service::idp::list_sessions(*parts_.idp->idp, user_id)) {
    admin::SessionInfo info;
    info.sid = summary.session.id;
    info.user = summary.session.user_id;
    info.user_name = summary.user_name;
    info.created = summary.session.created;
    info.last_used = summary.session.last_seen;
    info.expires = token_service::idp::absolute_end(summary.session, parts_.idp->idp->settings);
    for (const auto& device : summary.devices) info.devices.push_back(device.name);
    sessions.push_back(std::move(info));
  }
  return sessions;
}

Task<Result<void, Unavailable>> RoleSessions::end(std::string sid, std::string actor, std::string peer) {
  if (!parts_.idp) co_return Result<void, Unavailable>{};
  auto ended = co_await token_service::idp::end_session(*parts_.idp->idp, std::move(sid), SessionEnd::revoked, std::move(actor), std::move(peer));
  co_return ended;
}

Task<Result<void, Unavailable>> RoleSessions::end_of_user(std::string user_id, std::string actor, std::string peer) {
  if (!parts_.idp) co_return Result<void, Unavailable>{};
  auto ended = co_await token_service::idp::end_sessions_of_user(*parts_.idp->idp, std::move(user_id), std::move(actor), std::move(peer));
  co_return ended;
}

// The record first, as for every change of objects (rules §6.4).
Task<Result<bool, Unavailable>> RoleSessions::reset_factor(std::string user_id, std::string actor, std::string peer) {
  if (!parts_.idp) co_return false;
  audit::Commit commit;
  commit.record.event = audit::Event::administration;
  commit.record.time = parts_.clock.now();
  commit.record.reason = "second_factor_reset";
  commit.record.user = user_id;
  commit.record.peer = std::move(peer);
  commit.record.more = {{"actor", std::move(actor)}};
  const auto recorded = co_await parts_.stores.log->commit(std::move(commit));
  if (!recorded) co_return unexpected(recorded.error());
  const auto snapshot = parts_.registry.get();
  if (const auto* known = snapshot->user(user_id); known && parts_.idp->idp->people_events) {
    registry::User user = *known;
    std::vector<signals::Event> events;
    events.push_back(signals::credential_change({to_unix_seconds(parts_.clock.now()), "admin", "the second factor was reset"}, "app", "revoke"));
    const auto told = co_await parts_.idp->idp->people_events->tell(std::move(user), std::move(events));
    if (!told) co_return unexpected(told.error());
  }
  const auto reset = co_await parts_.idp->second_factors->reset(std::move(user_id));
  co_return reset;
}

std::vector<admin::UpstreamState> RoleUpstreams::list(Instant now) const {
  std::vector<admin::UpstreamState> states;
  if (!parts_.gateway) return states;
  for (auto& known : parts_.gateway->health->servers().states(*parts_.registry.get(), now)) {
    admin::UpstreamState state;
    state.server = std::move(known.server);
    state.circuit = upstreams::health::to_string(known.circuit);
    state.failures = known.failures;
    state.failing_since = known.failing_since, state.retry_at = known.retry_at;
    state.last_failure = std::move(known.last_failure);
    state.waiting = known.waiting;
    state.requests = known.requests, state.failed = known.failed, state.turned_away = known.turned_away;
    states.push_back(std::move(state));
  }
  return states;
}

}  // namespace writ::writd
