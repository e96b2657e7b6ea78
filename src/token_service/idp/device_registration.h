#pragma once

// The first credential on a laptop: the key that a device made becomes its credential when a person signs in on it with code and PKCE.
// Parameters of the code grant: `writ_device_key` (public P-256 JWK), `writ_device_name`, and `writ_device_proof`, a JWT of type
// `writ-device+jwt` signed by that key with iss = sub = client_id, aud = this IdP, iat, exp at most five minutes later, jti, and
// `code` = base64url(SHA-256(code)), which ties it to this very sign-in.

#include <optional>

#include "token_service/client_authentication.h"
#include "token_service/idp/refusal.h"
#include "token_service/idp/stores.h"

namespace writ::token_service::idp {

inline constexpr std::string_view kTypDeviceProof = "writ-device+jwt";

// Absent: the request registers no key. `code` is the code as presented.
Result<std::optional<DeviceKey>, Refusal> check_device_registration(const TokenRequest& request, const Client& client,
                                                                    std::string_view code, const AuthorizationCode& redeemed,
                                                                    const DeviceKeys& known, const Settings& settings);

}  // namespace writ::token_service::idp
