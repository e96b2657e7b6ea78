#pragma once

// An ID token of an upstream provider: what must hold before a word of it is believed (OIDC Core §3.1.3.7, OB-131). Pure.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "jose/jwt.h"

namespace writ::token_service::idp {

enum class UpstreamTokenProblem {
  wrong_type,              // another kind of JWT: access token, logout token, ID-JAG, …
  signature,               // algorithm, key or signature
  issuer,
  audience,                // not exactly us
  authorized_party,        // `azp` is somebody else
  times,
  subject,
  nonce,
  access_token_hash,
  auth_time_missing,       // `max_age` was asked for
  authentication_too_old,
  authentication_context,  // acr, amr, auth_time, sid of a wrong type
};
std::string_view to_string(UpstreamTokenProblem problem);

struct UpstreamTokenRules {
  std::string issuer;
  std::string audience;                            // the one client that it is for
  std::span<const crypto::Algorithm> algorithms;
  std::optional<std::string> nonce;                // absent: it is not ours to know (direct subject tokens)
  std::optional<std::string> access_token;         // that came with it: `at_hash` must fit, when it is there
  std::optional<std::int64_t> max_age_seconds;     // as it was asked for
  std::int64_t skew_seconds = 30;
  Instant now{};
};

struct UpstreamToken {
  json::Value claims;
  std::string subject, sid, acr;                   // `sub`, `sid`; the last two may be empty
  std::vector<std::string> amr;
  Instant issued_at{}, expires{};
  std::optional<Instant> auth_time;
};

Result<UpstreamToken, UpstreamTokenProblem> check_upstream_token(jose::UnverifiedJwt token, const jose::KeySet& keys, const UpstreamTokenRules& rules);

// A claim as text: "" when absent, nothing when it is of another type.
std::optional<std::string> optional_text(const json::Value& claims, std::string_view name);

}  // namespace writ::token_service::idp
