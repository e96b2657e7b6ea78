#pragma once

// The first look at an assertion: is it an ID-JAG at all, and whose does it claim to be? No key, no network.

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "id_jag/rejection.h"
#include "jose/jwt.h"

namespace writ::id_jag {

// Nothing it says may be believed. Its issuer is good for choosing keys, its jti for an audit record.
class UnverifiedIdJag {
 public:
  const std::string& claimed_issuer() const { return claimed_issuer_; }
  std::string claimed_jti() const;       // empty when there is none of a usable form
  std::string claimed_subject() const;
  const std::optional<std::string>& kid() const { return jwt_.kid(); }
  const jose::UnverifiedJwt& jwt() const { return jwt_; }

 private:
  friend Result<UnverifiedIdJag, Rejection> parse(std::string_view assertion);
  UnverifiedIdJag(jose::UnverifiedJwt jwt, std::string claimed_issuer)
      : jwt_(std::move(jwt)), claimed_issuer_(std::move(claimed_issuer)) {}

  jose::UnverifiedJwt jwt_;
  std::string claimed_issuer_;
};

Result<UnverifiedIdJag, Rejection> parse(std::string_view assertion);

}  // namespace writ::id_jag
