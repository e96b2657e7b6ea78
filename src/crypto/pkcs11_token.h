#pragma once

// Private keys that live in a PKCS#11 token and never leave it. Asked over the C interface of the token's own module (docs/decisions/0045). Safe to
// share between threads: each signature has a session of its own, so one does not wait for another. A call blocks for as long as the token takes.
//
// A token that went away is looked for again by whoever needs it next, once a second at most; nothing has to be started anew. A PIN that was refused
// is not given a second time, for a token locks itself after a few: another one in its file is tried.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "crypto/key.h"

namespace writ::crypto {

struct Pkcs11Place {
  std::string module;                 // path of the shared library
  std::string label, serial;          // of the token; an empty one is not compared
  std::function<Result<Secret, std::string>()> pin;   // read for each log-in and not kept
};

class Pkcs11Key;

class Pkcs11Token {
 public:
  // Loads the module, finds the token and logs in. The error is a sentence for the operator.
  static Result<std::shared_ptr<Pkcs11Token>, std::string> open(Pkcs11Place place);
  ~Pkcs11Token();

  // A new key in the token, of the kind that the algorithm needs, marked as one that does not come out.
  static Result<Pkcs11Key, Unavailable> generate(const std::shared_ptr<Pkcs11Token>& token, Algorithm algorithm, std::string_view label);
  // The one key pair of that label. Unavailable also when there is none, when there are several, or when it does not fit.
  static Result<Pkcs11Key, Unavailable> find(const std::shared_ptr<Pkcs11Token>& token, Algorithm algorithm, std::string_view label);

 private:
  friend class Pkcs11Key;
  struct State;
  explicit Pkcs11Token(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

class Pkcs11Key {
 public:
  // A key that was generated or found before; the token is not asked. `id` is its CKA_ID.
  Pkcs11Key(std::shared_ptr<Pkcs11Token> token, std::string id, PublicKey public_key);

  const std::string& id() const { return id_; }
  const PublicKey& public_key() const { return public_key_; }
  bool fits(Algorithm algorithm) const { return public_key_.fits(algorithm); }
  // JOSE encoding. Precondition: fits(algorithm). The first signature after each log-in is verified: a token that holds another key signs nothing.
  Result<std::string, Unavailable> sign(Algorithm algorithm, std::string_view message) const;

 private:
  std::shared_ptr<Pkcs11Token> token_;
  std::string id_;
  PublicKey public_key_;
};

}  // namespace writ::crypto
