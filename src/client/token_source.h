#pragma once

// Where the access tokens of requests to a protected MCP server come from. McpHttp asks; whoever implements this decides which way is gone:
// the enterprise's (Access), or another grant (grants/).

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "client/challenge.h"
#include "client/failure.h"

namespace writ::client {

struct GrantedAccess {
  std::string access_token;
  std::string scope;
  std::string resource, resource_as;
  Instant expires{};
  bool stepped_up = false;         // the person signed in again for this answer
};

class TokenSource {
 public:
  virtual ~TokenSource() = default;

  // A token for calling `url`. `challenge` is that of the 401 or 403 that was just received, or empty. `rejected` is the token that the
  // server did not accept: a cached copy of it is not handed out again.
  // Where a better sign-in is asked for the person signs in again: once, and only if it `may`; asked again after that, it is
  // FailureKind::step_up_needed. Used on one executor.
  enum class StepUp { may, may_not };
  virtual Task<Result<GrantedAccess, Failure>> token_for(std::string url, Challenge challenge, std::string rejected, StepUp step_up) = 0;
};

}  // namespace writ::client
