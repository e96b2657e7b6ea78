#pragma once

// What clients carry for us between two requests: ids of sessions, cursors, states of calls that wait. A client may do anything with it, so it is sealed {node, expiry, content}
// and bound to what it was made for (rules §7.3; TR-83). It opens for nothing else, and not after its time. Of several nodes each opens what another made, and sees whose it is.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "crypto/seal.h"

namespace writ::crypto {

// Safe to share between threads.
class Handles {
 public:
  static constexpr std::size_t kBytesMax = 256 * 1024;

  Handles();                                             // of a process alone: with a key of its own, as node 0
  Handles(SealingKey key, std::uint32_t node) : key_(std::move(key)), node_(node) {}

  std::uint32_t node() const { return node_; }
  // `bound_to`: not secret, and the same when the handle comes back. `until`: to the second.
  std::string seal(std::string_view content, std::string_view bound_to, Instant until) const;
  struct Opened {
    std::string content;
    std::uint32_t node = 0;                              // who made it
  };
  std::optional<Opened> open(std::string_view handle, std::string_view bound_to, Instant now) const;

 private:
  SealingKey key_;
  std::uint32_t node_ = 0;
};

}  // namespace writ::crypto
