#pragma once

#include "token_service/idp/idp.h"

namespace writ::token_service::idp {

// The code of a sign-in in; an ID token, an access token for this IdP and, when asked for, a refresh token out (RFC 6749 §4.1.3, RFC 7636).
class AuthorizationCodeGrant final : public Grant {
 public:
  explicit AuthorizationCodeGrant(const Idp& idp) : idp_(idp) {}
  std::string_view grant_type() const override;
  audit::Event event() const override { return audit::Event::token_refreshed; }
  bool allows_public_clients() const override { return true; }   // PKCE ties the code to who began
  Task<Outcome> decide(const TokenRequest& request, const Client& client) override;

 private:
  const Idp& idp_;
};

}  // namespace writ::token_service::idp
