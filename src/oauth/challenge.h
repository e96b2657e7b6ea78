#pragma once

// The value of WWW-Authenticate that a protected resource answers with (RFC 6750 §3, RFC 9728 §5.1, RFC 9470 §3).

#include <string>

namespace writ::oauth {

// Empty text is left out. Without credentials in the request there is no `error` (RFC 6750 §3.1).
struct BearerChallenge {
  std::string resource_metadata;    // URL of the protected resource metadata
  std::string error;                // invalid_token, insufficient_scope, invalid_request, insufficient_user_authentication
  std::string error_description;
  std::string scope;
  std::string acr_values;
  std::string max_age;
};
// Values are quoted, each attribute at most once (OB-60); characters that a quoted string cannot bear become spaces.
std::string write(const BearerChallenge& challenge);

}  // namespace writ::oauth
