#pragma once

// What a deployment is made of, in the order in which it is built: each part may use those above it.

#include <memory>
#include <optional>

#include "adapters/net/upstream.h"
#include "adapters/outgoing/curl_outgoing.h"
#include "approvals/requests.h"
#include "authzen/endpoint.h"
#include "client_metadata/client_documents.h"
#include "client_registration_parts.h"
#include "credential_parts.h"
#include "deployment.h"
#include "dpop/verifier.h"
#include "federation_parts.h"
#include "gateway/node_forwarding.h"
#include "gateway/routes.h"
#include "linked_account_parts.h"
#include "own_programs.h"
#include "upstreams/eras/era_bridge.h"
#include "upstreams/health/health.h"
#include "upstreams/http_sse/http_sse.h"
#include "upstreams/upstream.h"
#include "password_thread.h"
#include "policy/decision_points.h"
#include "registry/stored_revocations.h"
#include "remote_keys.h"
#include "key_parts.h"
#include "security_events.h"
#include "scim_parts.h"
#include "telemetry/instruments.h"
#include "token_service/ema_refusals.h"
#include "token_service/idp/idp.h"
#include "token_service/idp/second_factors.h"
#include "token_service/idp/session_administration.h"
#include "token_service/key_rotation.h"
#include "token_service/resource_as/resource_authorization_server.h"

namespace writ::writd {

struct IdpRole {
  std::unique_ptr<token_service::RotatingKeys> keys;
  std::unique_ptr<token_service::idp::SessionStore> sessions;
  std::unique_ptr<token_service::idp::AuthorizationCodes> codes;
  std::unique_ptr<token_service::idp::RefreshTokens> refresh_tokens;
  std::unique_ptr<token_service::idp::SecondFactors> second_factors;
  token_service::idp::SignInThrottle sign_in_throttle;
  token_service::FailureThrottle client_throttle;
  std::unique_ptr<token_service::ClientAuthenticator> clients;
  std::optional<token_service::ProofOfPossession> dpop;
  std::unique_ptr<StoredConnectorSecrets> connector_secrets;
  std::unique_ptr<token_service::idp::Federation> federation;
  std::unique_ptr<token_service::idp::Idp> idp;
};

struct ResourceAsRole {
  std::shared_ptr<token_service::PushedRequests> pushed = std::make_shared<token_service::PushedRequests>();
  std::unique_ptr<token_service::RotatingKeys> keys, encryption_keys;   // the second: null where ID-JAGs are not encrypted to us
  std::unique_ptr<RotatingAssertionKeys> assertion_keys;
  std::unique_ptr<TrustedIssuerKeys> issuer_keys;
  std::unique_ptr<token_service::resource_as::ResourceAuthorizationServer> server;
};

struct GatewayRole {
  gateway::Settings settings;
  std::unique_ptr<gateway::RemoteIssuerKeys> keys;
  // From the lowest layer to the one that the gateway sees.
  std::unique_ptr<upstreams::Upstream> streamable_http;
  std::unique_ptr<upstreams::http_sse::HttpSse> http_sse;
  std::unique_ptr<OwnPrograms> own_programs;
  std::unique_ptr<upstreams::Upstream> transports, observed;
  std::unique_ptr<CredentialParts> credentials;
  std::unique_ptr<upstreams::EraBridge> era_bridge;
  std::unique_ptr<upstreams::health::Health> health;
  std::unique_ptr<gateway::NodeForwarding> other_nodes;   // null: nothing is handed on to other nodes
  std::unique_ptr<gateway::Gateway> gateway;
};

struct Deployment::Parts {
  Parts(config::Config configured, Stores opened, registry::Current& current_registry, policy::Current& current_policy, const Clock& wall,
        net::EventLoops& event_loops)
      : config(std::move(configured)), stores(std::move(opened)), registry(current_registry), policy(current_policy), clock(wall), loops(event_loops) {}

  config::Config config;
  Stores stores;
  std::shared_ptr<crypto::Pkcs11Token> token;   // null: keys rest sealed in the store
  registry::Current& registry;
  policy::Current& policy;
  const Clock& clock;
  net::EventLoops& loops;
  ReviewedDefinitions definitions{};
  telemetry::Instruments* instruments = nullptr;   // null: nobody measures

  outgoing::CurlOutgoing outgoing{outgoing::CurlOptions{.ca_file = config.authorities}};
  net::PooledUpstream upstream{loops, net::UpstreamOptions{}};
  jose::RemoteKeySets remote_keys{outgoing};
  client_metadata::ClientDocuments client_documents{outgoing, {.loopback = config.clients.documents_on_loopback}};
  dpop::Verifier proofs{derive_key(stores.sealing_key, "DPoP nonces"), clock.now()};   // of this process; nonces are the deployment's
  PasswordThread passwords;
  AdministeredPeople people;   // told of the administration when that is there
  std::unique_ptr<LinkedAccountParts> linked_accounts;
  ScimParts scim;              // so is its directory
  ClientRegistrationParts registration;   // and who changes agents for clients
  std::unique_ptr<registry::StoredRevocations> revocations;
  std::unique_ptr<token_service::idp::StoredDeviceKeys> device_keys;
  // What both token endpoints refused by policy, and the log through which they say it.
  std::unique_ptr<token_service::EmaRefusals> ema_refusals;
  std::unique_ptr<token_service::EmaRefusalsLog> token_log;
  std::unique_ptr<approvals::Requests> approvals;

  // Whoever else must agree, and this deployment's policy for others.
  std::unique_ptr<policy::DecisionPoints> decision_points;
  std::unique_ptr<authzen::Endpoint> evaluation;

  std::optional<IdpRole> idp;
  std::optional<ResourceAsRole> resource_as;
  std::optional<GatewayRole> gateway;
  std::unique_ptr<SecurityEvents> security_events;

  http::Router public_routes;
  Instant tidied{};
};

// One per role: builds it into the parts. The error is a sentence for the operator.
Result<void, std::string> build_idp(Deployment::Parts& parts);
Result<void, std::string> build_resource_as(Deployment::Parts& parts);
Result<void, std::string> build_gateway(Deployment::Parts& parts);
// Before the gateway, whose lowest layers are below it.
Result<std::unique_ptr<CredentialParts>, std::string> build_credentials(Deployment::Parts& parts, upstreams::Upstream& below);
// After the roles, whose people and tokens events are about.
Result<void, std::string> build_security_events(Deployment::Parts& parts);
// Before the resource authorization server, which asks them; the page where people sign in here.
Result<void, std::string> build_linked_accounts(Deployment::Parts& parts);
void add_linked_accounts_page(Deployment::Parts& parts);
// Before the roles, which ask it.
void build_authzen(Deployment::Parts& parts);
Result<void, std::string> build_scim(Deployment::Parts& parts);
// After the roles where clients register.
void build_client_registration(Deployment::Parts& parts);

}  // namespace writ::writd
