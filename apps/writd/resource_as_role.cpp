#include "adapters/yaml/yaml.h"
#include "mutual_tls.h"
#include "parts.h"

namespace writ::writd {
namespace {

Result<token_service::resource_as::Settings, std::string> settings_of(const config::Config& config) {
  using token_service::resource_as::Settings;
  Settings settings;
  settings.issuer = config.resource_as.issuer;
  settings.own_idp_issuer = config.idp.enabled ? config.idp.issuer : "";
  settings.access_token_lifetime_seconds = config.resource_as.access_token_lifetime.count();
  settings.skew_seconds = config.skew.count();
  settings.default_resource = config.resource_as.default_resource;
  settings.global_token_revocation = true;
  settings.mutual_tls = mutual_tls_of(config);
  settings.client_registration = config.resource_as.registration.has_value();
  settings.dpop_nonce_demanded = config.resource_as.dpop_nonce == config::DpopNonce::always;
  settings.policy_denial = config.resource_as.policy_denial == config::ResourceAs::PolicyDenial::invalid_grant ? Settings::PolicyDenial::invalid_grant
                                                                                                               : Settings::PolicyDenial::access_denied;
  settings.no_scope_asked = config.resource_as.missing_scope == config::ResourceAs::MissingScope::none ? Settings::NoScopeAsked::server_default
                                                                                                       : Settings::NoScopeAsked::inherit;
  settings.organisation = config.organisation;
  if (!config.resource_as.agent.empty() && config.idp.enabled) {
    auto& sign_in = settings.sign_in.emplace();
    sign_in.agent = config.resource_as.agent;
    sign_in.authorization_endpoint = config.idp.issuer + "/authorize";
    sign_in.token_endpoint = config.idp.issuer + "/token";
    if (!config.resource_as.agent_secret_file.empty()) sign_in.client_secret = TRY(yaml::read_secret_file(config.resource_as.agent_secret_file, {}));
  }
  return settings;
}

}  // namespace

Result<void, std::string> build_resource_as(Deployment::Parts& parts) {
  using namespace token_service;
  auto settings = TRY(settings_of(parts.config));
  ResourceAsRole& role = parts.resource_as.emplace();
  const config::Keys& configured = parts.config.keys;
  auto keys = RotatingKeys::open(*parts.stores.documents, crypto::SealingKey(parts.stores.sealing_key), "ras", signing_rules(configured, configured.ras, parts.token), parts.clock.now());
  if (!keys) return unexpected(std::string("cannot start the resource authorization server: ") + keys.error().what);
  role.keys = std::move(*keys);
  if (parts.config.resource_as.encryption != config::ResourceAs::Encryption::off) {
    auto encryption = RotatingKeys::open(*parts.stores.documents, crypto::SealingKey(parts.stores.sealing_key), "encryption", encryption_rules(configured), parts.clock.now());
    if (!encryption) return unexpected(std::string("cannot start the resource authorization server: ") + encryption.error().what);
    role.encryption_keys = std::move(*encryption);
    role.assertion_keys = std::make_unique<RotatingAssertionKeys>(*role.encryption_keys);
    settings.assertion_keys = role.assertion_keys.get();
    settings.encryption_required = parts.config.resource_as.encryption == config::ResourceAs::Encryption::required;
  }
  role.issuer_keys = std::make_unique<TrustedIssuerKeys>(parts.remote_keys, parts.clock);
  ClientKeys client_keys = [&parts](std::string jwks_uri, std::optional<std::string> kid) {
    return find_client_keys(parts.remote_keys, parts.clock, parts.config.clients.documents_on_loopback, std::move(jwks_uri), std::move(kid));
  };
  if (parts.stores.membership) {   // the client asks one node, the browser comes to another
    auto pushed = PushedRequests::open({*parts.stores.documents, "ras_pushed_requests"});
    if (!pushed) return unexpected(std::string("cannot start the resource authorization server: ") + pushed.error().what);
    role.pushed = std::move(*pushed);
  }
  role.server = std::make_unique<resource_as::ResourceAuthorizationServer>(
      std::move(settings), resource_as::Parts{.log = *parts.token_log,
                                                    .registry = parts.registry,
                                                    .policy = parts.policy,
                                                    .revocations = *parts.revocations,
                                                    .signing_keys = *role.keys,
                                                    .issuer_keys = *role.issuer_keys,
                                                    .device_keys = parts.device_keys.get(),
                                                    .client_keys = std::move(client_keys),
                                                    .clock = parts.clock,
                                                    .decision_points = parts.decision_points.get(),
                                                    .accounts = parts.linked_accounts->accounts.get(),
                                                    .outgoing = &parts.outgoing,
                                                    .refusals = parts.ema_refusals.get(),
                                                    .pushed = role.pushed,
                                                    .interactive_key = derive_key(parts.stores.sealing_key, "interactive sign-in"),
                                                    .client_documents = &parts.client_documents,
                                                    .proofs = &parts.proofs});
  http::Router routes;
  resource_as::add_routes(routes, *role.server);
  parts.public_routes.add_all(routes, "resource_as");
  return {};
}

}  // namespace writ::writd
