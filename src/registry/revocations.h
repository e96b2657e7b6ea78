#pragma once

// What was taken away before its time: access tokens by jti, sessions by sid, and everything of a user before a moment (User::not_before
// and User::active are in the snapshot). Read on every request from memory; a change is durable before it is acknowledged.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"

namespace writ::registry {

// Safe to share between threads.
class Revocations {
 public:
  virtual ~Revocations() = default;
  virtual bool is_token_revoked(std::string_view jti) const = 0;
  virtual bool is_session_ended(std::string_view sid) const = 0;
  virtual Task<Result<void, Unavailable>> revoke_token(std::string jti, Instant forget_after) = 0;
  virtual Task<Result<void, Unavailable>> end_session(std::string sid, Instant forget_after) = 0;
  // Raised by every change; caches and streams compare it.
  virtual std::uint64_t epoch() const = 0;
};

}  // namespace writ::registry
