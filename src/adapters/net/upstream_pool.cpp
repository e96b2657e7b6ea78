#include "adapters/net/upstream_pool.h"

namespace writ::net {

UpstreamPool::UpstreamPool(Loop& loop, milliseconds keep_idle, std::size_t per_key_max)
    : keep_idle_(keep_idle), per_key_max_(per_key_max), next_prune_(loop, [this] { prune(); }) {}

std::shared_ptr<Channel> UpstreamPool::take(const std::string& key) {
  const auto found = idle_.find(key);
  if (found == idle_.end()) return nullptr;
  std::shared_ptr<Channel> usable;
  const SteadyTime oldest = std::chrono::steady_clock::now() - keep_idle_;
  while (!found->second.empty() && !usable) {
    Idle idle = std::move(found->second.back());
    found->second.pop_back();
    // Bytes that nobody asked for would become the answer to the next request: such a connection is as bad as a closed one.
    char byte = 0;
    if (idle.since > oldest && idle.channel->read_some(&byte, 1).kind == IoResult::Kind::want_read) usable = std::move(idle.channel);
  }
  if (found->second.empty()) idle_.erase(found);
  return usable;
}

void UpstreamPool::put(const std::string& key, std::shared_ptr<Channel> channel) {
  if (idle_.empty()) next_prune_.set(keep_idle_);
  std::vector<Idle>& of_key = idle_[key];
  if (of_key.size() < per_key_max_) of_key.push_back({std::move(channel), std::chrono::steady_clock::now()});
}

void UpstreamPool::prune() {
  const SteadyTime oldest = std::chrono::steady_clock::now() - keep_idle_;
  for (auto& [key, of_key] : idle_) std::erase_if(of_key, [oldest](const Idle& idle) { return idle.since <= oldest; });
  std::erase_if(idle_, [](const auto& entry) { return entry.second.empty(); });
  if (!idle_.empty()) next_prune_.set(keep_idle_);
}

}  // namespace writ::net
