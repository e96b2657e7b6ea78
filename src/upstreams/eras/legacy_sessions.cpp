#include "upstreams/eras/legacy_sessions.h"

#include <utility>

#include "crypto/hash.h"
#include "encoding/base64url.h"

namespace writ::upstreams {
namespace {

std::string key_of(const Context& context, const ModernRequest& request) {
  json::Array parts{context.server->id, address_key(*context.server->upstream), context.principal->key, request.capabilities, request.client_info};
  return crypto::sha256_bytes(json::write_canonical(json::Value(std::move(parts))));
}

}  // namespace

LegacySessions::Map::iterator LegacySessions::erase(Map::iterator entry) {
  const auto own = of_principal_.find(entry->second.principal);
  if (--own->second == 0) of_principal_.erase(own);
  std::shared_ptr<LegacySession> session = std::move(entry->second.session);
  // It is let go of at its home, nowhere else.
  Executor& home = session->home();
  home.post([session = std::move(session)] { session->end(); });
  return sessions_.erase(entry);
}

// A principal that opens too many loses its own idle ones, nobody else's.
bool LegacySessions::make_room(const std::string& principal) {
  const auto own = of_principal_.find(principal);
  const bool is_full = sessions_.size() >= kSessionsMax, is_own_full = own != of_principal_.end() && own->second >= kPerPrincipalMax;
  if (!is_full && !is_own_full) return true;
  auto oldest = sessions_.end();
  for (auto entry = sessions_.begin(); entry != sessions_.end(); ++entry) {
    if (entry->second.principal != principal || entry->second.session->is_busy()) continue;
    if (oldest == sessions_.end() || entry->second.session->last_used() < oldest->second.session->last_used()) oldest = entry;
  }
  if (oldest == sessions_.end()) return false;
  erase(oldest);
  return true;
}

std::shared_ptr<LegacySession> LegacySessions::find_or_make(const Context& context, const ModernRequest& request) {
  const std::string key = key_of(context, request);
  const std::lock_guard lock(mutex_);
  auto found = sessions_.find(key);
  if (found == sessions_.end()) {
    const std::string& principal = context.principal->key;
    if (!make_room(principal)) return nullptr;
    auto session = std::make_shared<LegacySession>(parts_, *Executor::current(), context, request.capabilities, request.client_info);
    found = sessions_.emplace(key, Entry{principal, std::move(session)}).first;
    ++of_principal_[principal];
  }
  found->second.session->use(parts_.clock.now());
  found->second.session->hold();
  return found->second.session;
}

void LegacySessions::tidy(Instant now) {
  const auto snapshot = parts_.objects.get();
  const std::lock_guard lock(mutex_);
  const bool has_changed = std::exchange(looked_at_, snapshot->sequence()) != snapshot->sequence();
  for (auto entry = sessions_.begin(); entry != sessions_.end();) {
    const LegacySession& session = *entry->second.session;
    const bool is_idle = !session.is_busy() && session.last_used() + kIdle.count() < to_unix_seconds(now);
    const bool is_stale = has_changed && !session.is_current(*snapshot);
    entry = is_idle || is_stale ? erase(entry) : std::next(entry);
  }
}

std::size_t LegacySessions::size() const {
  const std::lock_guard lock(mutex_);
  return sessions_.size();
}

}  // namespace writ::upstreams
