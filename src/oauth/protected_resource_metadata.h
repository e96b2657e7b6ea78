#pragma once

// The document by which a protected resource names itself and its authorization servers (RFC 9728 §2).

#include <string>
#include <vector>

#include "encoding/json.h"

namespace writ::oauth {

struct ProtectedResourceMetadata {
  std::string resource;                             // the identifier, byte for byte
  std::string resource_name;
  std::vector<std::string> authorization_servers;
  std::vector<std::string> scopes_supported;
};
// With bearer_methods_supported ["header"]: tokens in bodies and URLs are not accepted.
json::Value to_json(const ProtectedResourceMetadata& metadata);

}  // namespace writ::oauth
