#pragma once

// Sessions of the legacy era. The client gets an id of ours; the upstream's id never leaves the gateway. An id is no credential (TR-37): it
// is sealed to who made it and where, says which node has the session, and is not found by anybody else (G12, rules §7.3).

#include <array>
#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "crypto/handles.h"
#include "gateway/access_token.h"
#include "gateway/tasks.h"
#include "mcp/json_rpc.h"
#include "mcp/methods.h"

namespace writ::gateway {

// Which lists an answer may hold, by the id of its request (rules §5.4). Bounded: the oldest are forgotten, and their answers then dropped.
class RequestIds {
 public:
  explicit RequestIds(std::size_t ids_max) : ids_max_(ids_max) {}
  // An id that is used again keeps what it stood for before: an answer to the earlier request may still come, replayed on a resumed stream.
  void remember(const mcp::RequestId& id, mcp::List list);
  // The lists that an answer with this id is filtered by; absent when no request had it.
  std::optional<std::uint8_t> find(const mcp::RequestId& id) const;

 private:
  std::size_t ids_max_;
  std::unordered_map<std::string, std::uint8_t> lists_;
  std::deque<std::string> order_;
};

// What else lives as long as a session: of a combined server the sessions of its members.
struct SessionPart {
  virtual ~SessionPart() = default;
};

// Safe to share between threads.
class Session {
 public:
  Session(std::string session_id, std::string upstream_session_id, std::string whose)
      : id(std::move(session_id)), upstream_id(std::move(upstream_session_id)), principal(std::move(whose)) {}

  const std::string id, upstream_id, principal;
  std::shared_ptr<SessionPart> part;   // set before anybody else knows the session, and not changed; may be null

  void remember(const mcp::RequestId& request_id, mcp::List list) {
    const std::lock_guard lock(mutex_);
    request_ids_.remember(request_id, list);
  }
  std::optional<std::uint8_t> find(const mcp::RequestId& request_id) const {
    const std::lock_guard lock(mutex_);
    return request_ids_.find(request_id);
  }
  // A call that asked for a task: its answer may come on a resumed stream, and the task must find its owner then too.
  void remember_call(const mcp::RequestId& request_id, TaskOrigin call);
  std::optional<TaskOrigin> find_call(const mcp::RequestId& request_id) const;
  // A newer token keeps the session's standing streams alive (rules §5.3).
  void use(std::int64_t now_seconds, std::int64_t token_expires);
  std::int64_t last_used() const { return last_used_.load(std::memory_order_relaxed); }
  std::int64_t newest_expiry() const { return newest_expiry_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kIdsMax = 1'024, kCallsMax = 16;
  mutable std::mutex mutex_;
  RequestIds request_ids_{kIdsMax};
  std::deque<std::pair<std::string, TaskOrigin>> calls_;   // newest last
  std::atomic<std::int64_t> last_used_{0}, newest_expiry_{0};
};

// Safe to share between threads.
class Sessions {
 public:
  // No session is older, however often it is used: its id says until when it is good.
  static constexpr Seconds kOldest{30 * 24 * 3600};

  Sessions(std::shared_ptr<const crypto::Handles> handles, std::size_t sessions_max, std::size_t per_principal_max, Seconds idle)
      : handles_(std::move(handles)), sessions_max_(sessions_max), per_principal_max_(per_principal_max), idle_seconds_(idle.count()) {}

  // Null when there is no room: then the oldest session of the same principal was not enough.
  std::shared_ptr<Session> open(std::string upstream_id, std::string principal, std::int64_t now_seconds, std::int64_t token_expires);
  // The node whose session that is. Absent: nobody's, or somebody else's, or too old.
  std::optional<std::uint32_t> node_of(std::string_view id, std::string_view principal, Instant now) const;
  // Null when unknown, and when it is somebody else's: the two cannot be told apart.
  std::shared_ptr<Session> find(std::string_view id, std::string_view principal, std::int64_t now_seconds) const;
  void close(const Session& session);
  void forget_idle(std::int64_t now_seconds);
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return sessions_.size();
  }

 private:
  using Map = std::unordered_map<std::string, std::shared_ptr<Session>>;
  void erase(Map::iterator found);
  std::shared_ptr<const crypto::Handles> handles_;
  mutable std::mutex mutex_;
  std::size_t sessions_max_, per_principal_max_;
  std::int64_t idle_seconds_;
  Map sessions_;
  std::unordered_map<std::string, std::deque<std::string>> of_principal_;   // oldest first
};

}  // namespace writ::gateway
