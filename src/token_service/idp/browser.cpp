#include "token_service/idp/browser.h"

#include "crypto/hash.h"
#include "encoding/base64url.h"
#include "encoding/uri.h"
#include "token_service/form_request.h"

namespace writ::token_service::idp {

std::optional<LiveSession> live_session(const Idp& idp, const registry::Snapshot& snapshot, const http::Request& request, Instant now) {
  const auto cookie = Cookies::find(request, Cookies(idp.settings.issuer).session_name());
  if (!cookie || cookie->empty()) return std::nullopt;
  auto live = check_live(idp.sessions.find_by_cookie(*cookie), snapshot, idp.revocations, idp.settings, now);
  if (!live) return std::nullopt;
  return std::move(*live);
}

std::string form_token(const Idp& idp, std::string_view purpose, std::string_view browser, std::string_view carried) {
  std::string input;
  for (const std::string_view part : {purpose, browser, carried}) input += std::to_string(part.size()) + ":" + std::string(part);
  return base64url::encode(crypto::hmac_sha256(idp.form_key.reveal(), input));
}

bool is_form_token(const Idp& idp, std::string_view token, std::string_view purpose, std::string_view browser, std::string_view carried) {
  return !browser.empty() && crypto::constant_time_equal(token, form_token(idp, purpose, browser, carried));
}

bool is_same_origin(const Idp& idp, const http::Request& request) {
  const auto* origin = request.headers.find("Origin");
  if (!origin) return true;   // old browsers and programs; the form token decides
  const auto issuer = uri::parse(idp.settings.issuer);
  return request.headers.count("Origin") == 1 && issuer && *origin == issuer->origin();
}

Result<std::string, WishProblem> read_wish(const Idp& idp, const http::Request& request, const Session& session, std::string_view purpose, std::string_view name) {
  const bool is_form = check_post(request).has_value() && check_media_type(request).has_value();
  const auto form = is_form ? read_form(request) : Result<form::Parameters, FormProblem>(unexpected(FormProblem::malformed_form));
  if (!form || form->first_repeated({})) return unexpected(WishProblem::malformed);
  const auto* csrf = form->find("csrf");
  if (!is_same_origin(idp, request) || !csrf || !is_form_token(idp, *csrf, purpose, session.id, "")) return unexpected(WishProblem::of_another);
  const auto* wish = form->find(name);
  return wish ? *wish : std::string();
}

}  // namespace writ::token_service::idp
