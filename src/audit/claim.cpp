#include <algorithm>

#include "audit/decisions_log.h"
#include "audit/saml_claim.h"
#include "crypto/hash.h"

namespace writ::audit {

namespace {

Claim claim_of(char use, std::string_view issuer, std::string_view jti, Instant forget_after) {
  // Each part is preceded by its length: ("a", "bc") and ("ab", "c") stay apart.
  std::string text(1, use);
  for (const std::string_view part : {issuer, jti}) {
    text += std::to_string(part.size());
    text += ':';
    text += part;
  }
  const auto digest = crypto::sha256(text);
  Claim claim;
  std::copy_n(digest.begin(), claim.key.size(), claim.key.begin());
  claim.forget_after = forget_after;
  return claim;
}

}  // namespace

Claim make_claim(Claim::Use use, std::string_view issuer, std::string_view jti, Instant forget_after) {
  return claim_of(static_cast<char>('0' + static_cast<int>(use)), issuer, jti, forget_after);
}

Claim claim_assertion(std::string_view issuer, std::string_view id, Instant forget_after) { return claim_of('s', issuer, id, forget_after); }   // no digit

Instant claims_forgotten_before(Instant now) { return now - std::chrono::hours{1}; }

}  // namespace writ::audit
