#include "gateway/combined/member_sessions.h"

namespace writ::gateway::combined {

std::shared_ptr<const OpenMember> MemberSessions::find(const std::string& member) const {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(member);
  return found == open_.end() ? nullptr : found->second;
}

std::shared_ptr<const OpenMember> MemberSessions::keep(const std::string& member, std::shared_ptr<const OpenMember> opened) {
  std::function<void(const std::string&)> hook;
  std::shared_ptr<const OpenMember> counts;
  {
    const std::lock_guard lock(mutex_);
    const auto [entry, is_new] = open_.try_emplace(member, std::move(opened));
    counts = entry->second;
    if (is_new) hook = hook_;
  }
  if (hook) hook(member);
  return counts;
}

void MemberSessions::forget(const std::string& member, const Session& session) {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(member);
  if (found != open_.end() && found->second->session.get() == &session) open_.erase(found);
}

std::vector<std::pair<std::string, std::shared_ptr<const OpenMember>>> MemberSessions::all() const {
  const std::lock_guard lock(mutex_);
  return {open_.begin(), open_.end()};
}

void MemberSessions::use(std::int64_t now_seconds, std::int64_t token_expires) {
  for (const auto& [member, open] : all()) open->session->use(now_seconds, token_expires);
}

void MemberSessions::set_log_level(std::string level) {
  const std::lock_guard lock(mutex_);
  log_level_ = std::move(level);
}

std::string MemberSessions::log_level() const {
  const std::lock_guard lock(mutex_);
  return log_level_;
}

void MemberSessions::remember(const mcp::RequestId& id, const std::string& member) {
  std::string key = mcp::to_key(id);
  const std::lock_guard lock(mutex_);
  const auto [entry, is_new] = routed_.insert_or_assign(key, member);
  if (!is_new) return;
  order_.push_back(std::move(key));
  if (order_.size() <= kIdsMax) return;
  routed_.erase(order_.front());
  order_.pop_front();
}

std::optional<std::string> MemberSessions::member_of(const mcp::RequestId& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = routed_.find(mcp::to_key(id));
  return found == routed_.end() ? std::nullopt : std::optional(found->second);
}

void MemberSessions::on_open(std::function<void(const std::string&)> hook) {
  const std::lock_guard lock(mutex_);
  hook_ = std::move(hook);
}

}  // namespace writ::gateway::combined
