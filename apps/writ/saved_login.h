#pragma once

// What `writ login` leaves on this device: the device's private key, the refresh token bound to it, and the last ID token. One file of mode 0600
// in a folder of mode 0700 (B4); never in arguments, the environment or a log.

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "private_file.h"

namespace writ::cli {

struct SavedLogin {
  std::string idp_issuer;
  std::string client_id, device_id;
  std::string user;                    // how the IdP names the person, for people
  Secret device_key_pem, refresh_token, id_token;
  Instant id_token_expires{};
};

// Absent when nobody is signed in. The error is a sentence: a file that is damaged, or open to others, is not used.
Result<std::optional<SavedLogin>, std::string> load_login();
// Replaces the file in one step: a crash leaves the old one or the new one.
Result<void, std::string> save_login(const SavedLogin& login);
Result<void, std::string> forget_login();

}  // namespace writ::cli
