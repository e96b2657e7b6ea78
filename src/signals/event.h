#pragma once

// The events that Writ sends, and what those of others mean here (CAEP, RISC, Shared Signals Framework).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "encoding/json.h"

namespace writ::signals {

inline constexpr std::string_view kSessionRevoked = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
inline constexpr std::string_view kCredentialChange = "https://schemas.openid.net/secevent/caep/event-type/credential-change";
inline constexpr std::string_view kAccountDisabled = "https://schemas.openid.net/secevent/risc/event-type/account-disabled";
inline constexpr std::string_view kAccountEnabled = "https://schemas.openid.net/secevent/risc/event-type/account-enabled";
inline constexpr std::string_view kAccountPurged = "https://schemas.openid.net/secevent/risc/event-type/account-purged";
inline constexpr std::string_view kVerification = "https://schemas.openid.net/secevent/ssf/event-type/verification";
inline constexpr std::string_view kStreamUpdated = "https://schemas.openid.net/secevent/ssf/event-type/stream-updated";

// What our transmitter can send about people.
const std::vector<std::string>& supported_events();

struct Event {
  std::string type;
  json::Value members = json::Object{};
};

// Why something happened, as CAEP words it.
struct Cause {
  std::int64_t time_seconds = 0;          // event_timestamp
  std::string initiating_entity;          // admin | user | policy | system
  std::string reason;                     // for administrators, English; never empty (CAEP interop)
};
Event session_revoked(const Cause& cause);
Event credential_change(const Cause& cause, std::string credential_type, std::string change_type);
Event account_disabled(const Cause& cause);
Event account_enabled(const Cause& cause);
Event account_purged(const Cause& cause);
Event verification(const std::string& state);
Event stream_updated(std::string status, std::string reason);

// What an event of others means for the access of its subject here.
enum class Meaning {
  access_ends,      // what was given before the event ends
  nothing,          // it may be true and is none of our business
  verification,
  stream_updated,
};
Meaning meaning_of(const Event& event);
// `event_timestamp`: when it is absent, the event has none; one that is no number of seconds makes it malformed.
Result<std::optional<std::int64_t>, std::string_view> timestamp_of(const Event& event);

}  // namespace writ::signals
