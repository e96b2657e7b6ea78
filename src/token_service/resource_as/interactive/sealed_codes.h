#pragma once

// Authorization codes that carry what they stand for, sealed: nothing is stored for a code, any node of the deployment can redeem one, and the decisions log
// lets each be redeemed once (OB-136).

#include "token_service/resource_as/interactive/interactive.h"
#include "token_service/resource_as/proven_claims.h"

namespace writ::token_service::resource_as {

struct CodeContent {
  std::string client_id, agent_id;      // whom it was given to
  std::string redirect_uri, code_challenge;
  Instant expires{};
};

class SealedCodes {
 public:
  static constexpr Seconds kLifetime{60};
  explicit SealedCodes(const Interactive& interactive) : interactive_(interactive) {}

  std::string seal(const CodeContent& content, const VerifiedSignIn& sign_in) const;
  struct Opened {
    CodeContent content;
    VerifiedSignIn sign_in;
  };
  // Absent for whatever this deployment did not seal.
  std::optional<Opened> open(std::string_view code) const;
  // The name of the one token that a code gives, so that a replay finds and revokes it.
  std::string token_id(std::string_view code) const;

 private:
  const Interactive& interactive_;
};

}  // namespace writ::token_service::resource_as
