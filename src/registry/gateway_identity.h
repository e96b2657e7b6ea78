#pragma once

// Who the gateway is where it works in somebody's name, and whether the servers that need to know can be used with it (rules §3.8). The configuration
// says it, so it is no part of what all objects must fulfil everywhere (check.h).

#include <string>

#include "registry/check.h"

namespace writ::registry {

struct GatewayIdentity {
  bool has_idp = false;      // the identity provider is a role of this deployment
  std::string agent;         // `gateway.agent`; empty: none
};

// Errors at the servers that cannot be used.
Problems check_gateway_identity(const Objects& objects, const GatewayIdentity& gateway, const Places& places = {});

}  // namespace writ::registry
