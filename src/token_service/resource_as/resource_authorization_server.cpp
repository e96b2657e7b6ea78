#include "token_service/resource_as/resource_authorization_server.h"

#include <algorithm>

#include "encoding/uri.h"
#include "token_service/resource_as/metadata.h"

namespace writ::token_service::resource_as {
namespace {

// `introspecting` adds the resource servers of the configuration; they can do nothing else.
ClientAuthenticationRules authentication_rules(const Settings& settings, const ResourceServers* introspecting) {
  ClientAuthenticationRules rules;
  rules.issuer = settings.issuer;
  rules.token_endpoint = endpoint_url(settings, "token");
  rules.accept_token_endpoint_audience = settings.accept_token_endpoint_audience;
  rules.accept_plain_jwt_type = settings.accept_plain_jwt_type;
  rules.skew_seconds = settings.skew_seconds;
  rules.find = [issuer = settings.issuer, introspecting](const registry::Snapshot& snapshot, std::string_view client_id) {
    if (introspecting != nullptr) {
      const auto resource_server = introspecting->find(client_id);
      if (resource_server.agent != nullptr) return resource_server;
    }
    return snapshot.agent_at_resource_as(issuer, client_id);
  };
  return rules;
}

// Limits that no configuration lifts (C4, C14).
Settings within_limits(Settings settings) {
  settings.skew_seconds = std::clamp<std::int64_t>(settings.skew_seconds, 0, kSkewSecondsMax);
  settings.access_token_lifetime_seconds =
      std::clamp<std::int64_t>(settings.access_token_lifetime_seconds, 1, kAccessTokenLifetimeSecondsMax);
  return settings;
}

EndpointParts endpoint_parts(const ClientAuthenticator& clients, const Parts& parts, FailureThrottle& throttle, std::uint32_t node) {
  return {clients, parts.log, parts.registry, throttle, parts.clock, node};
}

}  // namespace

ResourceAuthorizationServer::ResourceAuthorizationServer(Settings settings, Parts parts)
    : settings_(within_limits(std::move(settings))),
      signing_keys_(parts.signing_keys),
      resource_servers_(settings_),
      clients_(authentication_rules(settings_, nullptr), parts.log, parts.device_keys, parts.client_keys),
      callers_(authentication_rules(settings_, &resource_servers_), parts.log, parts.device_keys, parts.client_keys),
      jwt_bearer_grant_(settings_, parts.issuer_keys, parts.signing_keys, parts.policy, parts.revocations, parts.decision_points),
      introspection_(settings_, resource_servers_, parts.signing_keys, parts.revocations),
      revocation_(settings_, parts.signing_keys, parts.revocations),
      token_(endpoint_parts(clients_, parts, throttle_, settings_.node), {&jwt_bearer_grant_}),
      introspect_(TokenEndpoint::for_operation(endpoint_parts(callers_, parts, throttle_, settings_.node), introspection_)),
      revoke_(TokenEndpoint::for_operation(endpoint_parts(clients_, parts, throttle_, settings_.node), revocation_)),
      metadata_text_(json::write(oauth::to_json(metadata(settings_)))) {
  assert(uri::is_issuer(settings_.issuer));
}

std::string ResourceAuthorizationServer::key_set_text() const {
  const auto keys = signing_keys_.current();
  return json::write(jose::to_json(keys->published));
}

}  // namespace writ::token_service::resource_as
