#pragma once

// The conversation with the IdP, where this server is a client like any other: OpenID Connect with PKCE and nonce, over HTTP, and every claim checked.

#include "encoding/form.h"
#include "policy/step_up.h"
#include "token_service/resource_as/interactive/interactive_request.h"
#include "token_service/resource_as/interactive/pending_authorization.h"
#include "token_service/resource_as/proven_claims.h"

namespace writ::token_service::resource_as {

enum class SignInFailure {
  not_registered,          // our own agent is not at the IdP
  issuer_not_trusted,      // the IdP is no trusted issuer, or is disabled
  iss_mismatch,            // RFC 9207: an answer of somebody else
  refused_by_idp,          // an error came back instead of a code
  no_code,
  idp_unreachable,
  code_refused,
  answer_malformed,
  keys_unavailable,
  id_token_invalid,        // the detail says which rule
};
std::string_view to_string(SignInFailure failure);
bool is_outage(SignInFailure failure);

struct NotSignedIn {
  SignInFailure failure;
  std::string detail{};   // for the record; of refused_by_idp: the error code
};

class SignInAtIdp {
 public:
  explicit SignInAtIdp(const Interactive& interactive) : interactive_(interactive) {}

  // Where to send the browser. Absent: our own agent is not registered at the IdP.
  std::optional<std::string> address(const registry::Snapshot& snapshot, const PendingAuthorization& pending, const InteractiveRequest& request, const policy::StepUp* step_up) const;

  // What came back in the browser that `pending` was found in: the code for an ID token, and the ID token for claims. `request` is the client's.
  Task<Result<VerifiedSignIn, NotSignedIn>> finish(std::shared_ptr<const registry::Snapshot> snapshot, PendingAuthorization pending, form::Parameters answer, const InteractiveRequest& request) const;

 private:
  const registry::Registration* own_registration(const registry::Snapshot& snapshot) const;
  const Interactive& interactive_;
};

}  // namespace writ::token_service::resource_as
