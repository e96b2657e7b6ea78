#include "upstreams/eras/modern_answer.h"

#include "mcp/streamable_http.h"

namespace writ::upstreams {
namespace {

bool has_cache_hints(std::string_view method) {
  return method == mcp::kDiscover || method == mcp::kToolsList || method == "prompts/list" || method == "resources/list" || method == "resources/templates/list" ||
         method == "resources/read";
}

void identify(json::Value& result, const json::Value& server_info) {
  json::Value meta = json::Object{};
  if (const json::Object* given = result.find_object("_meta")) {
    for (const json::Member& member : *given) {
      if (!member.name.starts_with("io.modelcontextprotocol/")) meta.set(member.name, member.value);
    }
  }
  if (server_info.is_object()) meta.set(kServerInfo, server_info);
  result.erase("_meta");
  if (!meta.as_object()->empty()) result.set("_meta", std::move(meta));
}

// Tasks of the legacy era are another protocol than the extension of the modern one.
json::Value modern_capabilities(const json::Value* declared) {
  json::Value all = json::Object{};
  for (const std::string_view name : {"tools", "prompts", "resources", "logging", "completions"}) {
    const json::Value* one = declared ? declared->find(name) : nullptr;
    if (one && one->is_object()) all.set(name, *one);
  }
  return all;
}

}  // namespace

json::Value modern_result(std::string_view method, json::Value result, const json::Value& server_info) {
  if (!result.is_object()) result = json::Object{};
  for (const std::string_view member : {"inputRequests", "requestState", "ttlMs", "cacheScope"}) result.erase(member);
  result.set("resultType", "complete");
  if (has_cache_hints(method)) {
    // The server never said that it may be kept, and what a list holds depends on who asks (TR-90, TR-92).
    result.set("ttlMs", 0);
    result.set("cacheScope", "private");
  }
  identify(result, server_info);
  return result;
}

json::Value discover_result(const json::Value& initialized) {
  json::Value result = json::Object{};
  result.set("supportedVersions", json::Array{std::string(mcp::kModernVersion)});
  result.set("capabilities", modern_capabilities(initialized.find("capabilities")));
  if (const auto* instructions = initialized.find_string("instructions")) result.set("instructions", *instructions);
  const json::Value* info = initialized.find("serverInfo");
  return modern_result(mcp::kDiscover, std::move(result), info ? *info : json::Value());
}

json::Value modern_error(json::Value error) {
  constexpr std::int64_t kResourceNotFound = -32002, kUrlElicitationRequired = -32042, kFirstOfMcp = -32099, kLastOfMcp = -32020, kOldFirst = -32019, kOldLast = -32000;
  const auto* given = error.find_int("code");
  std::int64_t code = given ? *given : mcp::code::kInternalError;
  if (code == kResourceNotFound) code = mcp::code::kInvalidParams;
  // A client draws conclusions from these, about headers, capabilities and versions, that a server of the legacy era cannot mean (TR-59).
  else if (code == kUrlElicitationRequired || (code >= kFirstOfMcp && code <= kLastOfMcp) || (code >= kOldFirst && code <= kOldLast)) code = mcp::code::kInternalError;
  json::Value translated = json::Object{};
  translated.set("code", code);
  const auto* message = error.find_string("message");
  translated.set("message", message ? *message : "the server answered with an error");
  if (const json::Value* data = error.find("data")) translated.set("data", *data);
  return translated;
}

int status_of_error(const json::Value& error) {
  const auto* code = error.find_int("code");
  return code && *code == mcp::code::kMethodNotFound ? 404 : 200;
}

json::Value input_required_result(json::Value requests, std::string request_state, const json::Value& server_info) {
  json::Value result = json::Object{};
  result.set("resultType", "input_required");
  result.set("inputRequests", std::move(requests));
  if (!request_state.empty()) result.set("requestState", std::move(request_state));
  identify(result, server_info);
  return result;
}

}  // namespace writ::upstreams
