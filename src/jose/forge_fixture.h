#pragma once

// For tests only: tokens whose header and payload are any text at all, signed or not.

#include <string>
#include <string_view>

#include "encoding/base64url.h"
#include "jose/jwt.h"

namespace writ::jose::test {

inline std::string signed_over(const crypto::PrivateKey& key, crypto::Algorithm algorithm, std::string_view header, std::string_view payload) {
  const std::string input = base64url::encode(header) + "." + base64url::encode(payload);
  return input + "." + base64url::encode(key.sign(algorithm, input));
}

inline std::string with_signature(std::string_view header, std::string_view payload, std::string_view signature) {
  return base64url::encode(header) + "." + base64url::encode(payload) + "." + base64url::encode(signature);
}

// "verified", or why not.
inline std::string outcome(std::string_view token, const KeySet& keys, std::span<const crypto::Algorithm> allowed) {
  auto unverified = UnverifiedJwt::parse(token);
  if (!unverified) return std::string(to_string(unverified.error()));
  const auto verified = VerifiedJwt::verify(std::move(*unverified), keys, allowed);
  return verified ? "verified" : std::string(to_string(verified.error()));
}

}  // namespace writ::jose::test
