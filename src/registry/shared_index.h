#pragma once

// From a hash to entries, shared between copies as SharedBlocks is: the entries are spread over shards by their hash, and a change copies the shard that
// it is in and the list of the shards. An index keeps no keys. Whoever asks compares what it finds, so an entry that points to an object needs no copy of
// the object's names. Several entries may have one hash.

#include <cstdint>
#include <string_view>

#include "registry/shared_blocks.h"

namespace writ::registry {

// FNV-1a, with its bits mixed once more: shards are told apart by the upper ones. `Fold` gives each letter the form in which it counts.
template <class Fold>
std::uint64_t hash_of(std::string_view text, Fold fold, std::uint64_t hash = 0xcbf29ce484222325) {
  for (const char letter : text) hash = (hash ^ static_cast<unsigned char>(fold(letter))) * 0x100000001b3;
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}
inline std::uint64_t hash_of(std::string_view text) {
  return hash_of(text, [](char letter) { return letter; });
}

template <class Entry>
class SharedIndex {
 public:
  static constexpr std::size_t kShardMean = 128;   // entries of a shard, on average; with more, the shards are split

  std::size_t size() const { return table_->size; }

  // In no order that means anything.
  template <class Visit>
  void for_each(std::uint64_t hash, Visit visit) const {
    const Table& table = *table_;
    if (table.shards.empty()) return;
    const Shard& shard = *table.shards[table.place_of(hash)];
    for (auto at = first(shard, hash); at != shard.end() && at->hash == hash; ++at) visit(at->entry);
  }

  // The first that fits; null: none does.
  template <class Fits>
  const Entry* find(std::uint64_t hash, Fits fits) const {
    const Table& table = *table_;
    if (table.shards.empty()) return nullptr;
    const Shard& shard = *table.shards[table.place_of(hash)];
    for (auto at = first(shard, hash); at != shard.end() && at->hash == hash; ++at) {
      if (fits(at->entry)) return &at->entry;
    }
    return nullptr;
  }

  void insert(std::uint64_t hash, Entry entry) {
    Table& table = table_.own();
    if (table.shards.empty()) table.shards.emplace_back();
    if (table.size >= table.shards.size() * kShardMean) table.split();
    Shard& shard = table.shards[table.place_of(hash)].own();
    const auto after = std::partition_point(shard.begin(), shard.end(), [&](const Slot& slot) { return slot.hash <= hash; });
    shard.insert(after, Slot{hash, std::move(entry)});
    ++table.size;
  }

  // One entry that fits.
  template <class Fits>
  void erase(std::uint64_t hash, Fits fits) {
    if (!find(hash, fits)) return;
    Table& table = table_.own();
    Shard& shard = table.shards[table.place_of(hash)].own();
    auto at = shard.begin() + (first(shard, hash) - shard.cbegin());
    while (!fits(at->entry)) ++at;
    shard.erase(at);
    --table.size;
  }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    Entry entry;
  };
  using Shard = std::vector<Slot>;   // sorted by hash
  struct Table {
    std::vector<Shared<Shard>> shards;   // a power of two of them, by the upper bits of the hash
    unsigned bits = 0;
    std::size_t size = 0;

    std::size_t place_of(std::uint64_t hash) const { return bits == 0 ? 0 : static_cast<std::size_t>(hash >> (64 - bits)); }
    // Each into two: they are sorted by hash, so the new border lies somewhere inside of each.
    void split() {
      std::vector<Shared<Shard>> halves(shards.size() * 2);
      ++bits;
      for (std::size_t i = 0; i < shards.size(); ++i) {
        const Shard& whole = *shards[i];
        const auto border = std::partition_point(whole.begin(), whole.end(), [&](const Slot& slot) { return place_of(slot.hash) == 2 * i; });
        if (border != whole.begin()) halves[2 * i].own().assign(whole.begin(), border);
        if (border != whole.end()) halves[2 * i + 1].own().assign(border, whole.end());
      }
      shards = std::move(halves);
    }
  };

  static typename Shard::const_iterator first(const Shard& shard, std::uint64_t hash) {
    return std::partition_point(shard.begin(), shard.end(), [&](const Slot& slot) { return slot.hash < hash; });
  }

  Shared<Table> table_;
};

}  // namespace writ::registry
