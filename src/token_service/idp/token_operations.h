#pragma once

// What clients may do with tokens that they have: revoke (RFC 7009) and ask about (RFC 7662). Each is the one plug of its endpoint.

#include "token_service/idp/idp.h"

namespace writ::token_service::idp {

class RevocationOperation final : public Grant {
 public:
  explicit RevocationOperation(const Idp& idp) : idp_(idp) {}
  std::string_view grant_type() const override { return {}; }
  audit::Event event() const override { return audit::Event::token_revoked; }
  bool allows_public_clients() const override { return true; }   // RFC 7009 §2.1: they name themselves, and the token must be theirs
  Task<Outcome> decide(const TokenRequest& request, const Client& client) override;

 private:
  const Idp& idp_;
};

class IntrospectionOperation final : public Grant {
 public:
  explicit IntrospectionOperation(const Idp& idp) : idp_(idp) {}
  std::string_view grant_type() const override { return {}; }
  audit::Event event() const override { return audit::Event::introspection; }
  Task<Outcome> decide(const TokenRequest& request, const Client& client) override;

 private:
  const Idp& idp_;
};

}  // namespace writ::token_service::idp
