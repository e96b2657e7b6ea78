#include "token_service/idp/return_address.h"

#include "encoding/base64url.h"
#include "encoding/uri.h"
#include "token_service/idp/browser.h"
#include "token_service/cookies.h"

namespace writ::token_service::idp {
namespace {

constexpr const char* kPurpose = "return address";

std::string cookie_name(const Idp& idp) { return idp.settings.issuer.starts_with("https:") ? "__Host-writ_return" : "writ_return"; }

bool is_at_our_origin(const Idp& idp, const std::string& address) {
  const auto there = uri::parse(address), here = uri::parse(idp.settings.issuer);
  return there && here && !there->has_userinfo && there->origin() == here->origin();
}

}  // namespace

std::string returning_cookie(const Idp& idp, const std::string& address) {
  return Cookies(idp.settings.issuer).set(cookie_name(idp), base64url::encode(address) + "." + form_token(idp, kPurpose, "return", address)) + "; Max-Age=600";
}

std::optional<std::string> return_address(const Idp& idp, const http::Request& request) {
  const auto cookie = Cookies::find(request, cookie_name(idp));
  const auto dot = cookie ? cookie->find('.') : std::string::npos;
  if (dot == std::string::npos) return std::nullopt;
  auto address = base64url::decode(cookie->substr(0, dot));
  if (!address || !is_form_token(idp, cookie->substr(dot + 1), kPurpose, "return", *address) || !is_at_our_origin(idp, *address)) return std::nullopt;
  return address;
}

std::string clearing_returning_cookie(const Idp& idp) { return Cookies(idp.settings.issuer).clear(cookie_name(idp)); }

}  // namespace writ::token_service::idp
