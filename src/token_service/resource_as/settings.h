#pragma once

// What an operator may set at the resource authorization server; docs/reference/configuration.md lists the same names.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "registry/objects.h"
#include "token_service/mutual_tls.h"

namespace writ::token_service::resource_as {

// A protected resource that may ask about tokens meant for it (RFC 7662 §2.1): a gateway of another deployment, a server with its own check.
struct ResourceServerCredential {
  std::string id;                               // user name of its Basic credentials
  std::vector<registry::ClientSecret> secrets;
  std::vector<std::string> resources;           // whose tokens it may see; empty: none
};

class AssertionKeys;   // encrypted_assertion.h

struct Settings {
  std::string issuer;                           // our issuer identifier; every endpoint stands below it
  // The IdP of the same deployment, empty when there is none: only its `sid` names a session that is known here.
  std::string own_idp_issuer;
  std::int64_t access_token_lifetime_seconds = 300;      // at most kAccessTokenLifetimeSecondsMax
  std::int64_t skew_seconds = 30;                        // at most kSkewSecondsMax
  std::string default_resource;                 // for ID-JAGs without `resource` (rules §3.2); empty: refused
  enum class PolicyDenial { access_denied, invalid_grant } policy_denial = PolicyDenial::access_denied;   // rules §3.1
  enum class NoScopeAsked { inherit, server_default } no_scope_asked = NoScopeAsked::inherit;             // rules §3.3
  bool accept_token_endpoint_audience = false;  // in client assertions, for clients of the older RFC 7523
  bool accept_plain_jwt_type = false;           // in client assertions: `typ: JWT`
  std::vector<ResourceServerCredential> resource_servers;
  std::string organisation = "Writ";            // on the pages that people see
  bool dpop_nonce_demanded = false;             // a proof without one of our nonces is answered `use_dpop_nonce`
  MutualTls mutual_tls{};
  bool client_registration = false;             // clients may register themselves (RFC 7591); its endpoint is published
  std::uint32_t node = 0;                       // for denial codes
  const AssertionKeys* assertion_keys = nullptr;   // of ID-JAGs that are encrypted to this server; null: it takes none
  bool encryption_required = false;             // an ID-JAG that is signed only is refused
  bool global_token_revocation = false;         // its endpoint is served, and published (EN-53)
  // Where people sign in whose clients do not support enterprise-managed authorization: this deployment's own IdP, and who we are there.
  struct SignIn {
    std::string agent;                          // id of our own agent; it is registered at the IdP
    Secret client_secret;                       // empty: a public client
    std::string authorization_endpoint, token_endpoint;   // of the IdP
  };
  std::optional<SignIn> sign_in;                // absent: nobody signs in here
};

inline constexpr std::int64_t kAccessTokenLifetimeSecondsMax = 3'600;   // C14
inline constexpr std::int64_t kSkewSecondsMax = 60;
inline constexpr std::int64_t kIdJagLifetimeSecondsMax = 3'600;         // C4: whatever a trusted issuer's record says

// The endpoints' URLs, made from the issuer alone (T9).
std::string endpoint_url(const Settings& settings, std::string_view name);

}  // namespace writ::token_service::resource_as
