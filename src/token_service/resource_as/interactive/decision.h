#pragma once

// What a person who signed in may have through a client without enterprise-managed authorization: the same rules, in the same order, as for an ID-JAG.
// Asked before a code is given, and again when it is redeemed.

#include "token_service/resource_as/entitlement.h"
#include "token_service/resource_as/interactive/interactive.h"

namespace writ::token_service::resource_as {

struct AskedBy {
  const registry::Agent* agent = nullptr;
  registry::ClientAuthentication method = registry::ClientAuthentication::none;
  std::string peer;
  Instant now{};
};
struct Decided {
  const registry::User* user = nullptr;
  const registry::Server* server = nullptr;
  Entitlement entitlement;
};
// `sign_in`, `record` and what `asked` points to outlive the task. The record fills up with what is known, also by a refusal.
Task<Result<Decided, Failure>> decide_for(const Interactive& interactive, std::shared_ptr<const registry::Snapshot> snapshot, const VerifiedSignIn& sign_in, AskedBy asked, audit::Record& record);

}  // namespace writ::token_service::resource_as
