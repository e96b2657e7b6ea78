#pragma once

// Signing in by browser: what `writ login` does, and `writ connect` when a server asks for a better sign-in.

#include "client/failure.h"
#include "command.h"
#include "saved_login.h"

namespace writ::cli {

// Opens the browser, waits for it, saves what it brings, and returns it. Blocks, with an event loop of its own: may run on a thread beside
// others. `present`: the sign-in that is there, whose device key is kept when it is of the same issuer and agent; absent: a new key.
Result<SavedLogin, client::Failure> sign_in(const LoginOptions& options, const std::optional<SavedLogin>& present);

}  // namespace writ::cli
