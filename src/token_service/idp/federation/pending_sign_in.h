#pragma once

// A sign-in that is under way at a provider. It lives sealed in a cookie of the browser that began it, so that an answer in any other browser is nobody's
// (login CSRF, code injection), strangers cannot fill a store with beginnings, and any node of the deployment can take the answer.

#include <optional>
#include <string>
#include <string_view>

#include "token_service/cookies.h"
#include "token_service/idp/idp.h"

namespace writ::token_service::idp {

inline constexpr Seconds kPendingFor{600};

struct PendingSignIn {
  std::string state;            // 32 random bytes in base64url; names the cookie
  std::string connector;
  std::string continue_with;    // the application's authorization request; empty: none
  Instant expires{};
};
PendingSignIn new_pending(std::string connector, std::string continue_with, Instant now);

// What goes to the provider with it. Both follow from the state and a key of this deployment: nobody else can know them.
std::string nonce_of(const Idp& idp, const PendingSignIn& pending);
std::string verifier_of(const Idp& idp, const PendingSignIn& pending);

// Absent: the application's request is too long to be carried.
std::optional<std::string> cookie_for(const Idp& idp, const PendingSignIn& pending);
std::string clearing_cookie_for(const Idp& idp, const PendingSignIn& pending);
// Cookies of earlier beginnings, when there are so many that they get in the way.
std::vector<std::string> clearing_cookies_of_others(const Idp& idp, const http::Request& request);

// The sign-in that this browser began with that state and that is still under way.
std::optional<PendingSignIn> find_pending(const Idp& idp, const http::Request& request, std::string_view state, Instant now);

}  // namespace writ::token_service::idp
