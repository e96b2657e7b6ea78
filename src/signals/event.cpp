#include "signals/event.h"

#include <cmath>

namespace writ::signals {
namespace {

Event caused(std::string_view type, const Cause& cause) {
  Event event;
  event.type = std::string(type);
  event.members.set("event_timestamp", cause.time_seconds);
  if (!cause.initiating_entity.empty()) event.members.set("initiating_entity", cause.initiating_entity);
  event.members.set("reason_admin", json::Value{{"en", cause.reason}});
  return event;
}

}  // namespace

const std::vector<std::string>& supported_events() {
  static const std::vector<std::string> kAll = {std::string(kSessionRevoked), std::string(kCredentialChange), std::string(kAccountDisabled),
                                                std::string(kAccountEnabled), std::string(kAccountPurged)};
  return kAll;
}

Event session_revoked(const Cause& cause) { return caused(kSessionRevoked, cause); }

Event credential_change(const Cause& cause, std::string credential_type, std::string change_type) {
  Event event = caused(kCredentialChange, cause);
  event.members.set("credential_type", std::move(credential_type));
  event.members.set("change_type", std::move(change_type));
  return event;
}

Event account_disabled(const Cause& cause) { return caused(kAccountDisabled, cause); }
Event account_enabled(const Cause& cause) { return caused(kAccountEnabled, cause); }
Event account_purged(const Cause& cause) { return caused(kAccountPurged, cause); }

Event verification(const std::string& state) {
  Event event;
  event.type = std::string(kVerification);
  if (!state.empty()) event.members.set("state", state);
  return event;
}

Event stream_updated(std::string status, std::string reason) {
  Event event;
  event.type = std::string(kStreamUpdated);
  event.members.set("status", std::move(status));
  if (!reason.empty()) event.members.set("reason", std::move(reason));
  return event;
}

Meaning meaning_of(const Event& event) {
  if (event.type == kVerification) return Meaning::verification;
  if (event.type == kStreamUpdated) return Meaning::stream_updated;
  if (event.type == kSessionRevoked || event.type == kAccountDisabled || event.type == kAccountPurged) return Meaning::access_ends;
  if (event.type == kCredentialChange) {
    // A new credential takes nothing away from the old ones. Whatever else was meant, what was given on the old one ends.
    const std::string* change = event.members.find_string("change_type");
    return change && *change == "create" ? Meaning::nothing : Meaning::access_ends;
  }
  return Meaning::nothing;
}

Result<std::optional<std::int64_t>, std::string_view> timestamp_of(const Event& event) {
  constexpr std::string_view kWrong = "event_timestamp_malformed";
  constexpr double kMost = 1e12;   // beyond it these are milliseconds, or nonsense: an event in the far future must not end what comes after it
  const json::Value* value = event.members.find("event_timestamp");
  if (!value) return std::optional<std::int64_t>();
  if (const auto* seconds = value->as_int()) {
    if (*seconds <= 0 || static_cast<double>(*seconds) > kMost) return unexpected(kWrong);
    return std::optional<std::int64_t>(*seconds);
  }
  // NumericDate may have a fraction (RFC 7519 §2). Rounded up: what was given in that second was given before it was over.
  if (const auto* seconds = value->as_double()) {
    if (!(*seconds > 0) || *seconds > kMost) return unexpected(kWrong);
    return std::optional<std::int64_t>(static_cast<std::int64_t>(std::ceil(*seconds)));
  }
  return unexpected(kWrong);
}

}  // namespace writ::signals
