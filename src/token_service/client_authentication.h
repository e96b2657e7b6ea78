#pragma once

// Client authentication at a token endpoint: client_secret_basic, client_secret_post, private_key_jwt (RFC 6749 §2.3, RFC 7523 §2.2 with
// the stricter rfc7523bis), device keys of `writ login`, or none for public clients. Exactly one method per request (T4).

#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "audit/decisions_log.h"
#include "http/message.h"
#include "jose/jwk.h"
#include "token_service/grant.h"

namespace writ::token_service {

// A key that a device registered at sign-in; lives in the deployment's store.
struct DeviceKey {
  std::string id;             // dev_…
  std::string user_id, agent_id, name;
  std::string thumbprint;     // RFC 7638; also the `kid` of its assertions
  std::string jwk;            // public, JSON
  std::string session;        // sid it was registered in
  bool active = true;
  Instant created{};
};
// Reading is from memory. Safe to share between threads.
class DeviceKeys {
 public:
  virtual ~DeviceKeys() = default;
  virtual std::optional<DeviceKey> find(std::string_view thumbprint) const = 0;
  virtual Task<Result<void, Unavailable>> add(DeviceKey key) = 0;
  virtual Task<Result<void, Unavailable>> deactivate(std::string id) = 0;
  virtual std::vector<DeviceKey> of_user(std::string_view user_id) const = 0;
};

// Keys that a client publishes at its `jwks_uri`. Null result: could not be had.
using ClientKeys = std::function<Task<std::shared_ptr<const jose::KeySet>>(std::string jwks_uri, std::optional<std::string> kid)>;

struct ClientAuthenticationRules {
  std::string issuer;                      // our issuer identifier: the only audience an assertion may name (T12)
  std::string token_endpoint;              // accepted as audience only with the switch below
  bool accept_token_endpoint_audience = false;
  std::int64_t assertion_lifetime_seconds_max = 300;
  std::int64_t skew_seconds = 30;
  // Where registrations are looked up: Snapshot::agent_at_idp, or agent_at_resource_as with our issuer.
  std::function<registry::Snapshot::AtResourceAs(const registry::Snapshot&, std::string_view client_id)> find;
};

enum class ClientProblem {
  none_given, several_methods, malformed_basic, unknown_client, disabled_client, wrong_secret, method_not_registered,
  assertion_type, assertion_malformed, assertion_algorithm, assertion_signature, assertion_issuer, assertion_audience, assertion_times,
  assertion_jti, assertion_replayed, client_id_mismatch, device_unknown, keys_unavailable,
};
std::string_view to_string(ClientProblem problem);

struct ClientRefused {
  ClientProblem problem;
  std::string claimed_client_id;   // for audit
  bool basic_tried = false;
};

}  // namespace writ::token_service
