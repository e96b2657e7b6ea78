#pragma once

// JSON Web Encryption in compact serialisation (RFC 7516) for one purpose: a signed JWT inside (RFC 7519 §5.2). Keys are managed by ECDH-ES,
// ECDH-ES+A256KW or RSA-OAEP-256, contents encrypted with A256GCM; nothing else exists here: no passwords, no symmetric keys, no RSA1_5, no compression.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/key.h"
#include "encoding/json.h"

namespace writ::jose {

enum class KeyManagement { ecdh_es, ecdh_es_a256kw, rsa_oaep_256 };
std::string_view to_string(KeyManagement algorithm);                    // the JOSE name
std::optional<KeyManagement> parse_key_management(std::string_view name);
inline constexpr const char* kContentEncryption = "A256GCM";

enum class JweProblem {
  too_large,
  not_compact,              // not exactly five parts of canonical base64url, or parts of a length that the algorithm cannot have
  header_not_json,
  has_crit,                 // `crit`, `b64` or `zip` present: none is understood (J9, J11)
  algorithm_not_allowed,    // of key management, before anything is derived (J11)
  encryption_not_allowed,
  not_nested,               // `cty` does not say that a JWT is inside
  bad_kid,
  bad_ephemeral_key,        // no public key on the recipient's curve (RFC 8725 §3.4)
  unknown_key,
  cannot_decrypt,           // for every key and whatever part failed: an oracle would need more
};
std::string_view to_string(JweProblem problem);

// Somebody's published key.
struct EncryptionKey {
  std::string kid;
  KeyManagement algorithm = KeyManagement::ecdh_es_a256kw;
  crypto::PublicKey key;
};
// The first key of a JWK set that things can be encrypted to: `use` enc or absent, `alg` one of ours or absent. Absent when there is none.
std::optional<EncryptionKey> choose_encryption_key(std::string_view jwks);
json::Value to_json(const EncryptionKey& key);                          // with use=enc and alg

// A key of ours. Which algorithms it decrypts follows from what it is.
struct DecryptionKey {
  std::string kid;
  crypto::PrivateKey key;
};
EncryptionKey public_half(const DecryptionKey& key);

// `type`: of the JWT inside. Precondition: the key fits its algorithm.
std::string encrypt(const EncryptionKey& to, std::string_view type, std::string_view jwt);
// What is inside. It is encrypted to us, by whomever: who wrote it says the signature inside.
Result<std::string, JweProblem> decrypt(std::string_view compact, std::span<const DecryptionKey> keys);

bool is_encrypted(std::string_view compact);   // has the five parts of one

}  // namespace writ::jose
