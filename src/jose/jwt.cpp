#include "jose/jwt.h"

#include <algorithm>
#include <array>

#include "encoding/base64url.h"

namespace writ::jose {
namespace {

constexpr std::size_t kTokenBytesMax = 16 * 1024;
constexpr std::size_t kKidBytesMax = 256;
constexpr json::Limits kLimits = {.bytes_max = kTokenBytesMax, .depth_max = 32, .members_max = 2'000};

// Lower case, and without the prefix that RFC 7515 §4.1.9 lets one leave out.
std::string normalized_type(std::string_view type) {
  std::string result(type);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  constexpr std::string_view kPrefix = "application/";
  if (result.starts_with(kPrefix)) result.erase(0, kPrefix.size());
  return result;
}

Result<json::Value, JwtProblem> parse_part(std::string_view part, JwtProblem problem) {
  const auto text = base64url::decode(part);
  if (!text) return unexpected(JwtProblem::not_compact);
  auto value = json::parse(*text, kLimits);
  if (!value || !value->is_object()) return unexpected(problem);
  return std::move(*value);
}

Result<void, JwtProblem> check_no_extensions(const json::Value& header) {
  for (const std::string_view name : {"crit", "b64", "zip"})
    if (header.find(name) != nullptr) return unexpected(JwtProblem::has_crit);
  return {};
}

Result<crypto::Algorithm, JwtProblem> parse_algorithm_of(const json::Value& header) {
  const std::string* name = header.find_string("alg");
  const auto algorithm = name == nullptr ? std::nullopt : crypto::parse_algorithm(*name);
  if (!algorithm) return unexpected(JwtProblem::algorithm_not_allowed);
  return *algorithm;
}

Result<std::optional<std::string>, JwtProblem> parse_type(const json::Value& header) {
  const json::Value* type = header.find("typ");
  if (type == nullptr) return std::optional<std::string>();
  if (!type->is_string()) return unexpected(JwtProblem::type_mismatch);
  return std::optional(normalized_type(*type->as_string()));
}

Result<std::optional<std::string>, JwtProblem> parse_kid(const json::Value& header) {
  const json::Value* kid = header.find("kid");
  if (kid == nullptr) return std::optional<std::string>();
  if (!kid->is_string() || kid->as_string()->empty() || kid->as_string()->size() > kKidBytesMax) return unexpected(JwtProblem::bad_kid);
  return std::optional(*kid->as_string());
}

Result<void, JwtProblem> check_allowed(crypto::Algorithm algorithm, std::span<const crypto::Algorithm> allowed) {
  if (std::find(allowed.begin(), allowed.end(), algorithm) == allowed.end()) return unexpected(JwtProblem::algorithm_not_allowed);
  return {};
}

}  // namespace

std::string_view to_string(JwtProblem problem) {
  switch (problem) {
    case JwtProblem::too_large: return "too_large";
    case JwtProblem::not_compact: return "not_compact";
    case JwtProblem::header_not_json: return "header_not_json";
    case JwtProblem::payload_not_json: return "payload_not_json";
    case JwtProblem::algorithm_not_allowed: return "algorithm_not_allowed";
    case JwtProblem::type_mismatch: return "type_mismatch";
    case JwtProblem::has_crit: return "has_crit";
    case JwtProblem::bad_kid: return "bad_kid";
    case JwtProblem::unknown_key: return "unknown_key";
    case JwtProblem::bad_signature: return "bad_signature";
  }
  return "unknown";
}

Result<UnverifiedJwt, JwtProblem> UnverifiedJwt::parse(std::string_view compact) {
  if (compact.size() > kTokenBytesMax) return unexpected(JwtProblem::too_large);
  if (std::count(compact.begin(), compact.end(), '.') != 2) return unexpected(JwtProblem::not_compact);
  const std::size_t first = compact.find('.');
  const std::size_t second = compact.rfind('.');

  UnverifiedJwt jwt;
  jwt.header_ = TRY(parse_part(compact.substr(0, first), JwtProblem::header_not_json));
  TRY(check_no_extensions(jwt.header_));
  jwt.algorithm_ = TRY(parse_algorithm_of(jwt.header_));
  jwt.type_ = TRY(parse_type(jwt.header_));
  jwt.kid_ = TRY(parse_kid(jwt.header_));
  auto signature = base64url::decode(compact.substr(second + 1));
  if (!signature) return unexpected(JwtProblem::not_compact);
  jwt.signature_ = std::move(*signature);
  jwt.claims_ = TRY(parse_part(compact.substr(first + 1, second - first - 1), JwtProblem::payload_not_json));
  jwt.compact_ = compact;
  jwt.signed_bytes_ = second;
  return jwt;
}

bool UnverifiedJwt::has_type(std::string_view type) const { return type_ && *type_ == normalized_type(type); }

Result<VerifiedJwt, JwtProblem> VerifiedJwt::verify(UnverifiedJwt unverified, const KeySet& keys, std::span<const crypto::Algorithm> allowed) {
  TRY(check_allowed(unverified.algorithm_, allowed));
  const Jwk* jwk = keys.find(unverified.kid_, unverified.algorithm_);
  if (jwk == nullptr) return unexpected(JwtProblem::unknown_key);
  return verify(std::move(unverified), jwk->key, allowed);
}

Result<VerifiedJwt, JwtProblem> VerifiedJwt::verify(UnverifiedJwt unverified, const crypto::PublicKey& key,
                                                    std::span<const crypto::Algorithm> allowed) {
  TRY(check_allowed(unverified.algorithm_, allowed));
  if (!key.fits(unverified.algorithm_)) return unexpected(JwtProblem::unknown_key);
  const std::string_view signed_part = std::string_view(unverified.compact_).substr(0, unverified.signed_bytes_);
  if (!key.verify(unverified.algorithm_, signed_part, unverified.signature_)) return unexpected(JwtProblem::bad_signature);
  return VerifiedJwt(std::move(unverified));
}

std::string sign(const SigningKey& key, std::string_view type, const json::Value& claims) {
  const json::Value header{{"alg", crypto::to_string(key.algorithm)}, {"kid", key.kid}, {"typ", type}};
  std::string token = base64url::encode(json::write(header));
  token += '.';
  token += base64url::encode(json::write(claims));
  const std::string signature = key.key.sign(key.algorithm, token);
  token += '.';
  token += base64url::encode(signature);
  return token;
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
