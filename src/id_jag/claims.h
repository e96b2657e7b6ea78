#pragma once

// What an ID-JAG says (draft -04, "Identity Assertion JWT Authorization Grant", claims), as plain data. It is believed only inside a
// VerifiedIdJag (verify.h).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "oauth/scope.h"

namespace writ::id_jag {

// Empty text and empty lists mean: not stated. Claims of any other name were in the token at most, and end there (C12).
struct IdJag {
  std::string issuer;
  std::string subject;
  std::string audience;
  std::string client_id;                     // of the client at the resource authorization server
  std::string jti;
  std::int64_t issued_at = 0;
  std::int64_t expires = 0;
  std::vector<std::string> resources;        // RFC 8707; each once, in order
  std::optional<oauth::ScopeSet> scope;
  bool has_authorization_details = false;
  std::string tenant;                        // of the issuer; part of the key of the subject (RAS-40)
  std::string sid;
  std::optional<std::int64_t> session_expiry;
  std::optional<std::int64_t> auth_time;
  std::string acr;
  std::vector<std::string> amr;
};

}  // namespace writ::id_jag
