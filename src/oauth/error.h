#pragma once

// What a token endpoint tells a caller who is refused (RFC 6749 §5.2 and its extensions). The reason behind it goes to audit, never here.

#include <optional>
#include <string>
#include <string_view>

#include "encoding/json.h"
#include "http/message.h"

namespace writ::oauth {

enum class ErrorCode {
  invalid_request,
  invalid_client,
  invalid_grant,
  unauthorized_client,
  unsupported_grant_type,
  invalid_scope,
  invalid_target,                      // RFC 8707
  invalid_authorization_details,       // RFC 9396
  access_denied,                       // valid, but policy says no
  insufficient_user_authentication,    // RFC 9470, at the IdP
  unsupported_token_type,              // RFC 7009
  temporarily_unavailable,             // 503 with Retry-After
  authorization_pending,               // RFC 8628 §3.5: a device waits for its person
  slow_down,                           // it asks too often
  expired_token,                       // nobody answered in time
  invalid_dpop_proof,                  // RFC 9449 §5
  use_dpop_nonce,                      // RFC 9449 §8; the answer has a DPoP-Nonce field
};
std::string_view to_string(ErrorCode code);

struct Error {
  ErrorCode code;
  std::string description;             // fixed text of ours: no input, no hint about who exists (T11, RAS-80)
  json::Object members;                // extension members: denial_code, acr_values, max_age
  bool basic_challenge = false;        // invalid_client after a try with the Authorization header
  int status = 0;                      // 0: the code's own status; else 405, 413, 415 or 429 for the same body
  int retry_after_seconds = 0;         // 0: no Retry-After, 503 apart
};

// 400; invalid_client 401 with WWW-Authenticate: Basic when Basic was tried; temporarily_unavailable 503 with Retry-After.
// 405 has Allow: POST. Always JSON with Cache-Control: no-store.
// INVARIANT: the description is of the characters that RFC 6749 §5.2 allows; any other becomes a space (T11).
http::Response render(const Error& error);

}  // namespace writ::oauth
