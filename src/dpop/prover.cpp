#include "dpop/prover.h"

#include <cassert>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "dpop/proof.h"
#include "encoding/base64url.h"
#include "encoding/json.h"
#include "encoding/uri.h"
#include "jose/jwk.h"

namespace writ::dpop {
namespace {

constexpr std::size_t kNonceBytesMax = 256;
constexpr std::size_t kOriginsMax = 1'000;

std::string origin_of(std::string_view url) {
  const auto parsed = uri::parse(url);
  return parsed ? parsed->origin() : std::string();
}

}  // namespace

std::string make_proof(const crypto::PrivateKey& key, crypto::Algorithm algorithm, const Statement& statement) {
  assert(key.fits(algorithm));
  const json::Value header{{"typ", kType}, {"alg", crypto::to_string(algorithm)}, {"jwk", jose::to_json(key.public_key())}};
  json::Value claims{{"jti", statement.jti},
                     {"htm", statement.method},
                     {"htu", statement.url.substr(0, statement.url.find_first_of("?#"))},
                     {"iat", to_unix_seconds(statement.now)}};
  if (!statement.access_token.empty()) claims.set("ath", base64url::encode(crypto::sha256_bytes(statement.access_token)));
  if (!statement.nonce.empty()) claims.set("nonce", statement.nonce);
  const std::string signed_part = base64url::encode(json::write(header)) + "." + base64url::encode(json::write(claims));
  return signed_part + "." + base64url::encode(key.sign(algorithm, signed_part));
}

Prover::Prover(crypto::PrivateKey key) : key_(std::move(key)), thumbprint_(jose::thumbprint(key_.public_key())) {}

std::string Prover::prove(std::string_view method, std::string_view url, Instant now, std::string_view access_token) const {
  const auto nonce = nonces_.find(origin_of(url));
  const std::string jti = crypto::random_token();
  return make_proof(key_, crypto::Algorithm::es256,
                    {method, url, access_token, nonce == nonces_.end() ? std::string_view() : std::string_view(nonce->second), jti, now});
}

bool Prover::note_nonce(std::string_view url, const http::Headers& answer) {
  const std::string* nonce = answer.find_single(kNonceHeader);
  if (nonce == nullptr || nonce->empty() || nonce->size() > kNonceBytesMax) return false;
  const std::string origin = origin_of(url);
  const auto known = nonces_.find(origin);
  if (known == nonces_.end()) {
    if (nonces_.size() == kOriginsMax) nonces_.erase(nonces_.begin());
    nonces_.emplace(origin, *nonce);
    return true;
  }
  const bool is_new = known->second != *nonce;
  known->second = *nonce;
  return is_new;
}

}  // namespace writ::dpop
