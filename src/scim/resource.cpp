#include "scim/resource.h"

#include <algorithm>

namespace writ::scim {
namespace {

using Type = Attribute::Type;

constexpr json::Limits kBodyLimits{4 << 20, 20, 200'000};
constexpr std::size_t kTextBytesMax = 4'096;

std::string message(const Attribute& attribute, std::string_view wanted) { return quoted(attribute.name) + " must be " + std::string(wanted); }

Result<json::Value, Error> read_single(const Attribute& attribute, const json::Value& value) {
  if (value.is_null()) return json::Value();
  const auto* text = value.as_string();
  if (attribute.type == Type::boolean) {
    if (value.is_bool()) return value;
    if (text && is_same_name(*text, "true")) return json::Value(true);
    if (text && is_same_name(*text, "false")) return json::Value(false);
    return unexpected(invalid_value(message(attribute, "true or false")));
  }
  if (attribute.type != Type::complex) {
    if (!text) return unexpected(invalid_value(message(attribute, "text")));
    if (text->size() > kTextBytesMax) return unexpected(invalid_value(message(attribute, "at most 4096 bytes long")));
    if (text->find('\0') != std::string::npos) return unexpected(invalid_value(message(attribute, "text without NUL bytes")));
    return text->empty() ? json::Value() : value;
  }
  // A manager or a member is often sent as its id alone.
  if (text && attribute.find("value")) return text->empty() ? json::Value() : json::Value{{"value", *text}};
  const auto* object = value.as_object();
  if (!object) return unexpected(invalid_value(message(attribute, "an object")));
  json::Value out = json::Object{};
  for (const json::Member& member : *object) {
    const Attribute* part = attribute.find(member.name);
    if (!part) continue;
    json::Value read = TRY(read_single(*part, member.value));
    if (!read.is_null()) out.set(part->name, std::move(read));
  }
  return out.as_object()->empty() ? json::Value() : std::move(out);
}

Result<void, Error> read_members(const json::Value& body, const auto& known, json::Value& out) {
  for (const json::Member& member : *body.as_object()) {
    const Attribute* attribute = known.find(member.name);
    if (!attribute || attribute->read_only) continue;
    if (out.find(attribute->name)) return unexpected(invalid_syntax(quoted(attribute->name) + " is there twice, in different spellings"));
    json::Value value = TRY(read_value(*attribute, member.value));
    if (!value.is_null()) out.set(attribute->name, std::move(value));
  }
  return {};
}

}  // namespace

Result<json::Value, Error> read_value(const Attribute& attribute, const json::Value& value) {
  const auto* list = value.as_array();
  if (!attribute.multi_valued) {
    if (!list) return read_single(attribute, value);
    // Entra sends a manager as a list of one.
    if (list->size() == 1) return read_single(attribute, list->front());
    return unexpected(invalid_value(message(attribute, "one value, not a list")));
  }
  json::Array elements;
  const auto add = [&](const json::Value& element) -> Result<void, Error> {
    json::Value read = TRY(read_single(attribute, element));
    if (!read.is_null()) elements.push_back(std::move(read));
    return {};
  };
  if (list) {
    for (const json::Value& element : *list) TRY(add(element));
  } else {
    TRY(add(value));
  }
  return elements.empty() ? json::Value() : json::Value(std::move(elements));
}

Result<json::Value, Error> read_resource(const json::Value& body, const ResourceType& type) {
  TRY(check_schemas(body, type.core->id));
  json::Value out = json::Object{};
  TRY(read_members(body, type, out));
  const json::Value* extension = type.extension ? find_member(body, type.extension->id) : nullptr;
  if (!extension || extension->is_null()) return out;
  if (!extension->is_object()) return unexpected(invalid_value(quoted(type.extension->id) + " must be an object"));
  json::Value extended = json::Object{};
  TRY(read_members(*extension, *type.extension, extended));
  if (!extended.as_object()->empty()) out.set(type.extension->id, std::move(extended));
  return out;
}

Result<json::Value, Error> read_body(const http::Request& request) {
  const std::string* sent = request.headers.find_single("Content-Type");
  const std::string_view type = sent ? std::string_view(*sent).substr(0, std::min(sent->find(';'), sent->size())) : std::string_view();
  if (!is_same_name(type, "application/scim+json") && !is_same_name(type, "application/json")) return unexpected(Error{415, ScimType::none, "send application/scim+json"});
  auto body = json::parse(request.body, kBodyLimits);
  if (!body) return unexpected(invalid_syntax("the body is no valid JSON: " + std::string(json::to_string(body.error()))));
  if (!body->is_object()) return unexpected(invalid_syntax("the body must be a JSON object"));
  return std::move(*body);
}

Result<void, Error> check_schemas(const json::Value& body, std::string_view wanted) {
  const json::Value* schemas = find_member(body, "schemas");
  if (!schemas) return {};
  const auto named = json::to_strings(*schemas);
  if (!named || std::none_of(named->begin(), named->end(), [&](const std::string& one) { return is_same_name(one, wanted); })) {
    return unexpected(invalid_syntax("`schemas` does not name " + std::string(wanted)));
  }
  return {};
}

const json::Value* find_member(const json::Value& object, std::string_view name) {
  const auto* members = object.as_object();
  if (!members) return nullptr;
  const auto found = std::find_if(members->begin(), members->end(), [&](const json::Member& member) { return is_same_name(member.name, name); });
  return found == members->end() ? nullptr : &found->value;
}

json::Value* find_exactly(json::Value& object, std::string_view name) {
  auto* members = object.as_object();
  if (!members) return nullptr;
  const auto found = std::find_if(members->begin(), members->end(), [&](const json::Member& member) { return member.name == name; });
  return found == members->end() ? nullptr : &found->value;
}

}  // namespace writ::scim
