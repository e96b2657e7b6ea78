#pragma once

// The enterprise's way first; the person's own account only where the server's authorization servers do not know that way at all. A refusal, a
// denial, a registration that is missing: none of them opens the other door (IDJAG-133, docs/decisions/0038).

#include <set>
#include <string>

#include "client/token_source.h"

namespace writ::client {

class EnterpriseFirst final : public TokenSource {
 public:
  EnterpriseFirst(TokenSource& enterprise, TokenSource& own_account) : enterprise_(enterprise), own_account_(own_account) {}
  Task<Result<GrantedAccess, Failure>> token_for(std::string url, Challenge challenge, std::string rejected, StepUp step_up) override;

 private:
  TokenSource& enterprise_;
  TokenSource& own_account_;
  // A server that has known the enterprise's way, even to say no, does not lose it again while this process runs.
  std::set<std::string> is_enterprise_;
};

}  // namespace writ::client
