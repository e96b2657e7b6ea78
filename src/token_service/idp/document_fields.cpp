#include "token_service/idp/document_fields.h"

namespace writ::token_service::idp {

Result<DocumentFields, Unavailable> DocumentFields::parse(const registry::Document& document) {
  // A refresh family lists up to some thousand digests, so the limits are wider than those for strangers' input.
  auto value = json::parse(document.json, json::Limits{4 << 20, 8, 100'000});
  if (!value || !value->is_object()) return unexpected(Unavailable{"a stored document cannot be read"});
  return DocumentFields(std::move(*value));
}

std::string DocumentFields::text(const char* name) {
  const auto* found = value_.find_string(name);
  if (!found) ok_ = false;
  return found ? *found : std::string();
}

std::int64_t DocumentFields::number(const char* name) {
  const auto* found = value_.find_int(name);
  if (!found) ok_ = false;
  return found ? *found : 0;
}

Instant DocumentFields::time(const char* name) { return Instant{Milliseconds{number(name)}}; }

bool DocumentFields::flag(const char* name) {
  const auto* found = value_.find(name);
  const bool* value = found ? found->as_bool() : nullptr;
  if (!value) ok_ = false;
  return value && *value;
}

std::vector<std::string> DocumentFields::texts(const char* name) {
  std::vector<std::string> texts;
  const auto* found = value_.find(name);
  const auto* array = found ? found->as_array() : nullptr;
  if (!array) ok_ = false;
  if (array) {
    for (const auto& element : *array) {
      if (!element.is_string()) ok_ = false;
      else texts.push_back(*element.as_string());
    }
  }
  return texts;
}

json::Value to_json(Instant time) { return json::Value(static_cast<std::int64_t>(time.time_since_epoch().count())); }

json::Value to_json(const std::vector<std::string>& texts) {
  json::Array array;
  for (const auto& text : texts) array.emplace_back(text);
  return json::Value(std::move(array));
}

}  // namespace writ::token_service::idp
