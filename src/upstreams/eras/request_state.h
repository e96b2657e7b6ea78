#pragma once

// The handle of a call that waits for its client's answers. A client carries it and may do anything with it, so it is sealed, and good for one
// call, one round of it, one principal, one server, one request, for ten minutes (TR-83, rules §7.3). The call waits in the memory of the node that made it.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "crypto/handles.h"

namespace writ::upstreams {

struct RequestState {
  std::string call;        // random
  std::int64_t round = 0;  // counts the questions of one call
  std::string principal, server, digest;
  Instant expires{};       // of one that is to be sealed
};

class RequestStates {
 public:
  explicit RequestStates(std::shared_ptr<const crypto::Handles> handles) : handles_(std::move(handles)) {}
  std::string seal(const RequestState& state) const;
  // Only what this process sealed, for the same principal, server and request, and not after its time.
  std::optional<RequestState> open(std::string_view sealed, std::string_view principal, std::string_view server, std::string_view digest, Instant now) const;

 private:
  std::shared_ptr<const crypto::Handles> handles_;
};

// The node where the call waits. Absent: this is no state of ours (a server's own, say), or of another principal or server, or too old.
std::optional<std::uint32_t> node_of_state(const crypto::Handles& handles, std::string_view sealed, std::string_view principal, std::string_view server, Instant now);

}  // namespace writ::upstreams
