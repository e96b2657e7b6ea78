#pragma once

// Signing in where there is no browser (RFC 8628): the device shows a code, the person types it elsewhere. Pure: waiting and sending are the caller's.

#include <optional>
#include <string>

#include "client/credentials.h"
#include "client/failure.h"
#include "client/token_request.h"

namespace writ::client {

struct DeviceSignIn {
  std::string device_code;
  std::string user_code, verification_uri;   // shown to the person
  std::string verification_uri_complete;     // may be empty
  Seconds expires_in{600}, interval{5};
};

FormFields device_authorization_form(const std::string& scope);
// Refuses an address that is neither https nor on this machine, and a code that would not print.
Result<DeviceSignIn, Failure> read_device_authorization(const http::OutgoingResponse& answer);

FormFields device_code_form(const DeviceSignIn& begun);
// Nothing: the person has not answered yet. `interval` grows when the IdP asks for less (RFC 8628 §3.5).
Result<std::optional<SignInTokens>, Failure> read_device_poll(const http::OutgoingResponse& answer, Seconds& interval);

}  // namespace writ::client
