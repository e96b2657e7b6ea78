#include "dpop/used_proofs.h"

#include <algorithm>

namespace writ::dpop {
namespace {

std::int64_t slot_of(Instant time, Seconds width) { return std::chrono::floor<Seconds>(time).time_since_epoch() / width; }
Instant begin_of(std::int64_t slot, Seconds width) { return Instant{std::chrono::duration_cast<Milliseconds>(slot * width)}; }

}  // namespace

UsedProofs::UsedProofs(Instant begins, Seconds kept, std::size_t entries_max) : kept_(kept), shard_entries_max_(entries_max / kShards + 1) {
  for (Shard& shard : shards_) shard.begins = begins;
}

// INVARIANT: what is forgotten is said to be: `begins` moves behind it, also when a clock that stepped forward comes back.
void UsedProofs::forget_first(Shard& shard) {
  const auto first = shard.slots.begin();
  shard.begins = std::max(shard.begins, begin_of(first->first + 1, kSlot));
  shard.entries -= first->second.size();
  shard.slots.erase(first);
}

UsedProofs::Use UsedProofs::note(const crypto::Sha256& identity, Instant made, Instant now) {
  Shard& shard = shards_[identity[0] % kShards];
  Key key;
  std::copy_n(identity.begin() + 8, key.size(), key.begin());
  const std::lock_guard lock(shard.mutex);
  while (!shard.slots.empty() && begin_of(shard.slots.begin()->first + 1, kSlot) + kept_ <= now) forget_first(shard);
  if (made < shard.begins) return Use::cannot_tell;
  // In every slot: a `jti` is used once, whatever time the proof that has it now says.
  const bool is_known = std::any_of(shard.slots.begin(), shard.slots.end(), [&](const auto& slot) { return slot.second.contains(key); });
  if (is_known) return Use::again;
  while (shard.entries >= shard_entries_max_) forget_first(shard);
  if (made < shard.begins) return Use::cannot_tell;   // so many that even the newest cannot be kept
  shard.slots[slot_of(made, kSlot)].insert(key);
  ++shard.entries;
  return Use::first;
}

std::size_t UsedProofs::size() const {
  std::size_t all = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    all += shard.entries;
  }
  return all;
}

}  // namespace writ::dpop
