#pragma once

// The role as a whole: its endpoints, built once from settings and from what the deployment shares.

#include "http/router.h"
#include "policy/decision.h"
#include "registry/revocations.h"
#include "token_service/client_authentication.h"
#include "token_service/resource_as/interactive/interactive.h"
#include "token_service/resource_as/interactive/interactive_code_grant.h"
#include "token_service/pushed_authorization.h"
#include "token_service/proof_of_possession.h"
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
  linked_accounts::LinkedAccounts* accounts = nullptr;   // null: nobody is linked or created here
  // Of the interactive grant (settings.sign_in): all three, or it is not offered.
  http::Outgoing* outgoing = nullptr;
  const EmaRefusals* refusals = nullptr;
  std::shared_ptr<PushedRequests> pushed = std::make_shared<PushedRequests>();
  Secret interactive_key{};
  client_metadata::ClientDocuments* client_documents = nullptr;   // null: clients that are known by an address are refused
  dpop::Verifier* proofs = nullptr;   // null: DPoP is not offered
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
  std::string metadata_text(bool is_interactive = false) const;
  // Null: nobody signs in here.
  const Interactive* interactive() const { return interactive_ ? &*interactive_ : nullptr; }
  bool is_interactive() const;
  const TokenEndpoint* par() const { return par_ ? &*par_ : nullptr; }   // null: nobody signs in here

  std::string key_set_text() const;

 private:
  Settings settings_;
  const registry::Current& registry_;
  const SigningKeys& signing_keys_;
  FailureThrottle throttle_;
  ResourceServers resource_servers_;
  ClientAuthenticator clients_;
  ClientAuthenticator callers_;      // of introspection: clients and resource servers
  JwtBearerGrant jwt_bearer_grant_;
  std::optional<Interactive> interactive_;
  std::optional<InteractiveCodeGrant> interactive_code_grant_;
  Introspection introspection_;
  Revocation revocation_;
  std::optional<ProofOfPossession> dpop_;
  TokenEndpoint token_;
  TokenEndpoint introspect_;
  TokenEndpoint revoke_;
  std::optional<PushedAuthorization> pushed_;
  std::optional<TokenEndpoint> par_;
  std::string metadata_text_, interactive_metadata_text_;
};

// Path to endpoint, on one screen. The server outlives the router.
void add_routes(http::Router& router, const ResourceAuthorizationServer& server);

}  // namespace writ::token_service::resource_as
