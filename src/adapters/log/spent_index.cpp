#include "adapters/log/spent_index.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace writ::log {
namespace {

constexpr std::uint32_t kFree = 0;      // in `forget_after`: nothing was ever here
constexpr std::uint32_t kDropped = 1;   // something was: a search goes on behind it
constexpr std::size_t kSlotsMin = 16;

// The keys are digests: any of their bits are as good as a hash.
std::uint64_t hash_of(const ClaimKey& key) {
  std::uint64_t value;
  std::memcpy(&value, key.data() + 8, sizeof value);
  return value;
}

}  // namespace

std::uint32_t forget_after_seconds(Instant forget_after) {
  const auto seconds = std::chrono::ceil<Seconds>(forget_after).time_since_epoch().count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds, kDropped + 1, std::numeric_limits<std::uint32_t>::max()));
}

std::uint32_t forgotten_before_seconds(Instant now) {
  const auto seconds = to_unix_seconds(audit::claims_forgotten_before(now));
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds, 0, std::numeric_limits<std::uint32_t>::max()));
}

SpentIndex::SpentIndex() : parts_(std::make_unique<Part[]>(kParts)) {}

std::size_t SpentIndex::Part::find(const ClaimKey& key) const {
  const std::size_t mask = slots.size() - 1;
  std::size_t at = hash_of(key) & mask;
  while (slots[at].forget_after != kFree && (slots[at].forget_after == kDropped || slots[at].key != key)) at = (at + 1) & mask;
  return at;
}

// Keeps at least three of ten slots free, so that a search ends soon. What may be forgotten goes when there is no room.
void SpentIndex::Part::make_room(std::uint32_t forgotten_before) {
  if (!slots.empty() && (used + 1) * 10 <= slots.size() * 7) return;
  std::vector<SpentClaim> kept;
  for (const SpentClaim& slot : slots) {
    if (slot.forget_after > kDropped && slot.forget_after >= forgotten_before) kept.push_back(slot);
  }
  std::size_t size = kSlotsMin;
  while ((kept.size() + 1) * 2 > size) size *= 2;
  slots.assign(size, SpentClaim{});
  for (const SpentClaim& claim : kept) slots[find(claim.key)] = claim;
  used = kept.size();
}

bool SpentIndex::reserve(const SpentClaim& claim, std::uint32_t forgotten_before) {
  Part& part = parts_[claim.key[0] % kParts];
  const std::lock_guard lock(part.mutex);
  if (!part.slots.empty() && part.slots[part.find(claim.key)].forget_after != kFree) return false;
  part.make_room(forgotten_before);
  part.slots[part.find(claim.key)] = claim;
  ++part.used;
  return true;
}

void SpentIndex::release(const ClaimKey& key) {
  Part& part = parts_[key[0] % kParts];
  const std::lock_guard lock(part.mutex);
  if (part.slots.empty()) return;
  SpentClaim& slot = part.slots[part.find(key)];
  if (slot.forget_after != kFree) slot.forget_after = kDropped;
}

std::size_t SpentIndex::size() const {
  std::size_t size = 0;
  for (std::size_t i = 0; i < kParts; ++i) {
    const std::lock_guard lock(parts_[i].mutex);
    size += static_cast<std::size_t>(std::count_if(parts_[i].slots.begin(), parts_[i].slots.end(), [](const SpentClaim& slot) { return slot.forget_after > kDropped; }));
  }
  return size;
}

}  // namespace writ::log
