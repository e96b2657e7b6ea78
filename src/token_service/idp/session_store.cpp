#include "crypto/hash.h"
#include "encoding/base64url.h"
#include "token_service/idp/document_fields.h"
#include "token_service/idp/stores.h"

namespace writ::token_service::idp {
namespace {

constexpr const char* kTable = "idp_sessions";
constexpr Seconds kWriteUsesEvery{300};

Result<Session, Unavailable> read(const registry::Document& document) {
  auto fields = TRY(DocumentFields::parse(document));
  Session session{document.key, fields.text("user"), fields.text("cookie"), fields.time("created"), fields.time("last_seen"),
                  fields.time("auth_time"), fields.text("acr"), fields.texts("amr"), fields.text("peer"), fields.flag("ended")};
  if (fields.has("upstream")) {
    const auto parts = fields.texts("upstream");
    if (parts.size() != 4) return unexpected(Unavailable{"a stored session cannot be read"});
    session.upstream = {parts[0], parts[1], parts[2], parts[3]};
  }
  if (fields.has("ends")) session.ends = fields.time("ends");
  if (!fields.ok()) return unexpected(Unavailable{"a stored session cannot be read"});
  return session;
}

}  // namespace

std::string digest_of(std::string_view bearer_value) { return base64url::encode(crypto::sha256_bytes(bearer_value)); }

registry::Document SessionStore::document_of(const Entry& entry) const {
  const Session& session = entry.session;
  json::Value value{{"user", session.user_id},
                    {"cookie", session.cookie_digest},
                    {"created", to_json(session.created)},
                    {"last_seen", to_json(session.last_seen)},
                    {"auth_time", to_json(session.auth_time)},
                    {"acr", session.acr},
                    {"amr", to_json(session.amr)},
                    {"peer", session.peer},
                    {"ended", session.ended}};
  if (!session.upstream.connector.empty()) {
    const UpstreamSession& upstream = session.upstream;
    value.set("upstream", json::Array{upstream.connector, upstream.issuer, upstream.subject, upstream.sid});
  }
  if (session.ends != Instant{}) value.set("ends", to_json(session.ends));
  return {kTable, session.id, entry.version, session.created + absolute_, json::write(value)};
}

void SessionStore::put_in(Entry entry) {
  std::string sid = entry.session.id;
  if (!entry.session.cookie_digest.empty()) by_cookie_.insert_or_assign(entry.session.cookie_digest, sid);
  sessions_.insert_or_assign(std::move(sid), std::move(entry));
}

Result<std::unique_ptr<SessionStore>, Unavailable> SessionStore::open(registry::Documents& documents, std::int64_t absolute_seconds) {
  std::unique_ptr<SessionStore> store(new SessionStore(documents, absolute_seconds));
  for (const auto& document : TRY(documents.load(kTable))) {
    Session session = TRY(read(document));
    const Instant last_seen = session.last_seen;
    store->put_in({std::move(session), document.version, last_seen});
  }
  return store;
}

std::string_view SessionStore::table() const { return kTable; }

Result<void, Unavailable> SessionStore::take_over(const registry::Document& document) {
  Session session = TRY(read(document));
  const Instant written = session.last_seen;
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(document.key);
  if (found != sessions_.end()) {
    if (document.version <= found->second.version) return {};
    by_cookie_.erase(found->second.session.cookie_digest);
    session.last_seen = std::max(session.last_seen, found->second.session.last_seen);   // uses here count on
  }
  put_in({std::move(session), document.version, written});
  return {};
}

std::optional<Session> SessionStore::find(std::string_view sid) const {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(std::string(sid));
  if (found == sessions_.end()) return std::nullopt;
  return found->second.session;
}

std::optional<Session> SessionStore::find_by_cookie(std::string_view cookie) const {
  const std::string digest = digest_of(cookie);
  const std::lock_guard lock(mutex_);
  const auto found = by_cookie_.find(digest);
  if (found == by_cookie_.end()) return std::nullopt;
  return sessions_.at(found->second).session;
}

std::vector<Session> SessionStore::all() const {
  std::vector<Session> sessions;
  const std::lock_guard lock(mutex_);
  for (const auto& [sid, entry] : sessions_) sessions.push_back(entry.session);
  return sessions;
}

std::vector<Session> SessionStore::of_user(std::string_view user_id) const {
  auto sessions = all();
  std::erase_if(sessions, [&](const Session& session) { return session.user_id != user_id; });
  return sessions;
}

std::vector<Session> SessionStore::of_upstream(std::string_view issuer, std::string_view subject, std::string_view sid) const {
  std::vector<Session> sessions;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, entry] : sessions_) {
    const UpstreamSession& upstream = entry.session.upstream;
    if (upstream.connector.empty() || upstream.issuer != issuer) continue;
    if (!subject.empty() && upstream.subject != subject) continue;
    if (!sid.empty() && upstream.sid != sid) continue;
    sessions.push_back(entry.session);
  }
  return sessions;
}

Task<Result<void, Unavailable>> SessionStore::add(Session session) {
  return registry::write_through(documents_, [this, session = std::move(session)]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    if (!sessions_.contains(session.id)) put_in({session, 1, session.last_seen});
    return document_of(sessions_.at(session.id));
  });
}

Task<Result<void, Unavailable>> SessionStore::touch(std::string sid, Instant now) {
  return registry::write_through(documents_, [this, sid = std::move(sid), now]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(sid);
    if (found == sessions_.end()) return std::nullopt;
    Entry& entry = found->second;
    entry.session.last_seen = std::max(entry.session.last_seen, now);
    if (now - entry.written_last_seen < kWriteUsesEvery) return std::nullopt;
    entry.written_last_seen = now;
    ++entry.version;
    return document_of(entry);
  });
}

Task<Result<void, Unavailable>> SessionStore::end(std::string sid) {
  return registry::write_through(documents_, [this, sid = std::move(sid)]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(sid);
    if (found == sessions_.end()) return std::nullopt;
    found->second.session.ended = true;
    ++found->second.version;
    return document_of(found->second);
  });
}

Task<Result<void, Unavailable>> SessionStore::forget_cookie(std::string sid) {
  return registry::write_through(documents_, [this, sid = std::move(sid)]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(sid);
    if (found == sessions_.end()) return std::nullopt;
    by_cookie_.erase(found->second.session.cookie_digest);
    found->second.session.cookie_digest.clear();
    ++found->second.version;
    return document_of(found->second);
  });
}

void SessionStore::forget_expired(Instant now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(sessions_, [&](const auto& item) {
    const Session& session = item.second.session;
    if (session.created + absolute_ > now) return false;
    by_cookie_.erase(session.cookie_digest);
    return true;
  });
}

}  // namespace writ::token_service::idp
