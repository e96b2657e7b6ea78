#pragma once

// Which claims are spent or reserved, in memory: 32 bytes a slot, in parts with a lock of their own each, so that event loops do not wait
// for each other and growing one part is short.

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "audit/decisions_log.h"

namespace writ::log {

using ClaimKey = std::array<std::uint8_t, 24>;
struct SpentClaim {
  ClaimKey key{};
  std::uint32_t forget_after = 0;   // seconds since 1970, rounded up
};
std::uint32_t forget_after_seconds(Instant forget_after);
// What lies before this may be dropped at `now`.
std::uint32_t forgotten_before_seconds(Instant now);

// Safe to share between threads.
class SpentIndex {
 public:
  SpentIndex();
  // True when the claim was free: it is reserved now. Of two threads exactly one gets it. What is forgotten at `now` may be dropped.
  bool reserve(const SpentClaim& claim, std::uint32_t forgotten_before);
  // Gives a reservation back. Only when nothing of it can have reached the disk.
  void release(const ClaimKey& key);
  std::size_t size() const;

 private:
  struct Part {
    mutable std::mutex mutex;
    std::vector<SpentClaim> slots;
    std::size_t used = 0;   // dropped ones included
    std::size_t find(const ClaimKey& key) const;   // its slot, or the free one where it belongs
    void make_room(std::uint32_t forgotten_before);
  };
  static constexpr std::size_t kParts = 64;
  std::unique_ptr<Part[]> parts_;
};

}  // namespace writ::log
