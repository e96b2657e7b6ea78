#pragma once

// Inside crypto/ only: what a key consists of, and signing and verifying with it.

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/key.h"
#include "crypto/openssl.h"
#include "crypto/verification_table.h"

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
  State(KeyKind of_kind, KeyHandle key, Parameters with) : kind(of_kind), handle(std::move(key)), parameters(std::move(with)) {}
  ~State() { delete table.load(std::memory_order_acquire); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  const KeyKind kind;
  const KeyHandle handle;
  const Parameters parameters;
  const std::uint64_t number = next_key_number();
  // Of a P-256 key that was used often (verify_by_tables). Made once, by the thread whose verification reached the number.
  mutable std::atomic<std::uint32_t> verifications{0};
  mutable std::atomic<const VerificationTable*> table{nullptr};
};

struct PrivateKey::State {
  KeyKind kind;
  KeyHandle handle;
  PublicKey public_key;
  std::uint64_t number = next_key_number();
};

}  // namespace writ::crypto
