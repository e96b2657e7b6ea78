#include "audit_export/ocsf.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <string>
#include <string_view>

namespace writ::audit_export {
namespace {

struct Class {
  std::string_view event;
  std::int64_t class_uid;
  const char* class_name;
  std::int64_t activity_id;
  const char* activity;
};
constexpr Class kClasses[] = {
    {"sign_in", 3002, "Authentication", 1, "Logon"},
    {"sign_out", 3002, "Authentication", 2, "Logoff"},
    {"session_revoked", 3002, "Authentication", 2, "Logoff"},
    {"client_authentication", 3002, "Authentication", 1, "Logon"},
    {"device_registered", 3002, "Authentication", 99, "Other"},
    {"token_refreshed", 3002, "Authentication", 3, "Authentication Ticket"},
    {"refresh_reuse", 3002, "Authentication", 3, "Authentication Ticket"},
    {"id_jag", 3003, "Authorize Session", 1, "Assign Privileges"},
    {"access_token", 3003, "Authorize Session", 1, "Assign Privileges"},
    {"token_revoked", 3003, "Authorize Session", 99, "Other"},
    {"introspection", 6003, "API Activity", 2, "Read"},
    {"call", 6003, "API Activity", 99, "Other"},
    {"outcome", 6003, "API Activity", 99, "Other"},
};
constexpr Class kOther{"", 6003, "API Activity", 3, "Update"};   // administration, policy, keys, the service itself

// Members of records are text, but for the numbers that are asked for as such.
std::string text_of(const json::Value& record, std::string_view member) {
  const auto* text = record.find_string(member);
  return text ? *text : std::string();
}

// 2026-11-24T16:45:00.123Z as milliseconds since 1970; 0 when it is no such time.
std::int64_t milliseconds_of(const std::string& text) {
  std::tm parts{};
  int milliseconds = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &parts.tm_year, &parts.tm_mon, &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &milliseconds) != 7) return 0;
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  return static_cast<std::int64_t>(timegm(&parts)) * 1000 + milliseconds;
}

json::Value user_of(const json::Value& record) {
  json::Value user = json::Object{};
  if (const auto id = text_of(record, "user"); !id.empty()) user.set("uid", id);
  if (const auto name = text_of(record, "user_name"); !name.empty()) user.set("name", name);
  if (record.find("user") == nullptr) user.set("name", "unknown");
  return user;
}

// Members that stand in the event itself.
constexpr std::array<std::string_view, 13> kMapped = {"position", "time", "event", "effect", "code", "reason", "detail", "user", "user_name", "session", "peer", "node", "duration_us"};

}  // namespace

json::Value to_ocsf(const json::Value& record) {
  const std::string event = text_of(record, "event"), effect = text_of(record, "effect");
  const Class* mapped = &kOther;
  for (const Class& each : kClasses) {
    if (each.event == event) mapped = &each;
  }
  const bool denied = effect == "deny";
  const auto* position = record.find_int("position");

  json::Value metadata{{"version", "1.3.0"}, {"product", json::Value{{"name", "Writ"}, {"vendor_name", "Writ"}}}, {"event_code", event}, {"log_provider", text_of(record, "node")}};
  if (position) metadata.set("sequence", *position), metadata.set("uid", text_of(record, "node") + "/" + std::to_string(*position));
  if (const auto code = text_of(record, "code"); !code.empty()) metadata.set("correlation_uid", code);

  json::Value ocsf{{"category_uid", mapped->class_uid / 1000}, {"category_name", mapped->class_uid == 6003 ? "Application Activity" : "Identity & Access Management"},
                   {"class_uid", mapped->class_uid}, {"class_name", mapped->class_name}, {"activity_id", mapped->activity_id}, {"activity_name", mapped->activity},
                   {"type_uid", mapped->class_uid * 100 + mapped->activity_id}, {"time", milliseconds_of(text_of(record, "time"))}, {"metadata", std::move(metadata)},
                   {"severity_id", denied ? 2 : 1}, {"severity", denied ? "Low" : "Informational"},
                   {"status_id", denied ? 2 : effect == "allow" ? 1 : 0}, {"status", denied ? "Failure" : effect == "allow" ? "Success" : "Unknown"}};
  if (const auto reason = text_of(record, "reason"); !reason.empty()) ocsf.set("status_code", reason);
  if (const auto detail = text_of(record, "detail"); !detail.empty()) ocsf.set("status_detail", detail);

  json::Value session = json::Object{};
  if (const auto sid = text_of(record, "session"); !sid.empty()) session = json::Value{{"uid", sid}};
  json::Value actor{{"user", user_of(record)}};
  if (const auto agent = text_of(record, "agent"); !agent.empty()) actor.set("app_name", agent);
  if (!session.as_object()->empty()) actor.set("session", session);
  if (mapped->class_uid != 6003) ocsf.set("user", user_of(record));
  if (mapped->class_uid == 3002 && !session.as_object()->empty()) ocsf.set("session", session);
  ocsf.set("actor", std::move(actor));
  if (const auto peer = text_of(record, "peer"); !peer.empty()) ocsf.set("src_endpoint", json::Value{{"ip", peer}});
  if (mapped->class_uid == 6003) {
    const std::string method = text_of(record, "method");
    json::Value api{{"operation", method.empty() ? event : method}};
    if (const auto server = text_of(record, "server"); !server.empty()) api.set("service", json::Value{{"name", server}});
    ocsf.set("api", std::move(api));
    if (const auto tool = text_of(record, "tool"); !tool.empty()) ocsf.set("resources", json::Array{json::Value{{"name", tool}, {"type", "tool"}}});
  }
  if (const auto* duration = record.find_int("duration_us")) ocsf.set("duration", *duration / 1000);

  json::Value unmapped = json::Object{};
  for (const auto& member : *record.as_object()) {
    bool has_place = false;
    for (const auto name : kMapped) has_place = has_place || member.name == name;
    if (!has_place) unmapped.set(member.name, member.value);
  }
  if (!unmapped.as_object()->empty()) ocsf.set("unmapped", std::move(unmapped));
  return ocsf;
}

}  // namespace writ::audit_export
