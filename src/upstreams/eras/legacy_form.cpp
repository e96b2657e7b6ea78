#include "upstreams/eras/legacy_form.h"

#include <algorithm>
#include <array>

#include "upstreams/eras/modern_form.h"

namespace writ::upstreams {
namespace {

constexpr std::size_t kInputRequestsMax = 16;

json::Value* find_member(json::Value& object, std::string_view name) {
  json::Object* members = object.as_object();
  if (!members) return nullptr;
  const auto found = std::find_if(members->begin(), members->end(), [name](const json::Member& member) { return member.name == name; });
  return found == members->end() ? nullptr : &found->value;
}

void erase_from_meta(json::Value& object, std::string_view name) {
  json::Value* meta = find_member(object, "_meta");
  if (!meta || !meta->is_object()) return;
  meta->erase(name);
  if (meta->as_object()->empty()) object.erase("_meta");
}

}  // namespace

std::string negotiated_version(std::string_view asked) {
  constexpr std::array<std::string_view, 3> kSpoken = {"2025-03-26", "2025-06-18", kLatestLegacyVersion};
  return std::string(std::find(kSpoken.begin(), kSpoken.end(), asked) != kSpoken.end() ? asked : kLatestLegacyVersion);
}

json::Value initialize_result(const json::Value& discovered, std::string_view version, std::string_view name) {
  json::Value capabilities = json::Object{};
  const json::Value* said = discovered.find("capabilities");
  for (const std::string_view known : {"tools", "prompts", "resources", "completions", "logging"}) {
    const json::Value* value = said ? said->find(known) : nullptr;
    if (value && value->is_object()) capabilities.set(known, *value);   // tasks, extensions and what is experimental were agreed for another protocol
  }
  const json::Value* meta = discovered.find("_meta");
  const json::Value* info = meta ? meta->find(kMetaServerInfo) : nullptr;
  const bool is_named = info && info->find_string("name") && info->find_string("version");
  json::Value result{{"protocolVersion", version}};
  result.set("capabilities", std::move(capabilities));
  result.set("serverInfo", is_named ? *info : json::Value{{"name", name}, {"version", ""}});
  if (const auto* instructions = discovered.find_string("instructions")) result.set("instructions", *instructions);
  return result;
}

void make_legacy_result(json::Value& result) {
  for (const std::string_view name : {"resultType", "ttlMs", "cacheScope"}) result.erase(name);
  erase_from_meta(result, kMetaServerInfo);
}

void make_legacy_notification(json::Value& notification) {
  json::Value* params = find_member(notification, "params");
  if (!params) return;
  erase_from_meta(*params, kMetaSubscription);
  if (params->is_object() && params->as_object()->empty()) notification.erase("params");
}

bool is_for_push_stream(std::string_view method) {
  constexpr std::array<std::string_view, 4> kPushed = {"notifications/tools/list_changed", "notifications/prompts/list_changed",
                                                       "notifications/resources/list_changed", "notifications/resources/updated"};
  return std::find(kPushed.begin(), kPushed.end(), method) != kPushed.end();
}

ResultKind kind_of_result(const json::Value& result) {
  const json::Value* type = result.find("resultType");
  if (!type) return ResultKind::complete;   // TR-52: of a server that is older than it says
  const auto* text = type->as_string();
  if (text && *text == "complete") return ResultKind::complete;
  return text && *text == "input_required" ? ResultKind::input_required : ResultKind::unknown;
}

std::optional<InputRequired> parse_input_required(const json::Value& result) {
  InputRequired input;
  if (const json::Value* state = result.find("requestState")) {
    if (!state->is_string()) return std::nullopt;
    input.state = *state->as_string();
  }
  if (const json::Value* requests = result.find("inputRequests")) {
    if (!requests->is_object() || requests->as_object()->size() > kInputRequestsMax) return std::nullopt;
    for (const json::Member& member : *requests->as_object()) {
      const auto* method = member.value.find_string("method");
      const json::Value* params = member.value.find("params");
      if (!method || (params && !params->is_object())) return std::nullopt;
      input.requests.push_back({member.name, *method, params ? *params : json::Value()});
    }
  }
  if (input.requests.empty() && !input.state) return std::nullopt;
  return input;
}

json::Value legacy_server_request(const InputRequest& asked, const std::string& id) {
  json::Value request{{"jsonrpc", "2.0"}, {"id", id}, {"method", asked.method}};
  if (!asked.params.is_null()) request.set("params", asked.params);
  return request;
}

}  // namespace writ::upstreams
