#pragma once

// Leg 1: a subject token in, an ID-JAG out (RFC 8693; Identity Assertion JWT Authorization Grant, "Token Exchange").

#include "token_service/idp/idp.h"
#include "token_service/idp/refusal.h"

namespace writ::token_service::idp {

class TokenExchangeGrant final : public Grant {
 public:
  explicit TokenExchangeGrant(const Idp& idp) : idp_(idp) {}
  std::string_view grant_type() const override;
  audit::Event event() const override { return audit::Event::id_jag; }
  Task<Outcome> decide(const TokenRequest& request, const Client& client) override;

 private:
  const Idp& idp_;
};

}  // namespace writ::token_service::idp
