#pragma once

// Access tokens whose signature was checked a moment ago, so that a call does not pay for it again. Bounded; keyed by the SHA-256 of the
// whole token as it was sent, so nothing but the very same bytes hits. An entry is good only for the key set that verified it: when keys change, tokens are
// verified anew. Time, revocation, user and agent are never cached: they are checked on each request.

#include <array>
#include <cstring>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "crypto/hash.h"
#include "gateway/access_token.h"
#include "jose/jwk.h"

namespace writ::gateway {

// Safe to share between threads.
class VerifiedTokens {
 public:
  explicit VerifiedTokens(std::size_t entries_max) : shard_entries_max_(entries_max / (2 * kShards) + 1) {}

  // Null when unknown, or verified with other keys than `keys`.
  std::shared_ptr<const AccessToken> find(const crypto::Sha256& hash, const std::shared_ptr<const jose::KeySet>& keys);
  void insert(const crypto::Sha256& hash, std::shared_ptr<const jose::KeySet> keys, std::shared_ptr<const AccessToken> token);

 private:
  struct Hash {
    std::size_t operator()(const crypto::Sha256& hash) const {
      std::size_t value;
      std::memcpy(&value, hash.data() + 8, sizeof value);
      return value;
    }
  };
  struct Entry {
    std::shared_ptr<const jose::KeySet> keys;
    std::shared_ptr<const AccessToken> token;
  };
  using Map = std::unordered_map<crypto::Sha256, Entry, Hash>;
  // Two generations: when the young one is full it becomes the old one, and the old one goes. What is used moves to the young one.
  struct Shard {
    std::mutex mutex;
    Map young, old;
  };
  static constexpr std::size_t kShards = 16;
  void put(Shard& shard, const crypto::Sha256& hash, Entry entry);

  std::size_t shard_entries_max_;
  std::array<Shard, kShards> shards_;
};

}  // namespace writ::gateway
