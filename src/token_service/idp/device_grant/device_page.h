#pragma once

// {origin}/device: where a person who is signed in types the code that a device shows, sees which agent waits and from where, and lets it in or not. Nothing
// is approved by an address alone: a link that somebody else sent shows the same question (RFC 8628 §5.4).

#include "http/message.h"
#include "token_service/idp/device_grant/device_requests.h"
#include "token_service/idp/idp.h"

namespace writ::token_service::idp {

// What the page works with, beside the IdP. Outlives it.
struct DevicePage {
  const Idp& idp;
  DeviceRequests& requests;
  CodeGuesses guesses{};
};

Task<http::Response> show_device_page(DevicePage& page, const http::Request& http);      // GET
Task<http::Response> answer_device_page(DevicePage& page, const http::Request& http);    // POST: the code, then the answer

}  // namespace writ::token_service::idp
