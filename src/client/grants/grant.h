#pragma once

// A way to an access token once it is known where, and for what: GrantAccess discovers and remembers, a Grant asks.

#include <optional>
#include <string>

#include "client/metadata.h"
#include "client/token_request.h"

namespace writ::client {

struct GrantTarget {
  std::string url;                       // of the MCP server
  ProtectedResource resource;            // its identifier goes into requests verbatim (RFC 8707)
  AuthorizationServer server;
  Possession* possession = nullptr;      // set: the token request proves this key (RFC 9449)
};

struct GrantWish {
  std::string scope;                     // may be empty: what the server gives by default
  std::string acr_values;                // RFC 9470: how the person must sign in this time
  std::optional<std::int64_t> max_age_seconds;
  bool signs_in_again = false;           // one of the two is asked for: what was granted before does not do
};

class Grant {
 public:
  virtual ~Grant() = default;
  // Whether this authorization server can be asked at all; else why not. Without a request.
  virtual Result<void, Failure> check(const AuthorizationServer& server) const = 0;
  virtual Task<Result<AccessToken, Failure>> obtain(GrantTarget target, GrantWish wish) = 0;
};

}  // namespace writ::client
