#pragma once

// Client authentication at a token endpoint: client_secret_basic, client_secret_post, private_key_jwt (RFC 6749 §2.3, RFC 7523 §2.2 with
// the stricter rfc7523bis), mutual TLS (RFC 8705 §2), device keys of `writ login`, or none for public clients. Exactly one method per request (T4).

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

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
  std::vector<crypto::Algorithm> algorithms{crypto::Algorithm::es256, crypto::Algorithm::es384, crypto::Algorithm::ps256,
                                            crypto::Algorithm::rs256, crypto::Algorithm::eddsa};
  // Libraries write `typ: JWT` where RFC 7523 asked for none. Off: only absent and client-authentication+jwt are accepted (J10).
  bool accept_plain_jwt_type = false;
  // Where registrations are looked up: Snapshot::agent_at_idp, or agent_at_resource_as with our issuer.
  std::function<registry::Snapshot::AtResourceAs(const registry::Snapshot&, std::string_view client_id)> find;
  // The registration of a client that is known by the address of its document (`metadata_document`), with what the document says. Null: such clients are refused.
  std::function<Task<std::shared_ptr<const registry::Registration>>(registry::Registration registered, Instant now)> describe{};
};

enum class ClientProblem {
  none_given, several_methods, malformed_basic, unknown_client, disabled_client, wrong_secret, method_not_registered,
  assertion_type, assertion_malformed, assertion_algorithm, assertion_signature, assertion_issuer, assertion_audience, assertion_times,
  assertion_jti, assertion_replayed, client_id_mismatch, device_unknown, keys_unavailable,
  certificate_absent, certificate_untrusted, certificate_times, certificate_subject, certificate_unregistered,
};
std::string_view to_string(ClientProblem problem);

struct ClientRefused {
  ClientProblem problem;
  std::string claimed_client_id;   // for audit
  bool basic_tried = false;
  std::optional<std::uint64_t> recorded_at;   // the refusal is on record already (a replayed assertion): write no second one
};

using AuthenticationFailure = std::variant<ClientRefused, Unavailable>;

// The checks, shared by the endpoints of one issuer. Safe to share between threads.
//
// No assertion works twice, also in parallel and across a restart: its jti is claimed in the decisions log after every other check
// and before the grant runs, so a forged assertion burns nothing and a used one stays used even when the grant is then refused.
class ClientAuthenticator {
 public:
  // `device_keys` may be null (no device ever signed in here), `client_keys` empty (no client publishes its keys by URL).
  ClientAuthenticator(ClientAuthenticationRules rules, audit::DecisionsLog& log, const DeviceKeys* device_keys, ClientKeys client_keys);

  Task<Result<Client, AuthenticationFailure>> authenticate(const http::Request& request, const TokenRequest& parameters,
                                                           std::shared_ptr<const registry::Snapshot> snapshot) const;

 private:
  struct Presented;
  Result<Presented, ClientRefused> read(const http::Request& request, const form::Parameters& parameters) const;
  Result<Client, ClientRefused> check_secret(const Presented& presented, Client client, Instant now) const;
  Result<Client, ClientRefused> check_certificate(const Presented& presented, const crypto::ClientCertificate* certificate, Client client, Instant now) const;
  Task<Result<Client, AuthenticationFailure>> check_assertion(const Presented& presented, Client client, const TokenRequest& request) const;
  std::shared_ptr<const jose::KeySet> inline_keys(const std::string& jwks) const;

  ClientAuthenticationRules rules_;
  audit::DecisionsLog& log_;
  const DeviceKeys* device_keys_;
  ClientKeys client_keys_;

  // Parsed inline key sets by their text: importing a key costs more than verifying with it.
  struct ParsedKeys {
    std::mutex mutex;
    std::unordered_map<std::string, std::shared_ptr<const jose::KeySet>> by_text;
  };
  std::unique_ptr<ParsedKeys> parsed_keys_;
};

}  // namespace writ::token_service
