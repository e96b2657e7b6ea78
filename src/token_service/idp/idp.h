#pragma once

// Everything that the IdP role works with. Built once by the program, outlives every request; all parts are safe to share between threads.

#include <functional>
#include <string>

#include "approvals/requests.h"
#include "audit/decisions_log.h"
#include "base/clock.h"
#include "base/secret.h"
#include "client_metadata/client_documents.h"
#include "http/message.h"
#include "policy/decision.h"
#include "policy/decision_points.h"
#include "registry/revocations.h"
#include "registry/snapshot.h"
#include "signals/people_events.h"
#include "token_service/client_authentication.h"
#include "token_service/grant.h"
#include "token_service/idp/settings.h"
#include "token_service/idp/sign_in_throttle.h"
#include "token_service/idp/stores.h"
#include "token_service/idp/device_grant/device_requests.h"
#include "token_service/pushed_requests.h"
#include "token_service/signing_keys.h"
#include "token_service/token_endpoint.h"

namespace writ::token_service::idp {

// Argon2 takes some 50 ms, so it runs elsewhere than on the event loop; resumes on the caller's executor.
class PasswordVerifier {
 public:
  virtual ~PasswordVerifier() = default;
  virtual Task<bool> verify(Secret password, std::string phc) = 0;
};

struct Federation;   // federation/federation.h
class SecondFactors;

struct Idp {
  Settings settings;
  const Clock& clock;
  const registry::Current& registry;
  const policy::Current& policy;
  const SigningKeys& keys;
  audit::DecisionsLog& log;
  SessionStore& sessions;
  AuthorizationCodes& codes;
  RefreshTokens& refresh_tokens;
  DeviceKeys& device_keys;
  registry::Revocations& revocations;
  PasswordVerifier& passwords;
  SignInThrottle& throttle;
  Secret form_key;             // ties the sign-in form to the browser that asked for it; 32 random bytes of this deployment

  // What the endpoints for clients share: authentication, throttle, denial codes (token_endpoint.h).
  EndpointParts endpoints;
  // Waits. Null: not at all (the throttle then only refuses).
  std::function<Task<void>(Milliseconds)> pause;
  // Sign-in at upstream providers. Null: there is none.
  Federation* federation = nullptr;
  // Null: this process asks nobody else; what a decision point is configured for is then refused.
  policy::DecisionPoints* decision_points = nullptr;
  // Null: nobody has a second factor here, and what needs one cannot be met.
  SecondFactors* second_factors = nullptr;
  // Calls that the gateway holds. Null: none here.
  approvals::Requests* approvals = nullptr;
  // Who hears that a person's access ends. Null: nobody.
  signals::PeopleEvents* people_events = nullptr;
  // Authorization requests that clients pushed.
  std::shared_ptr<PushedRequests> pushed = std::make_shared<PushedRequests>();
  // Devices that wait for a person.
  std::shared_ptr<DeviceRequests> devices = std::make_shared<DeviceRequests>();
  // Documents of clients that are known by an address. Null: such clients are refused.
  client_metadata::ClientDocuments* client_documents = nullptr;
};

}  // namespace writ::token_service::idp
