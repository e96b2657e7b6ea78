#pragma once

// Inside crypto/ only: what a key consists of, and signing and verifying with it.

#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/key.h"
#include "crypto/openssl.h"

namespace writ::crypto {

enum class KeyKind { p256, p384, rsa, ed25519 };

struct Curve {
  std::string_view jose_name;
  const char* group;
  std::size_t coordinate_bytes;
  std::string_view order;   // big-endian
};
const Curve& curve_of(KeyKind kind);   // Precondition: p256 or p384

KeyKind kind_for(Algorithm algorithm);

// A number that no other key of this process ever had: contexts that threads keep are found by it, never by an address that might be reused.
std::uint64_t next_key_number();

struct PublicKey::State {
  KeyKind kind;
  KeyHandle handle;
  Parameters parameters;
  std::uint64_t number = next_key_number();
};

struct PrivateKey::State {
  KeyKind kind;
  KeyHandle handle;
  PublicKey public_key;
  std::uint64_t number = next_key_number();
};

}  // namespace writ::crypto
