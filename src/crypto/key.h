#pragma once

// Asymmetric keys and signatures for JOSE. The only algorithms that exist here are asymmetric; there is no HMAC and no `none` to confuse
// them with (threats J1, J2). Parsed once, used by many threads.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace writ::crypto {

enum class Algorithm { es256, es384, rs256, ps256, eddsa };
std::string_view to_string(Algorithm algorithm);                     // the JOSE name: "ES256", …
std::optional<Algorithm> parse_algorithm(std::string_view name);     // exact spelling; "Ed25519" is EdDSA too

enum class KeyProblem { malformed, unsupported, too_small, not_on_curve, weak };   // weak: private key can be computed from the public one
std::string_view to_string(KeyProblem problem);

class PublicKey {
 public:
  // Coordinates and modulus are big-endian bytes as in a JWK. RSA below 2048 bits and points off the curve are refused.
  // Refused as weak: RSA moduli of the ROCA family (CVE-2017-15361) and Ed25519 points of small order.
  // RSA above 8192 bits or with an exponent of more than 32 bits is unsupported: it would make every verification dear.
  static Result<PublicKey, KeyProblem> from_ec(std::string_view curve, std::string_view x, std::string_view y);
  static Result<PublicKey, KeyProblem> from_rsa(std::string_view modulus, std::string_view exponent);
  static Result<PublicKey, KeyProblem> from_ed25519(std::string_view x);

  bool fits(Algorithm algorithm) const;   // EC P-256: ES256 only; RSA: RS256 and PS256; …
  // JOSE signature encoding: r‖s of exact length for ECDSA (J3, J4). False for anything else.
  bool verify(Algorithm algorithm, std::string_view message, std::string_view signature) const;

  struct Parameters {  // what a public JWK holds, raw bytes
    std::string kty, crv, x, y, n, e;
  };
  const Parameters& parameters() const;

 private:
  struct State;
  PublicKey() = default;   // INVARIANT: state_ is set in every key that leaves this class
  std::shared_ptr<const State> state_;
};

// Off (0) by default. Else: a P-256 public key that has verified `uses` signatures gets a table of its multiples (150 KB), with which the next
// ones take about half the time (docs/decisions/0032). Keys that are seen once, such as those of DPoP proofs, never come so far. For the whole
// process; to be set before keys are used.
void verify_by_tables(std::uint32_t uses);

class PrivateKey {
 public:
  static PrivateKey generate(Algorithm algorithm);
  static Result<PrivateKey, KeyProblem> from_pem(const Secret& pem);   // PKCS#8, or SEC1/PKCS#1
  Secret to_pem() const;                                                // PKCS#8
  PublicKey public_key() const;
  bool fits(Algorithm algorithm) const;
  std::string sign(Algorithm algorithm, std::string_view message) const;   // JOSE encoding. Precondition: fits(algorithm)

 private:
  struct State;
  PrivateKey() = default;
  std::shared_ptr<const State> state_;
};

}  // namespace writ::crypto
