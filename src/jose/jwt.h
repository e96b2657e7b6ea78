#pragma once

// JSON Web Tokens in compact serialisation (RFC 7515, 7519) with the rules of RFC 8725. Two types carry the progress: nothing of an
// UnverifiedJwt may be believed; a VerifiedJwt exists only when its signature was checked with a key of the expected issuer.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/result.h"
#include "crypto/key.h"
#include "crypto/pkcs11_token.h"
#include "encoding/json.h"
#include "jose/jwk.h"
#include "jose/jws.h"

namespace writ::jose {

class UnverifiedJwt {
 public:
  // Everything that can be checked without a key, cheap checks first. `jwk`, `jku`, `x5u`, `x5c` in the header are ignored (J6).
  static Result<UnverifiedJwt, JwtProblem> parse(std::string_view compact);

  crypto::Algorithm algorithm() const { return jws_.algorithm; }
  const std::optional<std::string>& kid() const { return jws_.kid; }
  bool has_type(std::string_view type) const { return jws_.has_type(type); }   // see Jws::has_type
  bool has_any_type() const { return jws_.type.has_value(); }
  const json::Value& header() const { return jws_.header; }
  const json::Value& claimed() const { return claims_; }      // unverified claims: good for choosing an issuer, nothing else
  std::string_view compact() const { return jws_.compact; }

 private:
  friend class VerifiedJwt;
  UnverifiedJwt() = default;
  Jws jws_;
  json::Value claims_;
};

class VerifiedJwt {
 public:
  // Checks that the algorithm is allowed, that a key of `keys` agrees in kid, type and algorithm, and the signature.
  static Result<VerifiedJwt, JwtProblem> verify(UnverifiedJwt unverified, const KeySet& keys, std::span<const crypto::Algorithm> allowed);
  // For tokens whose key is their own (DPoP proofs, device keys looked up by the caller).
  static Result<VerifiedJwt, JwtProblem> verify(UnverifiedJwt unverified, const crypto::PublicKey& key, std::span<const crypto::Algorithm> allowed);

  const json::Value& claims() const { return jwt_.claims_; }
  json::Value take_claims() && { return std::move(jwt_.claims_); }
  const json::Value& header() const { return jwt_.header(); }
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

// With what an issuer signs: a key of this process, or one in a PKCS#11 token, which may not be there.
class IssuerKey {
 public:
  IssuerKey(SigningKey held) : kid(std::move(held.kid)), algorithm(held.algorithm), key_(std::move(held.key)) {}  // NOLINT: a key of the process is one
  // Precondition: the key fits the algorithm.
  IssuerKey(std::string of_kid, crypto::Algorithm by, crypto::Pkcs11Key key) : kid(std::move(of_kid)), algorithm(by), key_(std::move(key)) {}

  crypto::PublicKey public_key() const;
  Jwk public_jwk() const { return Jwk{kid, algorithm, public_key()}; }
  Result<std::string, Unavailable> sign(std::string_view message) const;
  std::optional<SigningKey> held() const;                                                          // absent: it is in a token
  const crypto::Pkcs11Key* in_token() const { return std::get_if<crypto::Pkcs11Key>(&key_); }      // null: it is held

  std::string kid;
  crypto::Algorithm algorithm;

 private:
  std::variant<crypto::PrivateKey, crypto::Pkcs11Key> key_;
};
Result<std::string, Unavailable> sign(const IssuerKey& key, std::string_view type, const json::Value& claims);

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
