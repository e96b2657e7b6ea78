#pragma once

// Bodies as clients send them → resources in the spelling of the schemas. Names have no case, "True" is true (EN-06), null and "" mean that there is no value;
// what no schema knows, and what only the server writes, is passed over.

#include "base/result.h"
#include "encoding/json.h"
#include "http/message.h"
#include "scim/error.h"
#include "scim/schema.h"

namespace writ::scim {

// The value of one attribute, in canonical form: null when there is none. Multi-valued attributes become arrays.
Result<json::Value, Error> read_value(const Attribute& attribute, const json::Value& value);
// A whole resource, as POST and PUT send it.
Result<json::Value, Error> read_resource(const json::Value& body, const ResourceType& type);

// The body of a request as JSON: application/scim+json or application/json, one object.
Result<json::Value, Error> read_body(const http::Request& request);
// Whether `schemas` of a body is absent or names this one.
Result<void, Error> check_schemas(const json::Value& body, std::string_view wanted);

// A member by its name without regard to case; null when there is none.
const json::Value* find_member(const json::Value& object, std::string_view name);
json::Value* find_exactly(json::Value& object, std::string_view name);

}  // namespace writ::scim
