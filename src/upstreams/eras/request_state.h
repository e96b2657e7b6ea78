#pragma once

// The handle of a call that waits for its client's answers. A client carries it and may do anything with it, so it is sealed, and good for one
// call, one round of it, one principal, one server, one request, for ten minutes (TR-83, rules §7.3). The key lives as long as the process, as
// the waiting calls do.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "crypto/seal.h"

namespace writ::upstreams {

struct RequestState {
  std::string call;        // random
  std::int64_t round = 0;  // counts the questions of one call
  std::string principal, server, digest;
  std::int64_t expires = 0;
};

class RequestStates {
 public:
  RequestStates();
  std::string seal(const RequestState& state) const;
  // Only what this process sealed, for the same principal, server and request, and not after its time.
  std::optional<RequestState> open(std::string_view sealed, std::string_view principal, std::string_view server, std::string_view digest, Instant now) const;

 private:
  crypto::SealingKey key_;
};

}  // namespace writ::upstreams
