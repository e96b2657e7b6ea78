#pragma once

// What the gateway role is told when it is built. Plain data.

#include <string>
#include <vector>

#include "audit/decisions_log.h"
#include "base/clock.h"

namespace writ::gateway {

struct Settings {
  std::string base;                           // public URL of the role, no slash at the end: a server is at {base}/{id}
  std::string why_url;                        // a denial is explained at {why_url}/{code}
  std::string approvals_url;                  // a held call is shown to its approvers at {approvals_url}/{id}
  std::string own_resource_as;                // issuer of this deployment's RAS, whose `sub` is a user id; empty: there is none
  std::vector<std::string> allowed_origins;   // values of Origin that are answered; none by default (G11)
  std::string organisation = "your organization";   // in texts for agents

  enum class DeniedCalls { result, http_403 } denied_calls = DeniedCalls::result;
  // What a denial says: which policy, its message and what to do instead, or its code alone.
  enum class Denials { full, code_only } denials = Denials::full;
  audit::Durability call_durability = audit::Durability::process;

  bool dpop_nonce_demanded = false;           // a DPoP proof without one of our nonces is answered `use_dpop_nonce`
  bool certificates_asked = false;            // the listener asks clients for certificates: tokens may be bound to one (RFC 8705)
  std::int64_t skew_seconds = 30;
  Seconds call_deadline{1800};                // of a call that was decided, streams included (rules §5.3)
  Milliseconds answer_timeout{60'000};        // until the head of an upstream's answer to anything but a call
  Milliseconds member_deadline{5'000};        // of a combined server: for what all members are asked, after which the answer does without those that are late
  Milliseconds idle_timeout{300'000};         // between two pieces of an answer; standing streams have none

  std::size_t message_bytes_max = 4 << 20;    // of one message from a client
  std::size_t answer_bytes_max = 16 << 20;    // of one message from an upstream: a JSON answer or one event
  std::size_t members_max = 200'000;          // JSON members and elements of one message
  std::size_t depth_max = 64;

  std::size_t verified_tokens_max = 20'000;
  std::size_t sessions_max = 50'000;
  std::size_t sessions_per_principal_max = 200;
  Seconds session_idle{24 * 3600};
};

}  // namespace writ::gateway
