#pragma once

// Signing out, in both directions: the provider ends sessions here (OpenID Connect Back-Channel Logout 1.0), and signing out here leads on to the
// provider (RP-Initiated Logout 1.0).

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "jose/jwt.h"
#include "token_service/idp/idp.h"

namespace writ::token_service::idp {

enum class LogoutTokenProblem { signature, wrong_type, issuer, audience, times, jti, events, has_nonce, names_nobody };
std::string_view to_string(LogoutTokenProblem problem);

struct LogoutToken {
  std::string jti, subject, sid;   // one of the last two may be empty
  Instant issued_at{}, forget_after{};
};
struct LogoutTokenRules {
  std::string issuer, audience;
  std::span<const crypto::Algorithm> algorithms;
  std::int64_t skew_seconds = 30;
  Instant now{};
};
// Back-Channel Logout §2.6. That the `jti` is new is the caller's to claim.
Result<LogoutToken, LogoutTokenProblem> check_logout_token(jose::UnverifiedJwt token, const jose::KeySet& keys, const LogoutTokenRules& rules);

// POST {issuer}/federation/{connector}/backchannel-logout
Task<http::Response> backchannel_logout(const Idp& idp, const http::Request& http, std::string connector_id);

// The name under which an upstream session stands in records, ID-JAGs and revocations where no session of ours exists: the same for all that was issued
// on its strength, so that its end ends all of it.
std::string upstream_session_name(std::string_view issuer, std::string_view subject, std::string_view sid);

// Where the browser goes after it signed out here; absent when the provider has no such place, or the connector does not want it. `onward`: where the
// application wanted the browser; it comes back to us and is checked again by `signed_out_upstream`.
Task<std::optional<std::string>> upstream_sign_out(const Idp& idp, UpstreamSession upstream, std::string onward);
// GET {issuer}/federation/{connector}/signed-out?state=...
Task<http::Response> signed_out_upstream(const Idp& idp, const http::Request& http, std::string connector_id);

}  // namespace writ::token_service::idp
