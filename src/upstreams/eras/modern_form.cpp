#include "upstreams/eras/modern_form.h"

#include <algorithm>
#include <array>

#include "mcp/methods.h"
#include "mcp/streamable_http.h"

namespace writ::upstreams {
namespace {

constexpr std::string_view kReserved = "io.modelcontextprotocol/";

json::Value meta_of(const json::Value* own, const ClientFacts& client) {
  json::Value meta = json::Object{};
  for (const json::Member& member : own && own->is_object() ? *own->as_object() : json::Object{}) {
    // The reserved names are the bridge's to fill: a legacy client has no business there.
    if (!std::string_view(member.name).starts_with(kReserved)) meta.set(member.name, member.value);
  }
  meta.set(mcp::kMetaVersion, mcp::kModernVersion);
  meta.set(mcp::kMetaCapabilities, client.capabilities.is_object() ? client.capabilities : json::Value(json::Object{}));
  if (client.info.is_object()) meta.set(kMetaClientInfo, client.info);
  if (!client.log_level.empty()) meta.set(kMetaLogLevel, client.log_level);
  return meta;
}

json::Value request_of(std::string_view method, json::Value params, std::int64_t id) {
  json::Value request{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}};
  request.set("params", std::move(params));
  return request;
}

}  // namespace

json::Value modern_capabilities(const json::Value& legacy) {
  json::Value capabilities = json::Object{};
  for (const std::string_view name : {"elicitation", "sampling", "roots"}) {
    const json::Value* value = legacy.find(name);
    if (!value || !value->is_object()) continue;
    json::Value kept = *value;
    if (name == "roots") kept.erase("listChanged");
    capabilities.set(name, std::move(kept));
  }
  return capabilities;
}

json::Value modern_request(const mcp::Message& legacy, std::int64_t id, const ClientFacts& client, const RetryWith* retry) {
  json::Value params = legacy.params() ? *legacy.params() : json::Value(json::Object{});
  json::Value meta = meta_of(params.find("_meta"), client);
  params.set("_meta", std::move(meta));
  // Members of the modern era that are answers to it, not the client's to send.
  params.erase("inputResponses");
  params.erase("requestState");
  if (retry && retry->responses.is_object()) params.set("inputResponses", retry->responses);
  if (retry && retry->state) params.set("requestState", *retry->state);
  return request_of(legacy.method(), std::move(params), id);
}

json::Value modern_request(std::string_view method, json::Value params, std::int64_t id, const ClientFacts& client) {
  json::Value meta = meta_of(nullptr, client);
  params.set("_meta", std::move(meta));
  return request_of(method, std::move(params), id);
}

http::UpstreamRequest modern_http(const mcp::Message& message, const mcp::MirroredHeaders& tools) {
  http::UpstreamRequest request;
  request.method = "POST";
  request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json, text/event-stream"}};
  request.headers.add(std::string(mcp::kVersionHeader), std::string(mcp::kModernVersion));
  tools.add(message, request.headers);
  request.body = message.write();
  return request;
}

bool is_declared(const json::Value& capabilities, std::string_view method, const json::Value* params) {
  const auto has = [](const json::Value* value, std::string_view name) { return value && value->find(name) && value->find(name)->is_object(); };
  if (method == "roots/list") return has(&capabilities, "roots");
  if (method == "sampling/createMessage") {
    const bool wants_tools = params && (params->find("tools") || params->find("toolChoice"));
    return has(&capabilities, "sampling") && (!wants_tools || has(capabilities.find("sampling"), "tools"));
  }
  if (method != "elicitation/create" || !has(&capabilities, "elicitation")) return false;
  const auto* mode = params ? params->find_string("mode") : nullptr;
  const json::Value& elicitation = *capabilities.find("elicitation");
  if (mode && *mode != "form") return has(&elicitation, *mode);
  // 2025-11-25: an empty object means forms.
  return elicitation.as_object()->empty() || has(&elicitation, "form");
}

bool is_log_level(std::string_view level) {
  constexpr std::array<std::string_view, 8> kLevels = {"debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"};
  return std::find(kLevels.begin(), kLevels.end(), level) != kLevels.end();
}

}  // namespace writ::upstreams
