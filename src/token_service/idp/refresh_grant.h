#pragma once

#include "token_service/idp/idp.h"

namespace writ::token_service::idp {

// A refresh token in; an ID token, an access token for this IdP and the next refresh token out (rotation: refresh_rotation.h).
class RefreshGrant final : public Grant {
 public:
  explicit RefreshGrant(const Idp& idp) : idp_(idp) {}
  std::string_view grant_type() const override;
  audit::Event event() const override { return audit::Event::token_refreshed; }
  bool allows_public_clients() const override { return true; }   // OB-135: rotated, or bound to a device key
  Task<Outcome> decide(const TokenRequest& request, const Client& client) override;

 private:
  const Idp& idp_;
};

}  // namespace writ::token_service::idp
