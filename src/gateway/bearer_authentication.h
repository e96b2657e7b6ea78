#pragma once

// Who calls: the complete check of an access token at its resource (EMA-25, MCPA-100 to MCPA-105, G4).

#include <cstdint>
#include <memory>
#include <string>

#include "base/task.h"
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

// The text of the one Bearer token of a request. Only the Authorization field counts; a body is never looked at.
Result<std::string_view, TokenRefusal> find_token(const http::Request& request);

// Safe to share between threads.
class BearerAuthentication {
 public:
  BearerAuthentication(const Settings& settings, IssuerKeys& keys, const registry::Revocations& revocations)
      : settings_(settings), keys_(keys), revocations_(revocations), verified_(settings.verified_tokens_max) {}

  // Signature, type, issuer, audience, claims. Needs check_time() and resolve() to be believed. `server` outlives the task.
  Task<Result<std::shared_ptr<const AccessToken>, TokenRefusal>> authenticate(const http::Request& request, const registry::Server& server,
                                                                                     Instant now);

  // What can change while a token lives. Both are asked on each request; the second again for whatever is still being answered.
  Result<void, TokenRefusal> check_time(const AccessToken& token, Instant now) const;
  Result<Caller, TokenRefusal> resolve(const AccessToken& token, const registry::Snapshot& snapshot) const;

 private:
  const Settings& settings_;
  IssuerKeys& keys_;
  const registry::Revocations& revocations_;
  VerifiedTokens verified_;
};

}  // namespace writ::gateway
