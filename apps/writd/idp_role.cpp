#include "adapters/net/pause.h"
#include "mutual_tls.h"
#include "parts.h"
#include "token_service/idp/routes.h"

namespace writ::writd {
namespace {

token_service::idp::Settings settings_of(const config::Config& config, const Secret& sealing_key) {
  token_service::idp::Settings settings;
  settings.issuer = config.idp.issuer;
  settings.own_resource_as = config.resource_as.enabled ? config.resource_as.issuer : "";
  settings.organisation = config.organisation;
  settings.session_idle_seconds = config.idp.session_idle.count();
  settings.session_absolute_seconds = config.idp.session_absolute.count();
  settings.authorization_code_seconds = config.idp.authorization_code_lifetime.count();
  settings.id_token_seconds = config.idp.id_token_lifetime.count();
  settings.access_token_seconds = config.idp.access_token_lifetime.count();
  settings.id_jag_seconds_max = config.idp.id_jag_lifetime_max.count();
  settings.refresh_repeat_seconds = config.idp.refresh_repeat.count();
  settings.skew_seconds = config.skew.count();
  settings.mutual_tls = mutual_tls_of(config);
  settings.client_registration = config.idp.registration.has_value();
  settings.policy_denial = config.idp.policy_denial == config::Idp::PolicyDenial::invalid_target ? token_service::idp::PolicyDenial::invalid_target
                                                                                                 : token_service::idp::PolicyDenial::access_denied;
  settings.pairwise_secret = derive_key(sealing_key, "pairwise subject identifiers");
  return settings;
}

}  // namespace

Result<void, std::string> build_idp(Deployment::Parts& parts) {
  using namespace token_service;
  const auto failed = [](const Unavailable& unavailable) { return unexpected(std::string("cannot start the identity provider: ") + unavailable.what); };
  registry::Documents& documents = *parts.stores.documents;
  IdpRole& role = parts.idp.emplace();

  auto keys = RotatingKeys::open(documents, crypto::SealingKey(parts.stores.sealing_key), "idp", signing_rules(parts.config.keys, parts.config.keys.idp, parts.token), parts.clock.now());
  if (!keys) return failed(keys.error());
  role.keys = std::move(*keys);
  auto sessions = idp::SessionStore::open(documents, parts.config.idp.session_absolute.count());
  if (!sessions) return failed(sessions.error());
  role.sessions = std::move(*sessions);
  auto codes = idp::AuthorizationCodes::open(documents);
  if (!codes) return failed(codes.error());
  role.codes = std::move(*codes);
  auto refresh_tokens = idp::RefreshTokens::open(documents);
  if (!refresh_tokens) return failed(refresh_tokens.error());
  role.refresh_tokens = std::move(*refresh_tokens);

  auto second_factors = idp::SecondFactors::open(documents, crypto::SealingKey(parts.stores.sealing_key));
  if (!second_factors) return failed(second_factors.error());
  role.second_factors = std::move(*second_factors);

  ClientAuthenticationRules clients;
  clients.issuer = parts.config.idp.issuer;
  clients.token_endpoint = parts.config.idp.issuer + "/token";
  clients.skew_seconds = parts.config.skew.count();
  clients.find = [](const registry::Snapshot& snapshot, std::string_view client_id) {
    const auto* agent = snapshot.agent_at_idp(client_id);
    return registry::Snapshot::AtResourceAs{agent, agent && agent->idp ? &*agent->idp : nullptr};
  };
  clients.describe = [&parts](registry::Registration registered, Instant now) { return client_metadata::describe(parts.client_documents, std::move(registered), now); };
  ClientKeys client_keys = [&parts](std::string jwks_uri, std::optional<std::string> kid) {
    return find_client_keys(parts.remote_keys, parts.clock, parts.config.clients.documents_on_loopback, std::move(jwks_uri), std::move(kid));
  };
  role.clients = std::make_unique<ClientAuthenticator>(std::move(clients), *parts.stores.log, parts.device_keys.get(), std::move(client_keys));

  role.dpop.emplace(ProofOfPossession{parts.proofs, parts.config.idp.issuer + "/token", parts.config.idp.dpop_nonce == config::DpopNonce::always});
  EndpointParts endpoints{*role.clients, *parts.token_log, parts.registry, role.client_throttle, parts.clock};
  endpoints.dpop = &*role.dpop;
  role.idp.reset(new idp::Idp{settings_of(parts.config, parts.stores.sealing_key), parts.clock, parts.registry, parts.policy, *role.keys, *parts.stores.log,
                              *role.sessions, *role.codes, *role.refresh_tokens, *parts.device_keys, *parts.revocations, parts.passwords,
                              role.sign_in_throttle, derive_key(parts.stores.sealing_key, "sign-in form"), endpoints,
                              [](Milliseconds duration) { return net::pause(duration); }});
  role.connector_secrets = std::make_unique<StoredConnectorSecrets>(parts.stores.sealing_key);
  if (parts.stores.membership) {   // the client asks one node, the browser comes to another
    auto pushed = PushedRequests::open({documents, "idp_pushed_requests"});
    if (!pushed) return failed(pushed.error());
    role.idp->pushed = std::move(*pushed);
    auto devices = idp::DeviceRequests::open({documents, "idp_device_requests"});
    if (!devices) return failed(devices.error());
    role.idp->devices = std::move(*devices);
  }
  role.federation = std::make_unique<idp::Federation>(parts.outgoing, parts.remote_keys, parts.people, *role.connector_secrets);
  role.idp->federation = role.federation.get();
  role.idp->second_factors = role.second_factors.get();
  role.idp->decision_points = parts.decision_points.get();
  role.idp->approvals = parts.approvals.get();
  role.idp->client_documents = &parts.client_documents;
  parts.public_routes.add_all(idp::routes(*role.idp), "idp");
  return {};
}

}  // namespace writ::writd
