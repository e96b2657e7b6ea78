#include "registry/stored_revocations.h"

#include <algorithm>
#include <charconv>
#include <mutex>

#include "encoding/json.h"

namespace writ::registry {
namespace {

constexpr const char* kTable = "revocations";
constexpr const char* kRestorations = "restorations";
constexpr auto kLongestLife = std::chrono::days{400};   // of anything that was issued before a restore
constexpr const char* kToken = "token";
constexpr const char* kSession = "session";
constexpr std::string_view kUntil = "until:";   // in the same table: whoever follows the one must hear of the other

std::string key_of(const char* kind, std::string_view id) { return std::string(kind).append(":").append(id); }

Result<std::int64_t, Unavailable> moment_of(const Document& document) {
  const auto text = json::parse(document.json);
  const auto* seconds = text ? text->find_int("seconds") : nullptr;
  if (!seconds) return unexpected(Unavailable{"the stored revocations: one is damaged"});
  return *seconds;
}

}  // namespace

Result<std::unique_ptr<StoredRevocations>, Unavailable> StoredRevocations::open(Documents& documents) {
  std::unique_ptr<StoredRevocations> revocations(new StoredRevocations(documents));
  for (const Document& document : TRY(documents.load(kTable))) {
    if (!document.key.starts_with(kUntil)) {
      revocations->revoked_.emplace(document.key, Entry{document.expires, document.version});
      continue;
    }
    const std::int64_t seconds = TRY(moment_of(document));
    revocations->ended_until_.emplace(document.key.substr(kUntil.size()), EndedUntil{seconds, document.version, document.expires});
  }
  for (const Document& document : TRY(documents.load(kRestorations))) {
    const auto text = json::parse(document.json);
    const auto* milliseconds = text ? text->find_int("restored") : nullptr;
    if (!milliseconds) return unexpected(Unavailable{"the mark that a restore left cannot be read"});
    revocations->restored_ = std::max(revocations->restored_, Instant{Milliseconds{*milliseconds}});
  }
  return revocations;
}

Document StoredRevocations::restoration(Instant restored) {
  return {kRestorations, std::to_string(to_unix_seconds(restored)), 1, restored + kLongestLife, json::write(json::Value{{"restored", restored.time_since_epoch().count()}})};
}

bool StoredRevocations::has(const char* kind, std::string_view id) const {
  const std::string key = key_of(kind, id);
  const std::shared_lock lock(mutex_);
  return revoked_.contains(key);
}

bool StoredRevocations::is_token_revoked(std::string_view jti) const { return has(kToken, jti); }
bool StoredRevocations::is_session_ended(std::string_view sid) const { return has(kSession, sid) || is_ended_until(sid); }

bool StoredRevocations::is_ended_until(std::string_view name_and_moment) const {
  const std::size_t at = name_and_moment.rfind('@');
  if (at == std::string_view::npos) return false;
  const std::string_view digits = name_and_moment.substr(at + 1);
  const std::shared_lock lock(mutex_);
  const auto ended = ended_until_.find(std::string(name_and_moment.substr(0, at)));
  if (ended == ended_until_.end()) return false;
  std::int64_t seconds = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  // A moment that cannot be read is none that came later.
  return read.ec != std::errc() || read.ptr != digits.data() + digits.size() || seconds <= ended->second.seconds;
}

Document StoredRevocations::remember(const std::string& key, Instant forget_after) {
  Document document{kTable, key, 0, forget_after, "{}"};
  {
    const std::unique_lock lock(mutex_);
    Entry& entry = revoked_[key];
    // Two revocations of one thing: it stays revoked for the longer of the two, on disk as well.
    entry.forget_after = std::max(entry.forget_after, forget_after);
    document.expires = entry.forget_after;
    document.version = ++entry.version;
  }
  // In force at once, in this process; what is acknowledged is that it also outlives it, and holds on every node.
  epoch_.fetch_add(1, std::memory_order_acq_rel);
  return document;
}

Task<Result<void, Unavailable>> StoredRevocations::revoke(std::string key, Instant forget_after) {
  return write_through(documents_, [this, key = std::move(key), forget_after]() -> std::optional<Document> { return remember(key, forget_after); });
}

Task<Result<void, Unavailable>> StoredRevocations::revoke_token(std::string jti, Instant forget_after) { return revoke(key_of(kToken, jti), forget_after); }
Task<Result<void, Unavailable>> StoredRevocations::end_session(std::string sid, Instant forget_after) { return revoke(key_of(kSession, sid), forget_after); }

std::string_view StoredRevocations::table() const { return kTable; }

Result<void, Unavailable> StoredRevocations::take_over(const Document& document) {
  if (document.key.starts_with(kUntil)) {
    const std::int64_t seconds = TRY(moment_of(document));
    const std::unique_lock lock(mutex_);
    EndedUntil& ended = ended_until_[document.key.substr(kUntil.size())];
    if (document.version <= ended.version) return {};
    ended = {std::max(ended.seconds, seconds), document.version, std::max(ended.forget_after, document.expires)};
  } else {
    const std::unique_lock lock(mutex_);
    Entry& entry = revoked_[document.key];
    if (document.version <= entry.version) return {};
    // Nothing un-revokes: what was revoked here for longer stays so.
    entry = {std::max(entry.forget_after, document.expires), document.version};
  }
  epoch_.fetch_add(1, std::memory_order_acq_rel);
  return {};
}

Document StoredRevocations::remember_until(const std::string& name, std::int64_t seconds, Instant forget_after) {
  Document document{kTable, std::string(kUntil) + name, 0, forget_after, ""};
  {
    const std::unique_lock lock(mutex_);
    EndedUntil& ended = ended_until_[name];
    ended.seconds = std::max(ended.seconds, seconds);
    ended.forget_after = std::max(ended.forget_after, forget_after);
    document.version = ++ended.version;
    document.expires = ended.forget_after;
    document.json = json::write(json::Value{{"seconds", ended.seconds}});
  }
  epoch_.fetch_add(1, std::memory_order_acq_rel);
  return document;
}

Task<Result<void, Unavailable>> StoredRevocations::end_sessions_until(std::string name, std::int64_t seconds, Instant forget_after) {
  return write_through(documents_, [this, name = std::move(name), seconds, forget_after]() -> std::optional<Document> { return remember_until(name, seconds, forget_after); });
}

void StoredRevocations::forget_expired(Instant now) {
  const std::unique_lock lock(mutex_);
  std::erase_if(ended_until_, [&](const auto& entry) { return entry.second.forget_after <= now; });
  std::erase_if(revoked_, [&](const auto& entry) { return entry.second.forget_after <= now; });
}

}  // namespace writ::registry
