#pragma once

// A table of numbers found by hash, for what is looked up for each of millions of records: one line of memory for most look-ups, no division. What the
// numbers stand for, and whether it is what is looked for, the caller knows.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace writ::policy::preview {

class Slots {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  // The number that was added under this hash and that `matches(number)`; kNone when there is none.
  template <class Matches>
  std::uint32_t find(std::uint64_t hash, Matches matches) const {
    if (slots_.empty()) return kNone;
    for (std::size_t at = hash & (slots_.size() - 1); slots_[at].number != kNone; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].hash == hash && matches(slots_[at].number)) return slots_[at].number;
    }
    return kNone;
  }
  // Precondition: find() did not find it.
  void add(std::uint64_t hash, std::uint32_t number) {
    if (2 * ++count_ > slots_.size()) grow();
    put({hash, number});
  }
  void clear() {
    slots_.clear();
    count_ = 0;
  }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t number = kNone;
  };
  void put(const Slot& slot) {
    std::size_t at = slot.hash & (slots_.size() - 1);
    while (slots_[at].number != kNone) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = slot;
  }
  void grow() {
    const std::vector<Slot> old = std::move(slots_);
    slots_.assign(old.empty() ? 64 : 2 * old.size(), Slot());
    for (const Slot& slot : old) {
      if (slot.number != kNone) put(slot);
    }
  }

  std::vector<Slot> slots_;   // a power of two of them, at most half of them used
  std::size_t count_ = 0;
};

}  // namespace writ::policy::preview
