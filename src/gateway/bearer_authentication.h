#pragma once

// Who calls: the complete check of an access token at its resource (EMA-25, MCPA-100 to MCPA-105, G4).

#include <cstdint>
#include <memory>
#include <string>

#include "base/task.h"
#include "dpop/verifier.h"
#include "gateway/access_token.h"
#include "gateway/issuer_keys.h"
#include "gateway/settings.h"
#include "gateway/verified_tokens.h"
#include "http/message.h"
#include "registry/revocations.h"
#include "registry/snapshot.h"

namespace writ::gateway {

// A user and an agent of one snapshot; valid as long as the snapshot is held.
struct Caller {
  const registry::User* user = nullptr;
  const registry::Agent* agent = nullptr;
  const registry::Registration* registration = nullptr;
};

// The one access token of a request. Only the Authorization field counts; a body is never looked at.
struct PresentedToken {
  std::string_view text;
  bool as_dpop = false;            // under the scheme DPoP instead of Bearer
};
Result<PresentedToken, TokenRefusal> find_token(const http::Request& request);

// Whose token it is, before time and objects are looked at.
struct Authenticated {
  std::shared_ptr<const AccessToken> token;
  bool renew_nonce = false;        // the answer should bring a new DPoP nonce
};
struct AuthenticationRefusal {
  AuthenticationRefusal(TokenRefusal why) : refusal(why) {}   // NOLINT: most have nothing to add
  AuthenticationRefusal(TokenRefusal why, dpop::Problem of_proof) : refusal(why), proof(of_proof) {}
  TokenRefusal refusal;
  std::optional<dpop::Problem> proof;
  std::string_view reason() const { return proof ? dpop::to_string(*proof) : to_string(refusal); }   // for audit
};

// Safe to share between threads.
class BearerAuthentication {
 public:
  // `proofs` may be null: then DPoP is not offered, and no token that is bound to a key is accepted.
  BearerAuthentication(const Settings& settings, IssuerKeys& keys, const registry::Revocations& revocations, dpop::Verifier* proofs)
      : settings_(settings), keys_(keys), revocations_(revocations), proofs_(proofs), verified_(settings.verified_tokens_max) {}

  // Signature, type, issuer, audience, claims, and the proof of the key that it is bound to. Needs check_time() and resolve() to be believed.
  // `server` outlives the task.
  Task<Result<Authenticated, AuthenticationRefusal>> authenticate(const http::Request& request, const registry::Server& server, Instant now);

  // What can change while a token lives. Both are asked on each request; the second again for whatever is still being answered.
  Result<void, TokenRefusal> check_time(const AccessToken& token, Instant now) const;
  Result<Caller, TokenRefusal> resolve(const AccessToken& token, const registry::Snapshot& snapshot) const;

 private:
  using Outcome = Result<Authenticated, AuthenticationRefusal>;
  Outcome check_possession(const http::Request& request, const registry::Server& server, const PresentedToken& presented,
                           std::shared_ptr<const AccessToken> token, Instant now) const;

  const Settings& settings_;
  IssuerKeys& keys_;
  const registry::Revocations& revocations_;
  dpop::Verifier* proofs_;
  VerifiedTokens verified_;
};

}  // namespace writ::gateway
