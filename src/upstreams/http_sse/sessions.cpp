#include "upstreams/http_sse/sessions.h"

#include <algorithm>
#include <vector>

namespace writ::upstreams::http_sse {

bool Sessions::add(const std::shared_ptr<Session>& session) {
  std::shared_ptr<Session> oldest;
  bool has_room = true;
  {
    const std::lock_guard lock(mutex_);
    const auto own = of_owner_.find(session->owner);
    const std::size_t owned = own == of_owner_.end() ? 0 : own->second.size();
    if (owned >= per_owner_max_ || (sessions_.size() >= sessions_max_ && owned > 0)) oldest = take(std::string(own->second.front()));
    has_room = sessions_.size() < sessions_max_;
    if (has_room) {
      of_owner_[session->owner].push_back(session->id);
      sessions_.emplace(session->id, session);
    }
  }
  if (oldest) oldest->end({Failure::Kind::closed, "the same principal opened too many sessions", "", std::nullopt});
  return has_room;
}

std::shared_ptr<Session> Sessions::find(std::string_view id, std::string_view owner) const {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(std::string(id));
  if (found == sessions_.end() || found->second->owner != owner || found->second->has_ended()) return nullptr;
  return found->second;
}

std::shared_ptr<Session> Sessions::take(const std::string& id) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return nullptr;
  auto session = std::move(found->second);
  sessions_.erase(found);
  const auto own = of_owner_.find(session->owner);
  std::erase(own->second, id);
  if (own->second.empty()) of_owner_.erase(own);
  return session;
}

void Sessions::remove(const Session& session) {
  std::shared_ptr<Session> removed;   // let go of without the mutex
  const std::lock_guard lock(mutex_);
  removed = take(session.id);
}

void Sessions::for_each(const std::function<void(Session&)>& visit) const {
  std::vector<std::shared_ptr<Session>> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, session] : sessions_) all.push_back(session);
  }
  for (const auto& session : all) visit(*session);
}

void Sessions::remove_ended() {
  std::vector<std::shared_ptr<Session>> ended;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, session] : sessions_) {
    if (session->has_ended()) ended.push_back(session);
  }
  for (const auto& session : ended) static_cast<void>(take(session->id));
}

std::size_t Sessions::size() const {
  const std::lock_guard lock(mutex_);
  return sessions_.size();
}

}  // namespace writ::upstreams::http_sse
