#include "dpop/proof.h"

#include <algorithm>
#include <array>

#include "crypto/hash.h"
#include "encoding/base64url.h"
#include "jose/jwt.h"

namespace writ::dpop {
namespace {

constexpr std::array kAlgorithms = {crypto::Algorithm::es256, crypto::Algorithm::es384, crypto::Algorithm::rs256, crypto::Algorithm::ps256,
                                    crypto::Algorithm::eddsa};
constexpr std::size_t kProofBytesMax = 8 * 1024;
constexpr std::size_t kTextBytesMax = 256;   // jti, nonce

Problem problem_of(jose::JwtProblem problem) {
  switch (problem) {
    case jose::JwtProblem::algorithm_not_allowed: return Problem::algorithm_not_allowed;
    case jose::JwtProblem::type_mismatch: return Problem::wrong_type;
    case jose::JwtProblem::unknown_key: return Problem::key_unusable;   // the key is of another kind than the algorithm
    case jose::JwtProblem::bad_signature: return Problem::bad_signature;
    default: return Problem::malformed;
  }
}

// Here, and nowhere else, a token's own key is believed: it stands for itself (OB-123).
Result<jose::Jwk, Problem> key_of(const jose::UnverifiedJwt& jwt) {
  const json::Value* stated = jwt.header().find("jwk");
  if (stated == nullptr || !stated->is_object()) return unexpected(Problem::key_absent);
  auto key = jose::parse_jwk(*stated);
  if (!key) return unexpected(key.error() == jose::JwkProblem::has_private_part ? Problem::key_private : Problem::key_unusable);
  if (key->algorithm && *key->algorithm != jwt.algorithm()) return unexpected(Problem::key_unusable);
  return std::move(*key);
}

bool is_short_text(const std::string* text) { return text != nullptr && !text->empty() && text->size() <= kTextBytesMax; }

Result<Proof, Problem> read_claims(const json::Value& claims) {
  Proof proof;
  const std::string* jti = claims.find_string("jti");
  if (!is_short_text(jti)) return unexpected(Problem::jti_invalid);
  const std::string* method = claims.find_string("htm");
  if (method == nullptr || method->empty()) return unexpected(Problem::htm_invalid);
  const std::string* url = claims.find_string("htu");
  auto comparable = url == nullptr ? std::nullopt : comparable_url(*url);
  if (!comparable) return unexpected(Problem::htu_invalid);
  const std::int64_t* issued_at = claims.find_int("iat");
  if (issued_at == nullptr || *issued_at < 0) return unexpected(Problem::iat_invalid);
  if (claims.find("nonce") != nullptr) {
    const std::string* nonce = claims.find_string("nonce");
    if (!is_short_text(nonce)) return unexpected(Problem::nonce_invalid);
    proof.nonce = *nonce;
  }
  if (claims.find("ath") != nullptr) {
    const std::string* hash = claims.find_string("ath");
    if (hash == nullptr) return unexpected(Problem::ath_invalid);
    proof.ath = *hash;
  }
  proof.jti = *jti;
  proof.htm = *method;
  proof.htu = std::move(*comparable);
  proof.issued_at = *issued_at;
  return proof;
}

}  // namespace

std::span<const crypto::Algorithm> algorithms() { return kAlgorithms; }

std::vector<std::string> algorithm_names() {
  std::vector<std::string> names;
  for (const auto algorithm : kAlgorithms) names.emplace_back(crypto::to_string(algorithm));
  return names;
}

std::string_view to_string(Problem problem) {
  switch (problem) {
    case Problem::repeated: return "dpop_repeated";
    case Problem::malformed: return "dpop_malformed";
    case Problem::wrong_type: return "dpop_wrong_type";
    case Problem::algorithm_not_allowed: return "dpop_algorithm_not_allowed";
    case Problem::key_absent: return "dpop_key_absent";
    case Problem::key_private: return "dpop_key_private";
    case Problem::key_unusable: return "dpop_key_unusable";
    case Problem::bad_signature: return "dpop_bad_signature";
    case Problem::jti_invalid: return "dpop_jti_invalid";
    case Problem::htm_invalid: return "dpop_htm_invalid";
    case Problem::htu_invalid: return "dpop_htu_invalid";
    case Problem::iat_invalid: return "dpop_iat_invalid";
    case Problem::ath_invalid: return "dpop_ath_invalid";
    case Problem::nonce_invalid: return "dpop_nonce_invalid";
    case Problem::wrong_method: return "dpop_wrong_method";
    case Problem::wrong_url: return "dpop_wrong_url";
    case Problem::too_old: return "dpop_too_old";
    case Problem::too_new: return "dpop_too_new";
    case Problem::wrong_token: return "dpop_wrong_token";
    case Problem::nonce_needed: return "dpop_nonce_needed";
    case Problem::nonce_not_ours: return "dpop_nonce_not_ours";
    case Problem::clock_ahead: return "dpop_clock_ahead";
    case Problem::cannot_tell: return "dpop_cannot_tell";
    case Problem::replayed: return "dpop_replayed";
  }
  return "dpop_malformed";
}

bool asks_for_nonce(Problem problem) {
  return problem == Problem::nonce_needed || problem == Problem::nonce_not_ours || problem == Problem::clock_ahead || problem == Problem::cannot_tell;
}

Result<Proof, Problem> parse_proof(std::string_view compact) {
  if (compact.size() > kProofBytesMax) return unexpected(Problem::malformed);
  auto jwt = jose::UnverifiedJwt::parse(compact);
  if (!jwt) return unexpected(problem_of(jwt.error()));
  // An access token, an ID-JAG or a client assertion of the same key is no proof (J10).
  if (!jwt->has_type(kType)) return unexpected(Problem::wrong_type);
  const jose::Jwk key = TRY(key_of(*jwt));
  const auto verified = jose::VerifiedJwt::verify(std::move(*jwt), key.key, kAlgorithms);
  if (!verified) return unexpected(problem_of(verified.error()));
  Proof proof = TRY(read_claims(verified->claims()));
  proof.jkt = jose::thumbprint(key.key);
  return proof;
}

Result<void, Problem> check_use(const Proof& proof, const Expectations& expectations) {
  if (proof.htm != expectations.method) return unexpected(Problem::wrong_method);   // methods are case-sensitive (RFC 9110 §9.1)
  if (proof.htu != comparable_url(expectations.url)) return unexpected(Problem::wrong_url);
  const std::int64_t now = to_unix_seconds(expectations.now), window = expectations.window.count();
  if (proof.issued_at < now - window) return unexpected(Problem::too_old);
  if (proof.issued_at > now + window) return unexpected(Problem::too_new);
  if (!expectations.access_token) return {};
  if (!proof.ath) return unexpected(Problem::ath_invalid);
  // A proof that was made for one token proves nothing about another.
  if (*proof.ath != base64url::encode(crypto::sha256_bytes(*expectations.access_token))) return unexpected(Problem::wrong_token);
  return {};
}

bool is_thumbprint(std::string_view text) {
  const auto bytes = base64url::decode(text);
  return bytes && bytes->size() == 32;
}

}  // namespace writ::dpop
