#pragma once

// Public JSON Web Keys (RFC 7517) and sets of them.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/key.h"
#include "encoding/json.h"

namespace writ::jose {

struct Jwk {
  std::string kid;                               // may be empty when the set has a single key
  std::optional<crypto::Algorithm> algorithm;    // `alg`, when stated: then only this one
  crypto::PublicKey key;
};

// Why a key was not loaded. Symmetric keys, keys for encryption, private members, small or off-curve keys never are (threat J15).
enum class JwkProblem { malformed, symmetric, not_for_signatures, has_private_part, too_small, not_on_curve, weak, unsupported };
std::string_view to_string(JwkProblem problem);

Result<Jwk, JwkProblem> parse_jwk(const json::Value& value);
json::Value to_json(const Jwk& jwk);                          // with use=sig, alg when stated
json::Value to_json(const crypto::PublicKey& key);            // the required members only
std::string thumbprint(const crypto::PublicKey& key);        // RFC 7638, SHA-256, base64url

// The usable keys of a published set, in order; unusable ones are skipped. Absent when the text is no JWK set, or one of
// more than 100 keys.
class KeySet {
 public:
  KeySet() = default;
  explicit KeySet(std::vector<Jwk> keys) : keys_(std::move(keys)) {}
  static std::optional<KeySet> parse(std::string_view text);
  static std::optional<KeySet> from_json(const json::Value& value);
  // The one key that `kid` and `algorithm` agree on (J8), or without kid the one that fits. Null when none or several do.
  const Jwk* find(const std::optional<std::string>& kid, crypto::Algorithm algorithm) const;
  bool empty() const { return keys_.empty(); }
  const std::vector<Jwk>& keys() const { return keys_; }

 private:
  std::vector<Jwk> keys_;
};
json::Value to_json(const KeySet& set);

}  // namespace writ::jose
