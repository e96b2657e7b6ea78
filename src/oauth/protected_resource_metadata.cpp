#include "oauth/protected_resource_metadata.h"

namespace writ::oauth {

json::Value to_json(const ProtectedResourceMetadata& metadata) {
  json::Value document{{"resource", metadata.resource},
                       {"authorization_servers", json::from_strings(metadata.authorization_servers)},
                       {"bearer_methods_supported", json::Array{"header"}}};
  if (!metadata.scopes_supported.empty()) document.set("scopes_supported", json::from_strings(metadata.scopes_supported));
  if (!metadata.resource_name.empty()) document.set("resource_name", metadata.resource_name);
  return document;
}

}  // namespace writ::oauth
