#pragma once

// Would a better sign-in help? (rules §4.7, RFC 9470.) A stronger authentication is asked for only where it alone stands in the way: the
// question is decided again with each configured level in the place of what is known about the sign-in, the weakest first. Pure.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "policy/decision.h"
#include "registry/objects.h"

namespace writ::policy {

// What must all be allowed for the person to get through: a call asks for `connect`, a scope that names the tool, and the call itself, because
// whoever signs in again walks the whole way again.
using Chain = std::vector<Question>;

struct StepUp {
  std::string level;                               // its id
  std::string acr_values;                          // empty: any sign-in will do, as long as it is fresh
  std::optional<std::int64_t> max_age_seconds;
};

// What is known after a sign-in at this level, and no more than the level promises: the sign-in may be as old as `max_age` allows; without it,
// it may be the one that is there; without `acr`, the person may have used the same means as before.
Authentication at_level(const Authentication& present, const registry::AuthenticationLevel& level);

// The weakest of `levels` (in their order) with which one of the `ways` is open from beginning to end. Absent: none would help, so that
// whatever else denies is the answer.
std::optional<StepUp> step_up(std::span<const Chain> ways, const Policy& policy, std::span<const registry::AuthenticationLevel> levels);

}  // namespace writ::policy
