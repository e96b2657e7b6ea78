#pragma once

// What went wrong, as SCIM says it (RFC 7644 §3.12; EN-08).

#include <string>
#include <string_view>

#include "encoding/json.h"
#include "http/message.h"

namespace writ::scim {

enum class ScimType { none, invalid_filter, too_many, uniqueness, mutability, invalid_syntax, invalid_path, no_target, invalid_value, sensitive };
std::string_view to_string(ScimType type);   // "invalidFilter"; empty for none

struct Error {
  int status = 400;
  ScimType type = ScimType::none;
  std::string detail;   // a sentence for the directory's administrator
};

inline Error invalid_filter(std::string detail) { return {400, ScimType::invalid_filter, std::move(detail)}; }
inline Error invalid_path(std::string detail) { return {400, ScimType::invalid_path, std::move(detail)}; }
inline Error invalid_value(std::string detail) { return {400, ScimType::invalid_value, std::move(detail)}; }
inline Error invalid_syntax(std::string detail) { return {400, ScimType::invalid_syntax, std::move(detail)}; }
inline Error no_target(std::string detail) { return {400, ScimType::no_target, std::move(detail)}; }
inline Error mutability(std::string detail) { return {400, ScimType::mutability, std::move(detail)}; }
inline Error taken(std::string detail) { return {409, ScimType::uniqueness, std::move(detail)}; }
inline Error not_found(std::string detail) { return {404, ScimType::none, std::move(detail)}; }

http::Response to_response(const Error& error);
// Any body of this protocol: application/scim+json, kept by nobody on the way.
http::Response answer(int status, const json::Value& body);

// A piece of what was sent, short enough for a sentence.
std::string quoted(std::string_view text);

}  // namespace writ::scim
