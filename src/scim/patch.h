#pragma once

// PATCH (RFC 7644 §3.5.2) in the dialects that Okta and Entra send (EN-05, EN-06): operations in any case, no path, dotted names and whole URNs as names,
// "True" and "False", members to be removed in `value` or in brackets.

#include "base/result.h"
#include "encoding/json.h"
#include "scim/error.h"
#include "scim/schema.h"

namespace writ::scim {

// The resource after all operations, or why none of them was applied. `resource` is in the spelling of the schemas.
Result<json::Value, Error> apply_patch(const json::Value& body, json::Value resource, const ResourceType& type);

}  // namespace writ::scim
