#include "upstreams/eras/input_request.h"

#include "mcp/json_rpc.h"

namespace writ::upstreams {
namespace {

json::Value not_declared(std::string_view what) {
  return json::Value{{"code", mcp::code::kMethodNotFound}, {"message", "the client does not support " + std::string(what)}};
}

// Absent modes mean forms (2025-06-18 knew no other).
bool has_mode(const json::Value& elicitation, std::string_view mode) {
  const bool names_modes = elicitation.find("form") || elicitation.find("url");
  return names_modes ? elicitation.find_object(mode) != nullptr : mode == "form";
}

}  // namespace

Result<json::Value, json::Value> input_request(std::string_view method, const json::Value* params, const json::Value& capabilities) {
  json::Value asked = params && params->is_object() ? *params : json::Value(json::Object{});
  asked.erase("_meta");   // progress tokens and the like: nobody here would answer to them
  if (asked.find("task")) return unexpected(not_declared("requests that run as tasks"));
  if (method == "elicitation/create") {
    const json::Value* elicitation = capabilities.find("elicitation");
    const auto* mode = asked.find_string("mode");
    if (!elicitation || !has_mode(*elicitation, mode ? *mode : "form")) return unexpected(not_declared("this elicitation"));
    asked.erase("elicitationId");   // for a notification that the modern era does not have
  } else if (method == "sampling/createMessage") {
    const json::Value* sampling = capabilities.find("sampling");
    if (!sampling) return unexpected(not_declared("sampling"));
    const bool wants_tools = asked.find("tools") || asked.find("toolChoice");
    if (wants_tools && !sampling->find_object("tools")) return unexpected(not_declared("sampling with tools"));
  } else if (method == "roots/list") {
    if (!capabilities.find("roots")) return unexpected(not_declared("roots"));
  } else {
    return unexpected(not_declared(method));
  }
  return json::Value{{"method", method}, {"params", std::move(asked)}};
}

std::optional<json::Value> input_response(const json::Value& given) {
  if (!given.is_object()) return std::nullopt;
  json::Value response = given;
  response.erase("resultType");
  return response;
}

}  // namespace writ::upstreams
