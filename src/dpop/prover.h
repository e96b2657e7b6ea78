#pragma once

// The other side: a client's key, the proofs that it makes, and the nonces that servers gave it.

#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "crypto/key.h"
#include "http/message.h"

namespace writ::dpop {

// What one proof is about. Empty texts are left out.
struct Statement {
  std::string_view method;
  std::string_view url;              // query and fragment are cut off
  std::string_view access_token;
  std::string_view nonce;
  std::string_view jti;
  Instant now{};
};
// Precondition: the key fits the algorithm.
std::string make_proof(const crypto::PrivateKey& key, crypto::Algorithm algorithm, const Statement& statement);

// A P-256 key, and for each origin the newest nonce it gave (OB-91). Used on one executor.
class Prover {
 public:
  Prover() : Prover(crypto::PrivateKey::generate(crypto::Algorithm::es256)) {}
  explicit Prover(crypto::PrivateKey key);   // precondition: it fits ES256

  // A fresh proof, with its own `jti` each time (MCPA-140).
  std::string prove(std::string_view method, std::string_view url, Instant now, std::string_view access_token = {}) const;
  // Whatever a server answered, also with success: a nonce in it is used from now on. True when there was one that is new.
  bool note_nonce(std::string_view url, const http::Headers& answer);
  const std::string& thumbprint() const { return thumbprint_; }

 private:
  crypto::PrivateKey key_;
  std::string thumbprint_;
  std::map<std::string, std::string> nonces_;   // by origin
};

}  // namespace writ::dpop
