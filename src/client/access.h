#pragma once

// From a protected MCP server to an access token for it, without a question to anybody: discovery, ID-JAG, access token, cache.
//
//   Access access(outgoing, clock, subject, settings);
//   auto token = co_await access.token_for(url, challenge_of_the_401);
//
// One object per signed-in person and agent; used on one executor.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "client/credentials.h"
#include "client/failure.h"
#include "client/metadata.h"
#include "client/possession.h"
#include "client/token_source.h"
#include "client/token_request.h"

namespace writ::client {

// Where identity assertions come from. `current` may renew by refresh token; it never opens a browser.
struct IdentityAssertion {
  std::string token;
  std::string type;                // urn:…:id_token or urn:…:refresh_token
};
class Subject {
 public:
  virtual ~Subject() = default;
  virtual Task<Result<IdentityAssertion, Failure>> current(bool renew) = 0;
  // Signs the person in again in the way that `needed` states (acr_values, max_age); what current() gives then is of that sign-in (IDJAG-73).
  // The default cannot, and hands the failure back.
  virtual Task<Result<void, Failure>> step_up(Failure needed);
};

struct AccessSettings {
  std::string idp_issuer;                       // from administrator configuration, never from an MCP server (MCPA-54)
  std::string idp_token_endpoint;               // set: used instead of discovery (a configuration that names it)
  ClientCredentials at_idp;
  // Credentials by authorization server issuer: they are never sent to another (MCPA-61).
  std::map<std::string, ClientCredentials> at_resource_as;
  // A device key works wherever its agent is registered with device keys (docs/decisions/0006): used where `at_resource_as` names nothing. The
  // client_id there is the one that the ID-JAG names.
  std::optional<ClientCredentials> device_key;
  // For servers from before the profile had a name in metadata: the JWT bearer grant is taken as a sign, too.
  bool accept_jwt_bearer_grant = false;
  std::string scope;                            // asked for when the challenge and the metadata name none
  Possession* possession = nullptr;             // the key that is proved where that is wanted; null: none is. Outlives the object
};

class Access final : public TokenSource {
 public:
  Access(http::Outgoing& outgoing, const Clock& clock, Subject& subject, AccessSettings settings);

  // After a policy denial nothing else is tried (FailureKind::denied). A better sign-in may be asked for by the challenge or on one of the legs.
  Task<Result<GrantedAccess, Failure>> token_for(std::string url, Challenge challenge, std::string rejected, StepUp step_up = StepUp::may) override;

  // What was learned about `url`, for `servers` and diagnostics; null before the first token.
  const ProtectedResource* known_resource(const std::string& url) const;

 private:
  struct Server {
    ProtectedResource resource;
    AuthorizationServer resource_as;
    std::string requested_scope;
    std::optional<GrantedAccess> access;
  };
  Task<Result<Server*, Failure>> discover(std::string url, Challenge challenge);
  Task<Result<std::string, Failure>> idp_token_endpoint();
  Possession* possession_for(const Server& server) const;   // null: its token requests carry no proof
  Task<Result<IdJag, Failure>> id_jag_for(const Server* server, std::string scope);
  Task<Result<AccessToken, Failure>> walk_legs(const Server* server, std::string scope);
  Task<Result<AccessToken, Failure>> redeem(const Server* server, std::string assertion, std::string scope);

  http::Outgoing& outgoing_;
  const Clock& clock_;
  Subject& subject_;
  AccessSettings settings_;
  std::map<std::string, Server> servers_;   // by called URL
  std::string idp_token_endpoint_;
  bool idp_understands_dpop_ = false;
};

}  // namespace writ::client
