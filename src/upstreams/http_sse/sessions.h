#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "upstreams/http_sse/session.h"

namespace writ::upstreams::http_sse {

// The sessions of all principals. Bounded: who opens too many loses its own oldest, nobody else's. Safe to share between threads.
class Sessions {
 public:
  explicit Sessions(const Settings& settings) : sessions_max_(settings.sessions_max), per_owner_max_(settings.sessions_per_owner_max) {}

  // False when there is no room.
  bool add(const std::shared_ptr<Session>& session);
  // Null when unknown, over, or somebody else's: these cannot be told apart (G12).
  std::shared_ptr<Session> find(std::string_view id, std::string_view owner) const;
  void remove(const Session& session);
  void for_each(const std::function<void(Session&)>& visit) const;
  void remove_ended();
  std::size_t size() const;

 private:
  std::shared_ptr<Session> take(const std::string& id);   // with the mutex held
  std::size_t sessions_max_, per_owner_max_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<Session>> sessions_;
  std::unordered_map<std::string, std::deque<std::string>> of_owner_;   // oldest first
};

}  // namespace writ::upstreams::http_sse
