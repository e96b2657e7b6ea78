#pragma once

// What was taken away before its time: access tokens by jti, sessions by sid, everything of a user before a moment (User::not_before
// and User::active are in the snapshot), and everything of everybody before the stores were restored from a backup. Read on every request
// from memory; a change is durable before it is acknowledged.

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
  // When the stores were last restored from a backup (rules §6.5). Instant{}: never.
  virtual Instant restored() const { return {}; }
};

struct User;

// Whether what was issued to the user at that moment counts no more: everything of the user was taken back later, or the stores were restored
// later, and nobody knows any more what of it was spent or taken back since the backup. `clock_difference`: how far the clock of whoever
// issued it may be ahead of ours.
bool is_taken_back(Instant issued, const User& user, const Revocations& revocations, Seconds clock_difference = Seconds{0});

}  // namespace writ::registry
