#pragma once

// The DPoP proof of a token request (RFC 9449 §5): one more step of the token endpoint. What a grant makes of the key is the grant's own.

#include <optional>
#include <string>

#include "dpop/verifier.h"
#include "token_service/grant.h"

namespace writ::token_service {

// What an issuer offers. Outlives its endpoints.
struct ProofOfPossession {
  dpop::Verifier& verifier;
  std::string token_endpoint;      // what `htu` must name
  bool nonce_demanded = false;
};

struct ProofChecked {
  std::optional<Refused> refused;
  std::string jkt;                 // empty: no proof came, and none had to
  std::string nonce;               // to be sent along as DPoP-Nonce; empty: none
};
// `offered` may be null: then a request with a proof is refused, because a proof that nobody checks must not look as if it had been.
ProofChecked check_proof(const ProofOfPossession* offered, const http::Request& request, const Client& client, audit::Event event, Instant now);

}  // namespace writ::token_service
