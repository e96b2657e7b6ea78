#include "mcp/mirrored_headers.h"

#include <algorithm>

#include "mcp/methods.h"
#include "mcp/streamable_http.h"

namespace writ::mcp {
namespace {

constexpr std::size_t kDepthMax = 16;

bool is_header_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

// The text of a primitive argument as a header value; absent for null, absent and other types (TR-62).
std::optional<std::string> header_text(const json::Value& value) {
  if (const auto* text = value.as_string()) return encode_header_value(*text);
  if (const auto* number = value.as_int()) return std::to_string(*number);
  if (const auto* flag = value.as_bool()) return *flag ? "true" : "false";
  return std::nullopt;
}

bool mentions_annotation(const json::Value& value) {
  if (const auto* object = value.as_object()) {
    return std::any_of(object->begin(), object->end(), [](const json::Member& member) { return member.name == "x-mcp-header" || mentions_annotation(member.value); });
  }
  const auto* array = value.as_array();
  return array && std::any_of(array->begin(), array->end(), mentions_annotation);
}

}  // namespace

// False when an annotation breaks a rule: not a token, not on a string, integer or boolean, or where `properties` alone does not lead.
bool MirroredHeaders::collect(const json::Value& schema, std::vector<std::string>& path, std::vector<Parameter>& out) {
  const auto* object = schema.as_object();
  if (object == nullptr || path.size() > kDepthMax) return !mentions_annotation(schema);
  for (const json::Member& member : *object) {
    if (member.name == "x-mcp-header") {
      const auto* name = member.value.as_string();
      const auto* type = schema.find_string("type");
      if (path.empty() || !name || !is_header_token(*name) || !type || (*type != "string" && *type != "integer" && *type != "boolean")) return false;
      out.push_back({*name, path});
    } else if (member.name == "properties" && member.value.is_object()) {
      for (const json::Member& property : *member.value.as_object()) {
        path.push_back(property.name);
        const bool good = collect(property.value, path, out);
        path.pop_back();
        if (!good) return false;
      }
    } else if (mentions_annotation(member.value)) {
      return false;
    }
  }
  return true;
}

std::vector<std::string> MirroredHeaders::learn_tools(json::Value& result) {
  std::vector<std::string> taken_out;
  auto* object = result.as_object();
  if (object == nullptr) return taken_out;
  for (json::Member& member : *object) {
    if (member.name != "tools" || !member.value.is_array()) continue;
    std::erase_if(*member.value.as_array(), [&](const json::Value& tool) {
      const auto* name = tool.find_string("name");
      const auto* schema = tool.find("inputSchema");
      if (name == nullptr || schema == nullptr) return false;
      std::vector<Parameter> parameters;
      std::vector<std::string> path;
      bool good = collect(*schema, path, parameters);
      for (std::size_t i = 0; good && i < parameters.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) good = good && !http::equals_ignoring_case(parameters[i].header, parameters[j].header);
      }
      if (!good) taken_out.push_back(*name);
      else tools_[*name] = std::move(parameters);
      return !good;
    });
  }
  return taken_out;
}

void MirroredHeaders::add(const Message& message, http::Headers& headers) const {
  if (message.method().empty()) return;
  headers.add(std::string(kMethodHeader), message.method());
  const auto* method = find_method(message.method(), false);
  if (method == nullptr || method->subject.empty()) return;
  const auto* name = message.param_string(method->subject);
  if (name == nullptr) return;
  headers.add(std::string(kNameHeader), encode_header_value(*name));
  const auto tool = message.method() == kToolsCall ? tools_.find(*name) : tools_.end();
  if (tool == tools_.end()) return;
  for (const Parameter& parameter : tool->second) {
    const json::Value* value = message.param("arguments");
    for (const std::string& step : parameter.path) value = value ? value->find(step) : nullptr;
    const auto text = value ? header_text(*value) : std::nullopt;
    if (text) headers.add(std::string(kParamHeaderPrefix) + parameter.header, *text);
  }
}

}  // namespace writ::mcp
