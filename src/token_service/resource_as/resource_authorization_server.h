#pragma once

// The role as a whole: its endpoints, built once from settings and from what the deployment shares.

#include "http/router.h"
#include "policy/decision.h"
#include "registry/revocations.h"
#include "token_service/client_authentication.h"
#include "token_service/resource_as/introspection.h"
#include "token_service/resource_as/issuer_keys.h"
#include "token_service/resource_as/jwt_bearer_grant.h"
#include "token_service/resource_as/revocation.h"
#include "token_service/resource_as/settings.h"
#include "token_service/signing_keys.h"
#include "token_service/token_endpoint.h"

namespace writ::token_service::resource_as {

// All of it outlives the server. `device_keys` may be null, `client_keys` empty.
struct Parts {
  audit::DecisionsLog& log;
  const registry::Current& registry;
  const policy::Current& policy;
  registry::Revocations& revocations;
  const SigningKeys& signing_keys;
  IssuerKeys& issuer_keys;
  const DeviceKeys* device_keys = nullptr;
  ClientKeys client_keys{};
  const Clock& clock;
  policy::DecisionPoints* decision_points = nullptr;
};

// Safe to share between threads. Does not move: its endpoints refer to each other.
class ResourceAuthorizationServer {
 public:
  // Precondition: the issuer is one (uri::is_issuer).
  ResourceAuthorizationServer(Settings settings, Parts parts);
  ResourceAuthorizationServer(const ResourceAuthorizationServer&) = delete;
  ResourceAuthorizationServer& operator=(const ResourceAuthorizationServer&) = delete;

  const Settings& settings() const { return settings_; }
  const TokenEndpoint& token() const { return token_; }
  const TokenEndpoint& introspect() const { return introspect_; }
  const TokenEndpoint& revoke() const { return revoke_; }
  const std::string& metadata_text() const { return metadata_text_; }
  std::string key_set_text() const;

 private:
  Settings settings_;
  const SigningKeys& signing_keys_;
  FailureThrottle throttle_;
  ResourceServers resource_servers_;
  ClientAuthenticator clients_;
  ClientAuthenticator callers_;      // of introspection: clients and resource servers
  JwtBearerGrant jwt_bearer_grant_;
  Introspection introspection_;
  Revocation revocation_;
  TokenEndpoint token_;
  TokenEndpoint introspect_;
  TokenEndpoint revoke_;
  std::string metadata_text_;
};

// Path to endpoint, on one screen. The server outlives the router.
void add_routes(http::Router& router, const ResourceAuthorizationServer& server);

}  // namespace writ::token_service::resource_as
