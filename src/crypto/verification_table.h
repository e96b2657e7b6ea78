#pragma once

// Inside crypto/ only: multiples of one public P-256 key, made once, with which its signatures are verified in about half the time. Both
// scalar products of a verification then have a fixed base. Only public values are handled here, so nothing has to take constant time.
//
// This is ECDSA verification by hand (FIPS 186-5 §6.4.2) on OpenSSL's curve arithmetic: it is used only where verify_by_tables() says so, and
// EVP's own verification is what it is tested against.

#include <memory>
#include <string_view>

#include "crypto/digest.h"

namespace writ::crypto {

class VerificationTable {
 public:
  // Null when this build of OpenSSL has no such tables. `x` and `y` are coordinates of a point on the curve.
  static std::unique_ptr<const VerificationTable> of(std::string_view x, std::string_view y);
  ~VerificationTable();

  // `signature` is r‖s. Safe to call from several threads.
  bool verify(const Digest& hashed, std::string_view signature) const;

 private:
  struct State;
  explicit VerificationTable(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace writ::crypto
