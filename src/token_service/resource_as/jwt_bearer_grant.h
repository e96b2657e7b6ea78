#pragma once

// Leg 2: an ID-JAG in, an access token for one MCP server out (RFC 7523 §2.1; ID-JAG draft -04, "Access Token Request").

#include "linked_accounts/accounts.h"
#include "policy/decision.h"
#include "registry/revocations.h"
#include "token_service/grant.h"
#include "token_service/resource_as/issuer_keys.h"
#include "token_service/resource_as/refusal.h"
#include "token_service/resource_as/settings.h"
#include "token_service/signing_keys.h"

namespace writ::token_service::resource_as {

// Safe to share between threads. Everything passed in outlives it.
class JwtBearerGrant final : public Grant {
 public:
  JwtBearerGrant(const Settings& settings, IssuerKeys& issuer_keys, const SigningKeys& signing_keys, const policy::Current& policy,
                 const registry::Revocations& revocations, policy::DecisionPoints* decision_points = nullptr,
                 linked_accounts::LinkedAccounts* accounts = nullptr, const registry::Current* registry = nullptr);

  std::string_view grant_type() const override;
  audit::Event event() const override { return audit::Event::access_token; }
  Task<Outcome> decide(const TokenRequest& request, const Client& client) override;

 private:
  struct Redemption;
  Result<const registry::TrustedIssuer*, Failure> find_issuer(Redemption& redemption) const;
  struct Checked;
  Result<Checked, Failure> check(Redemption& redemption, const registry::TrustedIssuer& issuer, const jose::KeySet& keys) const;
  Task<Result<std::optional<Refusal>, Unavailable>> meet(Redemption& redemption) const;
  Result<Granted, Unavailable> issue(Redemption& redemption, const registry::TrustedIssuer& issuer, const Checked& checked) const;

  const Settings& settings_;
  IssuerKeys& issuer_keys_;
  const SigningKeys& signing_keys_;
  const policy::Current& policy_;
  const registry::Revocations& revocations_;
  policy::DecisionPoints* decision_points_;   // null: what one is configured for is refused
  linked_accounts::LinkedAccounts* accounts_;  // null: a subject that nobody is linked to stays unknown
  const registry::Current* registry_;          // there where `accounts_` is
};

}  // namespace writ::token_service::resource_as
