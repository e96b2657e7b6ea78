#pragma once

// From an assertion to an ID-JAG that may be believed: one named rule after the other, in the order of the specification
// (resource-authorization-server, validation order, steps 5 to 12).

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "crypto/key.h"
#include "id_jag/claims.h"
#include "id_jag/parse.h"
#include "id_jag/rejection.h"
#include "jose/jwk.h"

namespace writ::id_jag {

// What a genuine ID-JAG must fit. The views outlive the call.
struct Expectations {
  std::string_view issuer;                          // the trusted issuer whose keys are used
  std::string_view audience;                        // our issuer identifier; compared byte for byte (C11 of the spec catalogue)
  std::string_view client_id;                       // of the client that authenticated
  std::span<const crypto::Algorithm> algorithms;    // that this issuer may use
  std::int64_t now_seconds = 0;
  std::int64_t skew_seconds = 30;
  std::int64_t lifetime_seconds_max = 600;          // for exp − iat
  bool keeps_other_claims = false;                  // the issuer must say more than what has a name here
};

// INVARIANT: exists only when every rule held. Minting asks for one, so that skipping a rule does not compile.
class VerifiedIdJag {
 public:
  const IdJag& claims() const { return claims_; }

 private:
  friend Result<VerifiedIdJag, Rejection> verify(const UnverifiedIdJag& unverified, const jose::KeySet& keys,
                                                 const Expectations& expectations);
  explicit VerifiedIdJag(IdJag claims) : claims_(std::move(claims)) {}
  IdJag claims_;
};

// Pure. Whether the jti was used before is not asked here: that is the claim in the decisions log, after everything else.
Result<VerifiedIdJag, Rejection> verify(const UnverifiedIdJag& unverified, const jose::KeySet& keys, const Expectations& expectations);

}  // namespace writ::id_jag
