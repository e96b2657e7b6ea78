#pragma once

// Inside registry/ only: the document of an identity connector.

#include <optional>

#include "registry/identity_connector.h"
#include "registry/read.h"

namespace writ::registry {

// `clear_secret`: the client secret when the document says it in clear; it is sealed before it rests anywhere (plan.h).
IdentityConnector read_identity_connector(const Node& node, Reading& reading, std::optional<Secret>& clear_secret);

}  // namespace writ::registry
