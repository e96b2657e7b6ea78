#include "jose/jws.h"

#include <algorithm>

#include "encoding/base64url.h"

namespace writ::jose {
namespace {

constexpr std::size_t kTokenBytesMax = 16 * 1024;
constexpr std::size_t kKidBytesMax = 256;
constexpr json::Limits kHeaderLimits = {.bytes_max = kTokenBytesMax, .depth_max = 32, .members_max = 2'000};

// Lower case, and without the prefix that RFC 7515 §4.1.9 lets one leave out.
std::string normalized_type(std::string_view type) {
  std::string result(type);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  constexpr std::string_view kPrefix = "application/";
  if (result.starts_with(kPrefix)) result.erase(0, kPrefix.size());
  return result;
}

Result<std::string, JwtProblem> decode_part(std::string_view part) {
  auto bytes = base64url::decode(part);
  if (!bytes) return unexpected(JwtProblem::not_compact);
  return std::move(*bytes);
}

Result<json::Value, JwtProblem> parse_header(std::string_view text) {
  auto header = json::parse(text, kHeaderLimits);
  if (!header || !header->is_object()) return unexpected(JwtProblem::header_not_json);
  return std::move(*header);
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

Result<Jws, JwtProblem> Jws::parse(std::string_view compact) {
  if (compact.size() > kTokenBytesMax) return unexpected(JwtProblem::too_large);
  const std::size_t first = compact.find('.');
  const std::size_t second = first == compact.npos ? first : compact.find('.', first + 1);
  if (second == compact.npos || compact.find('.', second + 1) != compact.npos) return unexpected(JwtProblem::not_compact);

  Jws jws;
  const std::string header = TRY(decode_part(compact.substr(0, first)));
  jws.header = TRY(parse_header(header));
  TRY(check_no_extensions(jws.header));
  jws.algorithm = TRY(parse_algorithm_of(jws.header));
  jws.type = TRY(parse_type(jws.header));
  jws.kid = TRY(parse_kid(jws.header));
  jws.signature = TRY(decode_part(compact.substr(second + 1)));
  jws.payload = TRY(decode_part(compact.substr(first + 1, second - first - 1)));
  jws.compact = compact;
  jws.signed_bytes = second;
  return jws;
}

bool Jws::has_type(std::string_view wanted) const { return type && *type == normalized_type(wanted); }

Result<void, JwtProblem> check_signature(const Jws& jws, const KeySet& keys, std::span<const crypto::Algorithm> allowed) {
  TRY(check_allowed(jws.algorithm, allowed));
  const Jwk* jwk = keys.find(jws.kid, jws.algorithm);
  if (jwk == nullptr) return unexpected(JwtProblem::unknown_key);
  return check_signature(jws, jwk->key, allowed);
}

Result<void, JwtProblem> check_signature(const Jws& jws, const crypto::PublicKey& key, std::span<const crypto::Algorithm> allowed) {
  TRY(check_allowed(jws.algorithm, allowed));
  if (!key.fits(jws.algorithm)) return unexpected(JwtProblem::unknown_key);
  const std::string_view signed_part = std::string_view(jws.compact).substr(0, jws.signed_bytes);
  if (!key.verify(jws.algorithm, signed_part, jws.signature)) return unexpected(JwtProblem::bad_signature);
  return {};
}

}  // namespace writ::jose
