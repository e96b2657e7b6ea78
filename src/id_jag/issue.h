#pragma once

// Leg 1's product: what an ID-JAG says, built and signed. Pure: who may have one is decided before (token_service/idp).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "encoding/json.h"
#include "jose/jwe.h"
#include "jose/jwt.h"

namespace writ::id_jag {

// The granted values, not the requested ones (IDJAG-50). Empty text means: not stated.
struct Statement {
  std::string issuer;          // the IdP that signs
  std::string subject;         // the person, in the form that this audience expects
  std::string audience;        // issuer of the resource authorization server: exactly one (IDJAG-04)
  std::string client_id;       // of the client at that server (IDJAG-53)
  std::string jti;
  std::int64_t issued_at = 0;
  std::int64_t expires = 0;
  std::vector<std::string> resources;   // RFC 9728 identifiers of the MCP servers (IDJAG-07); one is written as a string
  std::string scope;
  std::string email, aud_sub;
  bool email_verified = false;  // of `email`
  std::string aud_tenant;      // the tenant at the audience
  json::Array authorization_details;    // RFC 9396
  std::optional<std::int64_t> auth_time;
  std::string acr;
  std::vector<std::string> amr;
  std::string sid;             // only for the audience of the same deployment
  std::optional<json::Value> sub_id{};                // the same person in another namespace (RFC 9493, IDJAG-84)
  std::optional<jose::EncryptionKey> encrypt_to{};    // of the audience: the signed ID-JAG is encrypted to it (EMA-19)
  std::string confirmation_jkt;   // thumbprint of the key that must be proved to redeem it (IDJAG-102); empty: none
};

// Precondition: the claims that IDJAG-02 requires are not empty, and `expires` is later than `issued_at`.
json::Value claims_of(const Statement& statement);
// Unavailable: the key is in a token that is not there.
Result<std::string, Unavailable> issue(const Statement& statement, const jose::IssuerKey& key);

}  // namespace writ::id_jag
