#pragma once

// writ login --device: on a machine without a browser the person types a code elsewhere (RFC 8628). And what both ways of signing in send along: the key that
// this device registers.

#include "client/device_sign_in.h"
#include "client_world.h"

namespace writ::cli {

// The key that a device registers at sign-in, and for whom.
struct RegisteringKey {
  jose::SigningKey key;
  std::string client_id, issuer, device_name;
};

// Adds the key, its name, and the proof that this device holds it, tied to the very code that is redeemed.
void add_device_key(client::FormFields& form, const RegisteringKey& registering, const std::string& code, Instant now);

// Shows the code and waits for the person's answer. Blocks.
Result<client::SignInTokens, client::Failure> wait_for_approval(World& world, const client::AuthorizationServer& idp, const RegisteringKey& registering);

}  // namespace writ::cli
