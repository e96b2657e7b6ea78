#pragma once

// JSON Web Tokens in compact serialisation (RFC 7515, 7519) with the rules of RFC 8725. Two types carry the progress: nothing of an
// UnverifiedJwt may be believed; a VerifiedJwt exists only when its signature was checked with a key of the expected issuer.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/key.h"
#include "encoding/json.h"
#include "jose/jwk.h"

namespace writ::jose {

enum class JwtProblem {
  too_large,              // over 16 KiB
  not_compact,            // not exactly three parts of canonical base64url: JWE, JSON serialisation, padding, …
  header_not_json,        // strict JSON object; duplicates included
  payload_not_json,
  algorithm_not_allowed,  // absent, none, symmetric, or not in the list
  type_mismatch,          // `typ` is not the one that this use wants
  has_crit,               // `crit`, `b64` or `zip` present: none is understood (J9, J11)
  bad_kid,                // not a string of 1 to 256 bytes (J7)
  unknown_key,            // no key of that issuer with this kid and algorithm
  bad_signature,
};
std::string_view to_string(JwtProblem problem);

class UnverifiedJwt {
 public:
  // Everything that can be checked without a key, cheap checks first. `jwk`, `jku`, `x5u`, `x5c` in the header are ignored (J6).
  static Result<UnverifiedJwt, JwtProblem> parse(std::string_view compact);

  crypto::Algorithm algorithm() const { return algorithm_; }
  const std::optional<std::string>& kid() const { return kid_; }
  // Media type compare: case-insensitive, an "application/" prefix is optional (RFC 7515 §4.1.9). Absent `typ` matches nothing.
  bool has_type(std::string_view type) const;
  bool has_any_type() const { return type_.has_value(); }
  const json::Value& header() const { return header_; }
  const json::Value& claimed() const { return claims_; }      // unverified claims: good for choosing an issuer, nothing else
  std::string_view compact() const { return compact_; }

 private:
  friend class VerifiedJwt;
  std::string compact_;
  std::size_t signed_bytes_ = 0;
  std::string signature_;
  crypto::Algorithm algorithm_{};
  std::optional<std::string> kid_;
  std::optional<std::string> type_;   // lower case, without "application/"
  json::Value header_;
  json::Value claims_;
};

class VerifiedJwt {
 public:
  // Checks that the algorithm is allowed, that a key of `keys` agrees in kid, type and algorithm, and the signature.
  static Result<VerifiedJwt, JwtProblem> verify(UnverifiedJwt unverified, const KeySet& keys, std::span<const crypto::Algorithm> allowed);
  // For tokens whose key is their own (DPoP proofs, device keys looked up by the caller).
  static Result<VerifiedJwt, JwtProblem> verify(UnverifiedJwt unverified, const crypto::PublicKey& key, std::span<const crypto::Algorithm> allowed);

  const json::Value& claims() const { return jwt_.claims_; }
  const json::Value& header() const { return jwt_.header_; }
  bool has_type(std::string_view type) const { return jwt_.has_type(type); }

 private:
  explicit VerifiedJwt(UnverifiedJwt jwt) : jwt_(std::move(jwt)) {}
  UnverifiedJwt jwt_;
};

struct SigningKey {
  std::string kid;
  crypto::Algorithm algorithm;
  crypto::PrivateKey key;
  Jwk public_jwk() const { return Jwk{kid, algorithm, key.public_key()}; }
};

// Compact serialisation with header {"alg","kid","typ"}.
std::string sign(const SigningKey& key, std::string_view type, const json::Value& claims);

// ---- time claims, shared by every kind of JWT

enum class TimeProblem { missing, not_an_integer, expired, not_yet_valid, issued_in_the_future, lives_too_long, expires_before_issued };
std::string_view to_string(TimeProblem problem);

struct TimeRules {
  std::int64_t skew_seconds = 30;
  std::optional<std::int64_t> lifetime_seconds_max;   // limit for exp − iat; then iat is required
  bool iat_required = false;
};
// `exp` (always required), `iat`, `nbf`: integers only, no strings, no fractions (C4).
Result<void, TimeProblem> check_times(const json::Value& claims, std::int64_t now_seconds, const TimeRules& rules);

}  // namespace writ::jose
