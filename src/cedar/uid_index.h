#pragma once

// Numbers of entities by their references, in the order in which they came. Few are looked through one after the other, which is quicker than hashing and
// allocates once for all: a request brings a handful.

#include <cstddef>
#include <optional>
#include <unordered_map>
#include <vector>

#include "cedar/name.h"

namespace writ::cedar {

class UidIndex {
 public:
  static constexpr std::size_t kFew = 16;

  std::optional<std::size_t> find(const EntityUid& uid) const {
    if (!numbers_.empty()) {
      const auto found = numbers_.find(&uid);
      return found == numbers_.end() ? std::nullopt : std::optional(found->second);
    }
    for (std::size_t number = 0; number < uids_.size(); ++number)
      if (*uids_[number] == uid) return number;
    return std::nullopt;
  }
  bool contains(const EntityUid& uid) const { return find(uid).has_value(); }

  // Gives it the next number. Precondition: it has none yet, and it stays where it is.
  void add(const EntityUid* uid) {
    uids_.push_back(uid);
    if (uids_.size() <= kFew) return;
    for (std::size_t number = numbers_.size(); number < uids_.size(); ++number) numbers_.emplace(uids_[number], number);
  }

 private:
  struct Hash {
    std::size_t operator()(const EntityUid* uid) const { return static_cast<std::size_t>(uid->hash()); }
  };
  struct Equal {
    bool operator()(const EntityUid* a, const EntityUid* b) const { return *a == *b; }
  };

  std::vector<const EntityUid*> uids_;
  std::unordered_map<const EntityUid*, std::size_t, Hash, Equal> numbers_;   // empty while they are few
};

}  // namespace writ::cedar
