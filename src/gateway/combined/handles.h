#pragma once

// What clients hold for the combined endpoint between two requests (cursors of merged lists, points of streams, states of calls that wait for input): sealed to the principal and
// to what it was given for, for an hour (rules §5.4, §7.3; TR-83). Whatever does not open is refused: altered, somebody else's, of another list, or of an earlier process.
// None of it is kept here, so that it is good at every node.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "crypto/handles.h"
#include "encoding/json.h"

namespace writ::gateway::combined {

// Safe to share between threads.
class Handles {
 public:
  explicit Handles(std::shared_ptr<const crypto::Handles> sealed) : sealed_(std::move(sealed)) {}
  // `purpose`: what it is for. Not secret, and the same when it comes back.
  std::string seal(const json::Value& value, std::string_view principal, std::string_view purpose, Instant now) const;
  std::optional<json::Value> open(std::string_view handle, std::string_view principal, std::string_view purpose, Instant now) const;

 private:
  std::shared_ptr<const crypto::Handles> sealed_;
};

}  // namespace writ::gateway::combined
