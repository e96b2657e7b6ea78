#pragma once

// All sessions that the gateway holds for modern clients: one for each server, principal and set of client capabilities. A server of the legacy
// era is told capabilities once for a session, so that clients with other capabilities need another one.

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "upstreams/eras/legacy_session.h"
#include "upstreams/eras/modern_request.h"

namespace writ::upstreams {

// Safe to share between threads.
class LegacySessions {
 public:
  static constexpr std::size_t kSessionsMax = 20'000, kPerPrincipalMax = 8;
  static constexpr Seconds kIdle{300};

  explicit LegacySessions(const EraParts& parts) : parts_(parts) {}
  // Held for the caller, who releases it. Null when the principal's, or all, are busy and no more may be had.
  std::shared_ptr<LegacySession> find_or_make(const Context& context, const ModernRequest& request);
  // Ends what is idle, and what may not be used any more.
  void tidy(Instant now);
  std::size_t size() const;

 private:
  struct Entry {
    std::string principal;
    std::shared_ptr<LegacySession> session;
  };
  using Map = std::unordered_map<std::string, Entry>;
  Map::iterator erase(Map::iterator entry);
  bool make_room(const std::string& principal);

  const EraParts& parts_;
  mutable std::mutex mutex_;
  Map sessions_;
  std::unordered_map<std::string, std::size_t> of_principal_;
  std::uint64_t looked_at_ = 0;   // the snapshot that all were last compared with
};

}  // namespace writ::upstreams
