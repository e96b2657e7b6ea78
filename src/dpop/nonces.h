#pragma once

// Nonces that a server gives for DPoP proofs (RFC 9449 §8, §9). Each says when it was made, under a key of the deployment: nothing is kept, any
// node accepts what any other gave, and a restart loses none.

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/secret.h"

namespace writ::dpop {

class Nonces {
 public:
  explicit Nonces(Secret key) : key_(std::move(key)) {}

  std::string make(Instant now) const;
  // When it was made; absent when it was not made with this key.
  std::optional<Instant> made_at(std::string_view nonce) const;

 private:
  std::string tag(std::string_view time) const;
  Secret key_;
};

}  // namespace writ::dpop
