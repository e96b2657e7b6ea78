#pragma once

// What a server says about itself as a protected resource (RFC 9728; MCPA-10 to MCPA-17).

#include <string>

#include "encoding/json.h"
#include "registry/objects.h"

namespace writ::gateway {

// `dpop`, `certificates`: tokens that are bound to a key, or to a certificate, are understood here.
json::Value protected_resource_metadata(const registry::Server& server, bool dpop = false, bool certificates = false);

// Where clients call it: `{base}/{server}`, or the base itself for a combined server at the root.
std::string public_url(const std::string& base, const registry::Server& server);

// Where that document is: the well-known segment inserted between host and path of that URL (RFC 9728 §3.1).
std::string metadata_url(const std::string& base, const registry::Server& server);
std::string path_of(const std::string& url);   // of an absolute URL; "" when it has none

}  // namespace writ::gateway
