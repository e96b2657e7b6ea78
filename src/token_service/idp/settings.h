#pragma once

// What an operator may set about the IdP role. Defaults: design decisions on sessions and lifetimes (docs/decisions/), in seconds.

#include <cstdint>
#include <string>

#include "base/secret.h"
#include "token_service/mutual_tls.h"

namespace writ::token_service::idp {

// What the token exchange answers when everything is valid and policy says no.
enum class PolicyDenial { access_denied, invalid_target };

struct Settings {
  std::string issuer;                               // https, or http on loopback; no trailing slash
  std::string own_resource_as;                      // issuer of this deployment's RAS: only its ID-JAGs carry `sid`. Empty: none
  std::string organisation = "Writ";                // shown on the sign-in page

  std::int64_t session_idle_seconds = 12 * 3600;
  std::int64_t session_absolute_seconds = 7 * 24 * 3600;
  std::int64_t authorization_code_seconds = 60;     // OB-136 allows ten minutes; a redirect needs seconds
  std::int64_t id_token_seconds = 3600;
  std::int64_t access_token_seconds = 3600;         // for userinfo and the catalogue, nothing else
  std::int64_t id_jag_seconds_max = 300;            // IDJAG-08; a RAS may ask for less
  std::int64_t refresh_repeat_seconds = 30;         // how long a rotated refresh token still yields the same successor
  std::int64_t device_proof_seconds_max = 300;
  std::int64_t skew_seconds = 30;
  MutualTls mutual_tls{};
  bool client_registration = false;                 // clients may register themselves (RFC 7591)

  PolicyDenial policy_denial = PolicyDenial::access_denied;
  std::string acr_password = "urn:writ:acr:password";   // what a sign-in by password alone is worth
  std::string acr_second_factor = "urn:writ:acr:mfa";   // and one with a one-time code, where no authentication level says otherwise

  Secret pairwise_secret;                           // for `subject: pairwise`; without it such a RAS is refused

  std::string userinfo_resource() const { return issuer + "/userinfo"; }
  std::string endpoint(const char* name) const { return issuer + "/" + name; }
};

}  // namespace writ::token_service::idp
