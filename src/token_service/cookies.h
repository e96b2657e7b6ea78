#pragma once

// Cookies of these servers: at the IdP the session, and the browser before it has one (which ties the sign-in form to it); and what a browser that is on its
// way elsewhere carries until it comes back.

#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace writ::token_service {

// Off loopback: `__Host-` names with Secure, so that no other host and no plain connection can set or see them (A4). On loopback http
// browsers would not send them back with Secure, so there they have neither.
class Cookies {
 public:
  explicit Cookies(std::string_view issuer) : secure_(issuer.starts_with("https:")) {}

  std::string session_name() const { return secure_ ? "__Host-writ_session" : "writ_session"; }
  std::string browser_name() const { return secure_ ? "__Host-writ_browser" : "writ_browser"; }
  std::string named(std::string_view name) const { return (secure_ ? "__Host-" : "") + std::string(name); }
  // The value when the cookie was sent exactly once; two of one name mean that somebody else planted one.
  static std::optional<std::string> find(const http::Request& request, std::string_view name);
  std::string set(std::string_view name, std::string_view value) const;
  std::string clear(std::string_view name) const;

 private:
  bool secure_;
};

}  // namespace writ::token_service
