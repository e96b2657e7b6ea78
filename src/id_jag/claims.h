#pragma once

// What an ID-JAG says (draft -04, "Identity Assertion JWT Authorization Grant", claims), as plain data. It is believed only inside a
// VerifiedIdJag (verify.h).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "encoding/json.h"
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
  std::string confirmation_jkt;              // `cnf.jkt`: only the holder of this key may redeem it
  std::string aud_tenant, aud_sub;           // tenant and subject as the audience knows them
  std::string email;                         // only when `email_verified` is true
  std::optional<json::Value> sub_id;         // RFC 9493
  std::optional<json::Array> authorization_details;   // RFC 9396
  json::Object others;                       // what is not named above: for an issuer's required claims, and for nothing else
};

}  // namespace writ::id_jag
