#pragma once

// A client's request while its person signs in at the IdP. It lives sealed in a cookie of the browser that began it: an answer in any other browser is
// nobody's (login CSRF, code injection), and strangers fill no store with beginnings.

#include <optional>
#include <string>
#include <string_view>

#include "token_service/cookies.h"
#include "token_service/resource_as/interactive/interactive.h"

namespace writ::token_service::resource_as {

inline constexpr Seconds kPendingFor{600};

struct PendingAuthorization {
  std::string state;         // 32 random bytes in base64url; names the cookie
  std::string request;       // the client's, as a query
  bool stepped_up = false;   // the person was asked for a better sign-in already
  Instant expires{};
};
PendingAuthorization new_pending(std::string request, bool stepped_up, Instant now);

// What goes to the IdP with it. Both follow from the state and a key of this deployment: nobody else can know them.
std::string nonce_of(const Interactive& interactive, const PendingAuthorization& pending);
std::string verifier_of(const Interactive& interactive, const PendingAuthorization& pending);

// A Set-Cookie value. Absent: the request is too long to be carried.
std::optional<std::string> cookie_for(const Interactive& interactive, const PendingAuthorization& pending);
std::string clearing_cookie_for(const Interactive& interactive, const PendingAuthorization& pending);
std::optional<PendingAuthorization> find_pending(const Interactive& interactive, const http::Request& http, std::string_view state, Instant now);

}  // namespace writ::token_service::resource_as
