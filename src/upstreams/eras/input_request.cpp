#include "upstreams/eras/input_request.h"

#include <algorithm>

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

std::optional<json::Value> url_questions(const json::Value& error, const json::Value& capabilities) {
  constexpr std::int64_t kUrlElicitationRequired = -32042;
  constexpr std::size_t kMost = 16;
  const auto* code = error.find_int("code");
  const json::Value* data = error.find("data");
  const json::Array* elicitations = data ? data->find_array("elicitations") : nullptr;
  if (!code || *code != kUrlElicitationRequired || !elicitations || elicitations->empty() || elicitations->size() > kMost) return std::nullopt;
  json::Value questions = json::Object{};
  for (const json::Value& one : *elicitations) {
    const auto* mode = one.find_string("mode");
    auto question = input_request("elicitation/create", &one, capabilities);
    if (!question || !mode || *mode != "url") return std::nullopt;
    questions.set("url-" + std::to_string(questions.as_object()->size() + 1), std::move(*question));
  }
  return questions;
}

bool has_refusal(const json::Value& input_responses) {
  const json::Object* all = input_responses.as_object();
  return all && std::any_of(all->begin(), all->end(), [](const json::Member& member) {
    const auto* action = member.value.find_string("action");
    return action && *action != "accept";
  });
}

std::optional<json::Value> input_response(const json::Value& given) {
  if (!given.is_object()) return std::nullopt;
  json::Value response = given;
  response.erase("resultType");
  return response;
}

}  // namespace writ::upstreams
