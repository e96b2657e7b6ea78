#pragma once

// What this server says of itself (RFC 7644 §4; EN-10).

#include <optional>
#include <string>
#include <string_view>

#include "encoding/json.h"

namespace writ::scim {

json::Value service_provider_config(const std::string& base);
// /ResourceTypes, /ResourceTypes/User, /Schemas, /Schemas/urn:…; absent: there is none of that name.
std::optional<json::Value> resource_types(const std::string& base, std::string_view name);
std::optional<json::Value> schemas(const std::string& base, std::string_view id);

}  // namespace writ::scim
