#include "scim/error.h"

namespace writ::scim {

std::string_view to_string(ScimType type) {
  switch (type) {
    case ScimType::none: return "";
    case ScimType::invalid_filter: return "invalidFilter";
    case ScimType::too_many: return "tooMany";
    case ScimType::uniqueness: return "uniqueness";
    case ScimType::mutability: return "mutability";
    case ScimType::invalid_syntax: return "invalidSyntax";
    case ScimType::invalid_path: return "invalidPath";
    case ScimType::no_target: return "noTarget";
    case ScimType::invalid_value: return "invalidValue";
    case ScimType::sensitive: return "sensitive";
  }
  return "";
}

http::Response answer(int status, const json::Value& body) {
  http::Response response = http::no_store(http::json(status, json::write(body)));
  response.headers.set("Content-Type", "application/scim+json");
  return response;
}

http::Response to_response(const Error& error) {
  json::Value body{{"schemas", json::Array{"urn:ietf:params:scim:api:messages:2.0:Error"}}, {"status", std::to_string(error.status)}};   // EN-08: a string
  if (error.type != ScimType::none) body.set("scimType", to_string(error.type));
  body.set("detail", error.detail);
  http::Response response = answer(error.status, body);
  if (error.status == 401) response.headers.add("WWW-Authenticate", "Bearer");
  if (error.status == 503) response.headers.add("Retry-After", "5");
  return response;
}

std::string quoted(std::string_view text) {
  std::string out = "`";
  for (const char letter : text.substr(0, 100)) out += static_cast<unsigned char>(letter) < 0x20 || letter == 0x7F ? '?' : letter;
  return out + "`";
}

}  // namespace writ::scim
