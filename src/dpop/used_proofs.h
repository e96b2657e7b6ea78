#pragma once

// Which proofs this node has seen, as long as they could be sent again (RFC 9449 §11.1; OB-96). Bounded. What it does not know, it says:
// of a proof that was made before its memory begins (a restart, or more proofs than it holds) it cannot tell.

#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <unordered_set>

#include "base/clock.h"
#include "crypto/hash.h"

namespace writ::dpop {

// Safe to share between threads.
class UsedProofs {
 public:
  enum class Use { first, again, cannot_tell };

  // Remembers for `kept` after a proof was made; nothing that was made before `begins` is known.
  UsedProofs(Instant begins, Seconds kept, std::size_t entries_max = 400'000);

  // `identity` names the proof; `made` is when it was, by its nonce or its `iat`. Of two calls with one identity exactly one is `first`.
  Use note(const crypto::Sha256& identity, Instant made, Instant now);
  std::size_t size() const;

 private:
  static constexpr Seconds kSlot{10};
  static constexpr std::size_t kShards = 16;
  using Key = std::array<std::uint8_t, 16>;
  struct Hash {
    std::size_t operator()(const Key& key) const {
      std::size_t value;
      std::memcpy(&value, key.data(), sizeof value);
      return value;
    }
  };
  using Slots = std::map<std::int64_t, std::unordered_set<Key, Hash>>;   // by time of making, in steps of kSlot
  struct Shard {
    mutable std::mutex mutex;
    Slots slots;
    std::size_t entries = 0;
    Instant begins{};
  };
  static void forget_first(Shard& shard);

  Seconds kept_;
  std::size_t shard_entries_max_;
  std::array<Shard, kShards> shards_;
};

}  // namespace writ::dpop
