#include "gateway/sessions.h"

#include <algorithm>
#include <vector>

#include "crypto/random.h"

namespace writ::gateway {
namespace {

std::string bound_to(std::string_view principal) { return "session " + std::string(principal); }

}  // namespace

void RequestIds::remember(const mcp::RequestId& id, mcp::List list) {
  std::string key = mcp::to_key(id);
  const auto [entry, is_new] = lists_.try_emplace(key, std::uint8_t{0});
  entry->second = static_cast<std::uint8_t>(entry->second | static_cast<std::uint8_t>(list));
  if (!is_new) return;
  order_.push_back(std::move(key));
  if (order_.size() <= ids_max_) return;
  lists_.erase(order_.front());
  order_.pop_front();
}

std::optional<std::uint8_t> RequestIds::find(const mcp::RequestId& id) const {
  const auto found = lists_.find(mcp::to_key(id));
  return found == lists_.end() ? std::nullopt : std::optional(found->second);
}

void Session::remember_call(const mcp::RequestId& request_id, TaskOrigin call) {
  const std::lock_guard lock(mutex_);
  calls_.emplace_back(mcp::to_key(request_id), std::move(call));
  if (calls_.size() > kCallsMax) calls_.pop_front();
}

std::optional<TaskOrigin> Session::find_call(const mcp::RequestId& request_id) const {
  const std::lock_guard lock(mutex_);
  const std::string key = mcp::to_key(request_id);
  const auto found = std::find_if(calls_.rbegin(), calls_.rend(), [&](const auto& call) { return call.first == key; });
  return found == calls_.rend() ? std::nullopt : std::optional(found->second);
}

void Session::use(std::int64_t now_seconds, std::int64_t token_expires) {
  last_used_.store(now_seconds, std::memory_order_relaxed);
  std::int64_t known = newest_expiry_.load(std::memory_order_relaxed);
  while (known < token_expires && !newest_expiry_.compare_exchange_weak(known, token_expires, std::memory_order_relaxed)) {}
}

std::shared_ptr<Session> Sessions::open(std::string upstream_id, std::string principal, std::int64_t now_seconds, std::int64_t token_expires) {
  const std::lock_guard lock(mutex_);
  const auto own_sessions = [&] {
    const auto own = of_principal_.find(principal);
    return own == of_principal_.end() ? std::size_t{0} : own->second.size();
  };
  // One that opens too many loses its own oldest, nobody else's.
  if (own_sessions() >= per_principal_max_ || (sessions_.size() >= sessions_max_ && own_sessions() > 0)) {
    erase(sessions_.find(of_principal_.find(principal)->second.front()));
  }
  if (sessions_.size() >= sessions_max_) return nullptr;
  std::string id = handles_->seal(crypto::random_bytes(16), bound_to(principal), from_unix_seconds(now_seconds) + kOldest);
  auto session = std::make_shared<Session>(std::move(id), std::move(upstream_id), principal);
  session->use(now_seconds, token_expires);
  of_principal_[principal].push_back(session->id);
  sessions_.emplace(session->id, session);
  return session;
}

std::optional<std::uint32_t> Sessions::node_of(std::string_view id, std::string_view principal, Instant now) const {
  const auto opened = handles_->open(id, bound_to(principal), now);
  return opened ? std::optional(opened->node) : std::nullopt;
}

std::shared_ptr<Session> Sessions::find(std::string_view id, std::string_view principal, std::int64_t now_seconds) const {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(std::string(id));
  if (found == sessions_.end() || found->second->principal != principal) return nullptr;
  if (found->second->last_used() + idle_seconds_ < now_seconds) return nullptr;
  return found->second;
}

void Sessions::erase(Map::iterator found) {
  const auto own = of_principal_.find(found->second->principal);
  std::erase(own->second, found->first);
  if (own->second.empty()) of_principal_.erase(own);
  sessions_.erase(found);
}

void Sessions::close(const Session& session) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(session.id);
  if (found != sessions_.end()) erase(found);
}

void Sessions::forget_idle(std::int64_t now_seconds) {
  const std::lock_guard lock(mutex_);
  std::vector<Map::iterator> idle;
  for (auto entry = sessions_.begin(); entry != sessions_.end(); ++entry) {
    if (entry->second->last_used() + idle_seconds_ < now_seconds) idle.push_back(entry);
  }
  for (const auto& entry : idle) erase(entry);
}

}  // namespace writ::gateway
