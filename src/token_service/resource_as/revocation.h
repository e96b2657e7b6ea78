#pragma once

// Token revocation (RFC 7009): a client gives an access token back. It is refused everywhere from the moment of the answer.

#include "registry/revocations.h"
#include "token_service/grant.h"
#include "token_service/resource_as/settings.h"
#include "token_service/signing_keys.h"

namespace writ::token_service::resource_as {

class Revocation final : public Grant {
 public:
  Revocation(const Settings& settings, const SigningKeys& signing_keys, registry::Revocations& revocations);

  std::string_view grant_type() const override { return ""; }
  audit::Event event() const override { return audit::Event::token_revoked; }
  // The record comes first, then the change; both are durable before the answer (rules §6.4).
  Task<Outcome> decide(const TokenRequest& request, const Client& client) override;

 private:
  const Settings& settings_;
  const SigningKeys& signing_keys_;
  registry::Revocations& revocations_;
};

}  // namespace writ::token_service::resource_as
