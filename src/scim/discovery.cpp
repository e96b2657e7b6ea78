#include "scim/discovery.h"

#include "scim/list.h"
#include "scim/schema.h"

namespace writ::scim {
namespace {

json::Value meta(std::string_view type, std::string location) { return json::Value{{"resourceType", type}, {"location", std::move(location)}}; }

json::Value to_json(const ResourceType& type, const std::string& base) {
  json::Value out{{"schemas", json::Array{"urn:ietf:params:scim:schemas:core:2.0:ResourceType"}}, {"id", type.name}, {"name", type.name}, {"endpoint", type.endpoint}, {"schema", type.core->id}};
  if (type.extension) out.set("schemaExtensions", json::Array{json::Value{{"schema", type.extension->id}, {"required", false}}});
  out.set("meta", meta("ResourceType", base + "/scim/v2/ResourceTypes/" + std::string(type.name)));
  return out;
}

// All of them, or the one of that name.
template <class Items>
std::optional<json::Value> one_or_all(Items items, std::string_view name) {
  json::Array all;
  for (auto& [key, value] : items) {
    if (key == name) return std::move(value);
    all.push_back(std::move(value));
  }
  if (!name.empty()) return std::nullopt;
  return list_response(std::move(all));
}

}  // namespace

json::Value service_provider_config(const std::string& base) {
  const json::Value no{{"supported", false}}, yes{{"supported", true}};
  const json::Value bearer{{"type", "oauthbearertoken"}, {"name", "Bearer token"}, {"description", "a token made by `writ connector scim-token`"}, {"specUri", "https://www.rfc-editor.org/rfc/rfc6750"}, {"primary", true}};
  return json::Value{{"schemas", json::Array{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"}},
                     {"patch", yes},
                     {"bulk", json::Value{{"supported", false}, {"maxOperations", 0}, {"maxPayloadSize", 0}}},
                     {"filter", json::Value{{"supported", true}, {"maxResults", kResultsMax}}},
                     {"changePassword", no},
                     {"sort", no},
                     {"etag", yes},
                     {"authenticationSchemes", json::Array{bearer}},
                     {"meta", meta("ServiceProviderConfig", base + "/scim/v2/ServiceProviderConfig")}};
}

std::optional<json::Value> resource_types(const std::string& base, std::string_view name) {
  std::vector<std::pair<std::string_view, json::Value>> items;
  for (const ResourceType* type : {&user_type(), &group_type()}) items.emplace_back(type->name, to_json(*type, base));
  return one_or_all(std::move(items), name);
}

std::optional<json::Value> schemas(const std::string& base, std::string_view id) {
  std::vector<std::pair<std::string_view, json::Value>> items;
  for (const Schema* schema : {user_type().core, user_type().extension, group_type().core}) {
    json::Value written = to_json(*schema);
    written.set("meta", meta("Schema", base + "/scim/v2/Schemas/" + std::string(schema->id)));
    items.emplace_back(schema->id, std::move(written));
  }
  return one_or_all(std::move(items), id);
}

}  // namespace writ::scim
