#pragma once

// Why the client could not get what it wanted, and what that means for the one who asked.

#include <cstdint>
#include <optional>
#include <string>

namespace writ::client {

enum class FailureKind {
  unreachable,         // the network, a time-out, a 5xx: trying again later may help
  bad_metadata,        // a document is missing, malformed, or speaks for somebody else: nothing of it was used
  not_supported,       // the authorization server does not offer the ID-JAG grant profile
  configuration,       // client credentials refused, grant not allowed: an administrator must act
  sign_in_needed,      // no usable identity assertion: the person must sign in
  step_up_needed,      // the person must sign in more strongly; see acr_values and max_age
  denied,              // policy says no. Never retried, and never a reason for an interactive flow.
  refused,             // the grant was refused for another reason
  protocol,            // an answer breaks the protocol
  cancelled,           // the one who asked does not want it any more
};

struct Failure {
  FailureKind kind{};
  std::string message;                 // a sentence for the person: what, where, what would be right; no tokens
  std::string error;                   // the OAuth error code, when there was one
  std::string denial_code;             // W-…
  std::string acr_values;
  std::optional<std::int64_t> max_age_seconds;
};

// Text of the other side as it may reach a terminal: printable ASCII of bounded length, everything else a space.
std::string printable(const std::string& text);

}  // namespace writ::client
