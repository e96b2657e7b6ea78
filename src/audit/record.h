#pragma once

// One decision, one record (S1). Records hold who, what and why; never a token, a secret or an assertion, and of arguments only what rules §4.9 lets them keep.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace writ::telemetry {
struct Trail;
}

namespace writ::audit {

enum class Event {
  sign_in,             // a person signed in, or failed to
  sign_out,
  session_revoked,
  token_refreshed,     // ID token / refresh token at the IdP
  refresh_reuse,       // a rotated refresh token came back: the family was revoked
  device_registered,
  id_jag,              // leg 1: issued or refused
  access_token,        // leg 2: issued or refused
  client_authentication,   // refused at a token endpoint before a grant was run
  token_revoked,
  introspection,
  call,                // gateway: one MCP message decided
  outcome,             // gateway: how a forwarded call ended
  administration,      // an object changed, and by whom
  policy_activated,
  keys_changed,
  aborted,             // a recorded change that did not happen (start-up, rules §6.4)
  service,             // started, stopped, configuration reloaded
  approval,            // a held call: requested, approved, rejected, expired; spent is in the record of the call itself
  upstream_account,    // a person's account at an upstream server: linked, refused, unlinked, lost, revoked there
  provisioning,        // the company's directory changed people or groups (SCIM), or was refused
  signal,              // a security event: received and obeyed, refused, or sent on (SSF, global token revocation)
  linked_account,      // a subject of a trusted issuer became an account here: offered, linked, refused, unlinked
};
std::string_view to_string(Event event);

enum class Effect { none, allow, deny };
std::string_view to_string(Effect effect);

// Empty text means: not known, or does not apply. Long values are cut when written (256 bytes, S4).
struct Record {
  Event event = Event::service;
  Effect effect = Effect::none;
  Instant time{};
  std::string reason;             // machine-readable, area-owned: "bad_signature", "no_grant", "replayed"
  std::string detail;             // for operators
  std::string user, user_name;    // id, and the name as of then
  std::string agent, client_id;
  std::string server, resource, scope;
  std::string method, tool;       // MCP method; tool, prompt or resource name
  std::string issuer;             // of the token that was judged or issued
  std::string session;            // sid
  std::string id_jag_jti, access_token_jti;   // the chain: ID-JAG → access token → call
  std::string peer;               // address
  std::string policy;             // determining policies, comma-separated
  std::string policy_version;
  std::uint64_t object_sequence = 0;
  std::uint64_t of_position = 0;  // for `outcome` and `aborted`: the record they belong to
  std::int64_t status = 0, duration_us = 0, bytes = 0;   // for `outcome`
  // What asking again needs (rules §4.9): with these, `object_sequence` and `time` a decision can be explained and made anew.
  std::string action;             // of the question: connect, grant_scope, call, …
  std::string acr, amr;           // how the person had signed in; amr comma-separated
  std::int64_t authentication_age_s = -1;   // -1: not known
  std::string arguments;          // JSON object, see policy/recorded_arguments.h; written as it is up to 8 KiB, left out when larger
  std::vector<std::pair<std::string, std::string>> more; // event-specific members
  std::shared_ptr<telemetry::Trail> trail{};   // of the request that it belongs to, for logs and metrics; never written, may be null
};

std::string to_iso8601(Instant instant);   // 2026-11-24T16:45:00.123Z

// One line of JSON: members with values only; control and bidirectional characters escaped, fields cut at 256 bytes (S4).
// `position` (or the record's name, record_name.h) and `node` identify the record; `code` is set for denials.
std::string to_json_line(const Record& record, std::uint64_t position, std::string_view node);

// W-7K2F-9Q: Crockford base32 of (node number, position), or of a record's name, with a check character, grouped (rules §6.6).
std::string denial_code(std::uint64_t position, std::uint32_t node = 0);
struct DenialPosition {
  std::uint64_t position;
  std::uint32_t node;
};
// Lower case, missing dashes, and I, L, O for 1, 1, 0 are understood. Absent when the check character is wrong.
std::optional<DenialPosition> parse_denial_code(std::string_view code);

}  // namespace writ::audit
