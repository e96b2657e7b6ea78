#include "parts.h"

namespace writ::writd {
namespace {

token_service::resource_as::Settings settings_of(const config::Config& config) {
  using token_service::resource_as::Settings;
  Settings settings;
  settings.issuer = config.resource_as.issuer;
  settings.own_idp_issuer = config.idp.enabled ? config.idp.issuer : "";
  settings.access_token_lifetime_seconds = config.resource_as.access_token_lifetime.count();
  settings.skew_seconds = config.skew.count();
  settings.default_resource = config.resource_as.default_resource;
  settings.policy_denial = config.resource_as.policy_denial == config::ResourceAs::PolicyDenial::invalid_grant ? Settings::PolicyDenial::invalid_grant
                                                                                                               : Settings::PolicyDenial::access_denied;
  settings.no_scope_asked = config.resource_as.missing_scope == config::ResourceAs::MissingScope::none ? Settings::NoScopeAsked::server_default
                                                                                                       : Settings::NoScopeAsked::inherit;
  return settings;
}

}  // namespace

Result<void, std::string> build_resource_as(Deployment::Parts& parts) {
  using namespace token_service;
  ResourceAsRole& role = parts.resource_as.emplace();
  RotationRules rules;
  rules.algorithm = parts.config.keys.algorithm;
  rules.age_max = parts.config.keys.rotate_after;
  auto keys = RotatingKeys::open(*parts.stores.documents, crypto::SealingKey(parts.stores.sealing_key), "ras", rules, parts.clock.now());
  if (!keys) return unexpected(std::string("cannot start the resource authorization server: ") + keys.error().what);
  role.keys = std::move(*keys);
  role.issuer_keys = std::make_unique<TrustedIssuerKeys>(parts.remote_keys, parts.clock);
  ClientKeys client_keys = [&parts](std::string jwks_uri, std::optional<std::string> kid) {
    return find_client_keys(parts.remote_keys, parts.clock, std::move(jwks_uri), std::move(kid));
  };
  role.server = std::make_unique<resource_as::ResourceAuthorizationServer>(
      settings_of(parts.config), resource_as::Parts{.log = *parts.stores.log,
                                                    .registry = parts.registry,
                                                    .policy = parts.policy,
                                                    .revocations = *parts.revocations,
                                                    .signing_keys = *role.keys,
                                                    .issuer_keys = *role.issuer_keys,
                                                    .device_keys = parts.device_keys.get(),
                                                    .client_keys = std::move(client_keys),
                                                    .clock = parts.clock,
                                                    .decision_points = parts.decision_points.get()});
  http::Router routes;
  resource_as::add_routes(routes, *role.server);
  parts.public_routes.add_all(routes, "resource_as");
  return {};
}

}  // namespace writ::writd
