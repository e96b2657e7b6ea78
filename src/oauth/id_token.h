#pragma once

// An ID token of another issuer, where this deployment is the client: what must hold before a word of it is believed (OIDC Core §3.1.3.7, OB-131). Pure.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "jose/jwt.h"

namespace writ::oauth {

enum class IdTokenProblem {
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
std::string_view to_string(IdTokenProblem problem);

struct IdTokenRules {
  std::string issuer;
  std::string audience;                            // the one client that it is for
  std::span<const crypto::Algorithm> algorithms;
  std::optional<std::string> nonce;                // absent: it is not ours to know (direct subject tokens)
  std::optional<std::string> access_token;         // that came with it: `at_hash` must fit, when it is there
  std::optional<std::int64_t> max_age_seconds;     // as it was asked for
  std::int64_t skew_seconds = 30;
  Instant now{};
};

struct IdToken {
  json::Value claims;
  std::string subject, sid, acr;                   // `sub`, `sid`; the last two may be empty
  std::vector<std::string> amr;
  Instant issued_at{}, expires{};
  std::optional<Instant> auth_time;
};

Result<IdToken, IdTokenProblem> check_id_token(jose::UnverifiedJwt token, const jose::KeySet& keys, const IdTokenRules& rules);

// `aud` is exactly this one value: as a string, or as an array of one (X1).
bool has_single_audience(const json::Value& claims, std::string_view audience);

// A claim as text: "" when absent, nothing when it is of another type.
std::optional<std::string> optional_text(const json::Value& claims, std::string_view name);

}  // namespace writ::oauth
