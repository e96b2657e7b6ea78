#pragma once

// The code of an interactive sign-in for an access token (RFC 6749 §4.1.3): decided anew, so that what was taken away meanwhile is not given. The token is
// of the same shape as one for an ID-JAG, and there is no refresh token: the next sign-in, which costs nobody a click, is the moment to say no.

#include "token_service/grant.h"
#include "token_service/resource_as/interactive/interactive.h"

namespace writ::token_service::resource_as {

enum class CodeProblem {
  parameter_missing,
  not_ours,                   // no code that this deployment sealed
  of_another_client,
  redirect_uri_mismatch,
  verifier_malformed,
  verifier_mismatch,
  expired,
  resource_mismatch,          // the token request names another resource than the authorization request
  dpop_not_offered,           // a proof came along that nobody checked
  proof_required,             // the server takes sender-constrained tokens alone
};
std::string_view to_string(CodeProblem problem);

// Safe to share between threads.
class InteractiveCodeGrant final : public Grant {
 public:
  InteractiveCodeGrant(const Interactive& interactive, registry::Revocations& revocations) : interactive_(interactive), revocations_(revocations) {}
  std::string_view grant_type() const override;
  // Clients without enterprise-managed authorization are mostly programs on people's devices: PKCE and the redirect URI are what they have (rules §1.6).
  bool allows_public_clients() const override { return true; }
  Task<Outcome> decide(const TokenRequest& request, const Client& client) override;

 private:
  const Interactive& interactive_;
  registry::Revocations& revocations_;
};

}  // namespace writ::token_service::resource_as
