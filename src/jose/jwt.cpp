#include "jose/jwt.h"

#include "encoding/base64url.h"

namespace writ::jose {

Result<UnverifiedJwt, JwtProblem> UnverifiedJwt::parse(std::string_view compact) {
  UnverifiedJwt jwt;
  jwt.jws_ = TRY(Jws::parse(compact));
  auto claims = json::parse(jwt.jws_.payload);
  if (!claims || !claims->is_object()) return unexpected(JwtProblem::payload_not_json);
  jwt.claims_ = std::move(*claims);
  return jwt;
}

Result<VerifiedJwt, JwtProblem> VerifiedJwt::verify(UnverifiedJwt unverified, const KeySet& keys, std::span<const crypto::Algorithm> allowed) {
  TRY(check_signature(unverified.jws_, keys, allowed));
  return VerifiedJwt(std::move(unverified));
}

Result<VerifiedJwt, JwtProblem> VerifiedJwt::verify(UnverifiedJwt unverified, const crypto::PublicKey& key,
                                                    std::span<const crypto::Algorithm> allowed) {
  TRY(check_signature(unverified.jws_, key, allowed));
  return VerifiedJwt(std::move(unverified));
}

namespace {

constexpr std::size_t kUsualBytes = 1'024;

std::string signed_part(crypto::Algorithm algorithm, const std::string& kid, std::string_view type, const json::Value& claims) {
  std::string text;
  text.reserve(kUsualBytes);   // one allocation for most tokens
  text += "{\"alg\":";
  json::append_quoted(text, crypto::to_string(algorithm));
  text += ",\"kid\":";
  json::append_quoted(text, kid);
  text += ",\"typ\":";
  json::append_quoted(text, type);
  text += '}';
  std::string token;
  token.reserve(kUsualBytes);
  token += base64url::encode(text);
  token += '.';
  text.clear();
  json::append(text, claims);
  token += base64url::encode(text);
  return token;
}

std::string with_signature(std::string token, std::string_view signature) {
  token += '.';
  token += base64url::encode(signature);
  return token;
}

}  // namespace

std::string sign(const SigningKey& key, std::string_view type, const json::Value& claims) {
  std::string token = signed_part(key.algorithm, key.kid, type, claims);
  const std::string signature = key.key.sign(key.algorithm, token);
  return with_signature(std::move(token), signature);
}

// ---- keys of issuers

crypto::PublicKey IssuerKey::public_key() const {
  const auto* held = std::get_if<crypto::PrivateKey>(&key_);
  return held ? held->public_key() : in_token()->public_key();
}

std::optional<SigningKey> IssuerKey::held() const {
  const auto* key = std::get_if<crypto::PrivateKey>(&key_);
  return key ? std::optional(SigningKey{kid, algorithm, *key}) : std::nullopt;
}

Result<std::string, Unavailable> IssuerKey::sign(std::string_view message) const {
  if (const auto* held = std::get_if<crypto::PrivateKey>(&key_)) return held->sign(algorithm, message);
  return in_token()->sign(algorithm, message);
}

Result<std::string, Unavailable> sign(const IssuerKey& key, std::string_view type, const json::Value& claims) {
  std::string token = signed_part(key.algorithm, key.kid, type, claims);
  const std::string signature = TRY(key.sign(token));
  return with_signature(std::move(token), signature);
}

// ---- time claims

std::string_view to_string(TimeProblem problem) {
  switch (problem) {
    case TimeProblem::missing: return "missing";
    case TimeProblem::not_an_integer: return "not_an_integer";
    case TimeProblem::expired: return "expired";
    case TimeProblem::not_yet_valid: return "not_yet_valid";
    case TimeProblem::issued_in_the_future: return "issued_in_the_future";
    case TimeProblem::lives_too_long: return "lives_too_long";
    case TimeProblem::expires_before_issued: return "expires_before_issued";
  }
  return "unknown";
}

namespace {

// The claim, absent when it is not there. A number with a fraction or an exponent is no integer, whatever its value.
Result<std::optional<std::int64_t>, TimeProblem> time_claim(const json::Value& claims, std::string_view name) {
  const json::Value* claim = claims.find(name);
  if (claim == nullptr) return std::optional<std::int64_t>();
  if (!claim->is_int()) return unexpected(TimeProblem::not_an_integer);
  return std::optional(*claim->as_int());
}

}  // namespace

Result<void, TimeProblem> check_times(const json::Value& claims, std::int64_t now_seconds, const TimeRules& rules) {
  const std::optional<std::int64_t> exp = TRY(time_claim(claims, "exp"));
  const std::optional<std::int64_t> iat = TRY(time_claim(claims, "iat"));
  const std::optional<std::int64_t> nbf = TRY(time_claim(claims, "nbf"));
  if (!exp) return unexpected(TimeProblem::missing);
  if (!iat && (rules.iat_required || rules.lifetime_seconds_max)) return unexpected(TimeProblem::missing);

  // Claims may be anything that fits 64 bits; our clock and rules are small, so only these sums are free of overflow.
  const std::int64_t earliest = now_seconds - rules.skew_seconds;
  const std::int64_t latest = now_seconds + rules.skew_seconds;
  if (*exp <= earliest) return unexpected(TimeProblem::expired);
  if (nbf && *nbf > latest) return unexpected(TimeProblem::not_yet_valid);
  if (!iat) return {};
  if (*iat > latest) return unexpected(TimeProblem::issued_in_the_future);
  if (*exp <= *iat) return unexpected(TimeProblem::expires_before_issued);
  // exp is above iat, so the difference fits without sign.
  const auto lifetime = static_cast<std::uint64_t>(*exp) - static_cast<std::uint64_t>(*iat);
  if (rules.lifetime_seconds_max && lifetime > static_cast<std::uint64_t>(*rules.lifetime_seconds_max))
    return unexpected(TimeProblem::lives_too_long);
  return {};
}

}  // namespace writ::jose
