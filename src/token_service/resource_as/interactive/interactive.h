#pragma once

// The interactive authorization code grant: for servers that offer it, clients without enterprise-managed authorization send people here, who sign in at this
// deployment's IdP. There is no consent page: the same policy decides as for an ID-JAG, and what it refused there is not to be had here (docs/decisions/0037).

#include "audit/decisions_log.h"
#include "base/clock.h"
#include "base/secret.h"
#include "client_metadata/client_documents.h"
#include "crypto/seal.h"
#include "encoding/form.h"
#include "http/message.h"
#include "oauth/error.h"
#include "policy/decision.h"
#include "policy/decision_points.h"
#include "registry/revocations.h"
#include "registry/snapshot.h"
#include "token_service/ema_refusals.h"
#include "token_service/pushed_requests.h"
#include "token_service/resource_as/issuer_keys.h"
#include "token_service/resource_as/settings.h"
#include "token_service/signing_keys.h"

namespace writ::token_service::resource_as {

// What its endpoints and its grant work with. All of it outlives them.
struct Interactive {
  const Settings& settings;            // with `sign_in`
  const Clock& clock;
  const registry::Current& registry;
  const policy::Current& policy;
  const registry::Revocations& revocations;
  const SigningKeys& signing_keys;
  IssuerKeys& issuer_keys;
  audit::DecisionsLog& log;
  http::Outgoing& outgoing;
  const EmaRefusals& refusals;
  policy::DecisionPoints* decision_points = nullptr;   // null: what one is configured for is refused
  client_metadata::ClientDocuments* documents = nullptr;   // null: clients that are known by an address are refused
  std::shared_ptr<PushedRequests> pushed = std::make_shared<PushedRequests>();
  Secret key;                          // 32 bytes of this deployment: seals codes, and what browsers carry

  crypto::SealingKey seals() const;
  std::string callback() const { return endpoint_url(settings, "callback"); }
};

// Whether any server offers it now: then the metadata says so, and the endpoint does not explain itself away.
bool is_offered(const registry::Snapshot& snapshot, const Settings& settings);

// What is wrong with a request that is pushed; absent: nothing.
std::optional<oauth::Error> check_pushed_request(const Interactive& interactive, const form::Parameters& parameters, const registry::Snapshot& snapshot, Instant now);

// GET {ras}/authorize and {ras}/callback.
Task<http::Response> authorize(const Interactive& interactive, const http::Request& http);
Task<http::Response> sign_in_callback(const Interactive& interactive, const http::Request& http);

}  // namespace writ::token_service::resource_as
