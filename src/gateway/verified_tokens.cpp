#include "gateway/verified_tokens.h"

namespace writ::gateway {

std::shared_ptr<const AccessToken> VerifiedTokens::find(const crypto::Sha256& hash, const std::shared_ptr<const jose::KeySet>& keys) {
  Shard& shard = shards_[hash[0] % kShards];
  const std::lock_guard lock(shard.mutex);
  if (const auto found = shard.young.find(hash); found != shard.young.end()) {
    return found->second.keys == keys ? found->second.token : nullptr;
  }
  const auto found = shard.old.find(hash);
  if (found == shard.old.end() || found->second.keys != keys) return nullptr;
  Entry entry = std::move(found->second);
  shard.old.erase(found);
  auto token = entry.token;
  put(shard, hash, std::move(entry));
  return token;
}

void VerifiedTokens::insert(const crypto::Sha256& hash, std::shared_ptr<const jose::KeySet> keys, std::shared_ptr<const AccessToken> token) {
  Shard& shard = shards_[hash[0] % kShards];
  const std::lock_guard lock(shard.mutex);
  put(shard, hash, Entry{std::move(keys), std::move(token)});
}

void VerifiedTokens::put(Shard& shard, const crypto::Sha256& hash, Entry entry) {
  if (shard.young.size() >= shard_entries_max_) {
    shard.old = std::move(shard.young);
    shard.young = Map();
  }
  shard.young.insert_or_assign(hash, std::move(entry));
}

}  // namespace writ::gateway
