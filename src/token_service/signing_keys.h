#pragma once

// The keys an issuer signs with and publishes. Snapshots: rotation makes a new one, running requests keep theirs.

#include <memory>

#include "jose/jwk.h"
#include "jose/jwt.h"

namespace writ::token_service {

struct KeyRing {
  jose::IssuerKey active;
  jose::KeySet published;      // the active key, the next one before its use, earlier ones until what they signed has expired
};

// Safe to share between threads.
class SigningKeys {
 public:
  virtual ~SigningKeys() = default;
  virtual std::shared_ptr<const KeyRing> current() const = 0;
};

}  // namespace writ::token_service
