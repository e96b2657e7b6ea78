#pragma once

// What encrypting to somebody's key takes (RFC 7518 §4.3, §4.4, §4.6, §5.3): agreement, derivation, wrapping, and the content itself. The layer below
// jose/jwe.h, which has the rules.

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "crypto/key.h"

namespace writ::crypto {

// ECDH: the x coordinate. Absent unless both are keys of the same curve, P-256 or P-384.
std::optional<Secret> agree(const PrivateKey& own, const PublicKey& other);
// Concat KDF with SHA-256 (RFC 7518 §4.6.2), for up to 256 bits.
Secret derive_key(const Secret& agreed, std::string_view algorithm_id, std::string_view apu, std::string_view apv, std::size_t bytes);

// AES key wrap (RFC 3394) under a key of 32 bytes. Unwrapping is absent when the check value does not agree.
std::string wrap_key(const Secret& under, const Secret& key);
std::optional<Secret> unwrap_key(const Secret& under, std::string_view wrapped);

// RSAES-OAEP with SHA-256 and MGF1 with SHA-256. Absent: no RSA key, or (decrypting) not the right one.
std::optional<std::string> encrypt_oaep(const PublicKey& to, const Secret& key);
std::optional<Secret> decrypt_oaep(const PrivateKey& own, std::string_view encrypted);

inline constexpr std::size_t kGcmNonceBytes = 12, kGcmTagBytes = 16;
// AES-256-GCM; the tag is at the end of what is encrypted. Precondition: a nonce that this key never had before.
std::string encrypt_gcm(const Secret& key, std::string_view nonce, std::string_view authenticated, std::string_view plain);
std::optional<std::string> decrypt_gcm(const Secret& key, std::string_view nonce, std::string_view authenticated, std::string_view encrypted);

}  // namespace writ::crypto
