#pragma once

// What the IdP remembers: sessions, authorization codes, refresh tokens. Reading is from memory, every change is durable before it is
// acknowledged (registry::Documents). Bearer values (cookie, code, refresh token) are kept as SHA-256 only: whoever reads the store
// cannot use what he reads. All classes are safe to share between threads.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "registry/documents.h"
#include "token_service/client_authentication.h"

namespace writ::token_service::idp {

// The form in which a bearer value is stored and looked up: SHA-256 in base64url.
std::string digest_of(std::string_view bearer_value);

// The session at an upstream provider that a federated sign-in came from: what its logout tokens name.
struct UpstreamSession {
  std::string connector;       // id; empty: the person signed in here
  std::string issuer, subject; // `sub` as its ID token had it
  std::string sid;             // may be empty
};

// One sign-in of one person in one browser. All that is issued on its strength names it (`sid`) and ends with it.
struct Session {
  std::string id;              // sid
  std::string user_id;
  std::string cookie_digest;
  Instant created{}, last_seen{};
  Instant auth_time{};         // Instant{}: the provider does not say
  std::string acr;
  std::vector<std::string> amr;
  std::string peer;            // where it began, for the list of sessions
  bool ended = false;
  UpstreamSession upstream{};
  Instant ends{};              // at the latest; Instant{}: as settings say
};

class SessionStore final : public registry::DocumentOwner {
 public:
  static Result<std::unique_ptr<SessionStore>, Unavailable> open(registry::Documents& documents, std::int64_t absolute_seconds);
  std::optional<Session> find(std::string_view sid) const;
  std::optional<Session> find_by_cookie(std::string_view cookie) const;
  std::vector<Session> of_user(std::string_view user_id) const;
  std::vector<Session> all() const;
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return sessions_.size();
  }
  // Those that began at that provider as that subject; with a `sid`, only those of that session there.
  std::vector<Session> of_upstream(std::string_view issuer, std::string_view subject, std::string_view sid) const;

  Task<Result<void, Unavailable>> add(Session session);
  // Notes a use. In memory at once; on disk at most every five minutes, so that after a crash a session may seem idle for that much
  // longer than it was, never shorter.
  Task<Result<void, Unavailable>> touch(std::string sid, Instant now);
  Task<Result<void, Unavailable>> end(std::string sid);
  // The session goes on, but its cookie opens it no more.
  Task<Result<void, Unavailable>> forget_cookie(std::string sid);
  void forget_expired(Instant now);

  std::string_view table() const override;
  Result<void, Unavailable> take_over(const registry::Document& document) override;

 private:
  struct Entry {
    Session session;
    std::int64_t version = 1;
    Instant written_last_seen{};
  };
  SessionStore(registry::Documents& documents, std::int64_t absolute_seconds)
      : documents_(documents), absolute_(absolute_seconds) {}
  registry::Document document_of(const Entry& entry) const;
  void put_in(Entry entry);

  registry::Documents& documents_;
  Seconds absolute_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> sessions_;
  std::unordered_map<std::string, std::string> by_cookie_;
};

struct AuthorizationCode {
  std::string digest;
  std::string grant_id;        // names everything that the code gives: the refresh family and the tokens' jti
  std::string client_id, agent_id, user_id, sid;
  std::string redirect_uri, code_challenge, nonce, scope;
  Instant expires{};
  bool used = false;
  std::string dpop_jkt{};          // the key that the code is bound to (RFC 9449 §10); empty: to none
};

class AuthorizationCodes final : public registry::DocumentOwner {
 public:
  // How long a code is remembered after it expired, to know a replay when it is seen (OB-136).
  static constexpr Seconds kRemembered{600};

  static Result<std::unique_ptr<AuthorizationCodes>, Unavailable> open(registry::Documents& documents);
  std::optional<AuthorizationCode> find(std::string_view code) const;
  Task<Result<void, Unavailable>> add(AuthorizationCode code);
  Task<Result<void, Unavailable>> mark_used(std::string digest);
  void forget_expired(Instant now);

  std::string_view table() const override;
  Result<void, Unavailable> take_over(const registry::Document& document) override;

 private:
  struct Entry {
    AuthorizationCode code;
    std::int64_t version = 1;
  };
  explicit AuthorizationCodes(registry::Documents& documents) : documents_(documents) {}
  registry::Documents& documents_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> codes_;
};

// The refresh tokens that descend from one sign-in of one client. Rotation makes the next generation; all earlier ones stay known, so
// that a reuse is recognised (OB-135).
struct RefreshFamily {
  std::string id;
  std::string client_id, agent_id, user_id, sid, scope;
  std::string device_id;           // empty: not bound to a device key
  Instant created{}, expires{};    // expires with the session at the latest
  bool revoked = false;
  std::string successor_key;       // makes successors out of predecessors; see refresh_rotation.h. Useless without a token
  std::vector<std::string> generations;   // digests; the last is the current one
  Instant rotated{};               // when the current generation was made
  bool current_used = false;       // the current one was presented: its predecessor is now a replay
  std::string dpop_jkt{};          // the key that it is bound to; empty: to none
};

class RefreshTokens final : public registry::DocumentOwner {
 public:
  static Result<std::unique_ptr<RefreshTokens>, Unavailable> open(registry::Documents& documents);

  struct Presented {
    RefreshFamily family;
    std::size_t generation = 0;    // index into family.generations
  };
  std::optional<Presented> find(std::string_view token) const;
  std::vector<RefreshFamily> of_user(std::string_view user_id) const;

  // False: the family was revoked before it came to life (its code was replayed meanwhile).
  Task<Result<bool, Unavailable>> add(RefreshFamily family);
  // Makes `successor_digest` the current generation after `generation`. True also when a concurrent request has done exactly that; false
  // when the family was revoked or has moved on.
  Task<Result<bool, Unavailable>> rotate(std::string family_id, std::size_t generation, std::string successor_digest, Instant now);
  Task<Result<void, Unavailable>> mark_used(std::string family_id, std::size_t generation);
  // Also for families that do not exist (yet): they never will.
  Task<Result<void, Unavailable>> revoke_family(std::string family_id, Instant forget_after);
  Task<Result<void, Unavailable>> revoke_of_session(std::string sid);
  void forget_expired(Instant now);

  std::string_view table() const override;
  Result<void, Unavailable> take_over(const registry::Document& document) override;

 private:
  struct Entry {
    RefreshFamily family;
    std::int64_t version = 1;
  };
  explicit RefreshTokens(registry::Documents& documents) : documents_(documents) {}
  void index(const RefreshFamily& family);

  registry::Documents& documents_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> families_;
  std::unordered_map<std::string, std::pair<std::string, std::size_t>> by_digest_;
};

// The deployment's device keys (rules of client authentication, client_authentication.h).
class StoredDeviceKeys final : public DeviceKeys, public registry::DocumentOwner {
 public:
  static Result<std::unique_ptr<StoredDeviceKeys>, Unavailable> open(registry::Documents& documents);
  std::optional<DeviceKey> find(std::string_view thumbprint) const override;
  Task<Result<void, Unavailable>> add(DeviceKey key) override;
  Task<Result<void, Unavailable>> deactivate(std::string id) override;
  std::vector<DeviceKey> of_user(std::string_view user_id) const override;

  std::string_view table() const override;
  Result<void, Unavailable> take_over(const registry::Document& document) override;

 private:
  struct Entry {
    DeviceKey key;
    std::int64_t version = 1;
  };
  explicit StoredDeviceKeys(registry::Documents& documents) : documents_(documents) {}
  registry::Documents& documents_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> by_thumbprint_;
};

}  // namespace writ::token_service::idp
