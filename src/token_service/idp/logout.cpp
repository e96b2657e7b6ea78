#include "token_service/idp/logout.h"

#include "encoding/uri.h"
#include "oauth/identifiers.h"
#include "token_service/form_request.h"
#include "token_service/idp/browser.h"
#include "token_service/idp/federation/upstream_logout.h"
#include "token_service/idp/pages.h"
#include "token_service/idp/session_administration.h"
#include "token_service/idp/tokens.h"

namespace writ::token_service::idp {
namespace {

constexpr const char* kLogoutForm = "logout";
constexpr const char* kCarried[] = {"id_token_hint", "client_id", "post_logout_redirect_uri", "state"};

struct LogoutRequest {
  std::optional<OwnToken> hint;
  std::string location;   // where to afterwards; empty: stay here
  std::string origin;     // of `location`
};
enum class LogoutProblem { hint_invalid, client_mismatch, client_missing, redirect_uri_not_registered };

const char* explain(LogoutProblem problem) {
  switch (problem) {
    case LogoutProblem::hint_invalid: return "The application sent an ID token that is not from here (id_token_hint).";
    case LogoutProblem::client_mismatch: return "The application sent an ID token of another application (id_token_hint).";
    case LogoutProblem::client_missing: return "The application did not say who it is (id_token_hint or client_id).";
    case LogoutProblem::redirect_uri_not_registered:
      return "The application wants to lead you to an address that is not registered for it (post_logout_redirect_uri).";
  }
  return "The request is not accepted.";
}

// The registration that the request is about: by the hint's audience, or by client_id; both must agree.
Result<const registry::Registration*, LogoutProblem> check_client(const form::Parameters& parameters, const LogoutRequest& request,
                                                                  const registry::Snapshot& snapshot) {
  const auto* client_id = parameters.find("client_id");
  if (client_id && request.hint && !has_single_audience(request.hint->claims, *client_id)) {
    return unexpected(LogoutProblem::client_mismatch);
  }
  const std::string* named = client_id ? client_id : request.hint ? request.hint->claims.find_string("aud") : nullptr;
  const registry::Agent* agent = named ? snapshot.agent_at_idp(*named) : nullptr;
  if (!agent || !agent->idp) return unexpected(LogoutProblem::client_missing);
  return &*agent->idp;
}

Result<LogoutRequest, LogoutProblem> check_logout(const Idp& idp, const form::Parameters& parameters, const registry::Snapshot& snapshot,
                                                  Instant now) {
  LogoutRequest request;
  if (const auto* hint = parameters.find("id_token_hint")) {
    const auto keys = idp.keys.current();
    auto own = verify_own(*hint, oauth::kTypIdToken, *keys, idp.settings, now, Expired::accepted);
    if (!own) return unexpected(LogoutProblem::hint_invalid);
    request.hint = std::move(*own);
  }
  const auto* redirect_uri = parameters.find("post_logout_redirect_uri");
  if (!redirect_uri) return request;
  const registry::Registration* registration = TRY(check_client(parameters, request, snapshot));
  for (const auto& registered : registration->redirect_uris) {
    if (uri::redirect_matches(registered, *redirect_uri)) request.location = *redirect_uri;
  }
  if (request.location.empty()) return unexpected(LogoutProblem::redirect_uri_not_registered);
  if (const auto parsed = uri::parse(request.location)) request.origin = parsed->origin();
  if (const auto* state = parameters.find("state")) {
    request.location += (request.location.find('?') == std::string::npos ? "?" : "&") + form::write({{"state", *state}});
  }
  return request;
}

http::Response gone(const Idp& idp, const LogoutRequest& request) {
  const Cookies cookies(idp.settings.issuer);
  auto response = request.location.empty()
                      ? message_page(200, idp.settings.organisation, "You are signed out",
                                     "Agents that used this sign-in can no longer reach anything for you.")
                      : redirect(request.location);
  response.headers.add("Set-Cookie", cookies.clear(cookies.session_name()));
  return response;
}

http::Response ask(const Idp& idp, const form::Parameters& parameters, const LogoutRequest& request, const std::string& cookie,
                   const registry::User& user) {
  ConfirmPage page;
  page.organisation = idp.settings.organisation;
  page.title = "Sign out?";
  page.text = "You are signed in as " + (user.display_name.empty() ? user.name : user.display_name) +
              ". Agents that use this sign-in lose their access.";
  page.action = idp.settings.endpoint("logout");
  page.button = "Sign out";
  page.redirect_origin = request.origin;
  page.hidden.emplace_back("csrf", form_token(idp, kLogoutForm, cookie, {}));
  for (const char* name : kCarried) {
    if (const auto* value = parameters.find(name)) page.hidden.emplace_back(name, *value);
  }
  return confirm_page(page);
}

}  // namespace

Task<http::Response> logout(const Idp& idp, const http::Request& http) {
  const Instant now = idp.clock.now();
  const auto snapshot = idp.registry.get();
  const bool is_post = http.method == "POST";
  form::Parameters parameters;
  if (is_post) {
    const auto checked = check_media_type(http);
    auto read = read_form(http);
    if (checked && read) parameters = std::move(*read);
  } else if (auto parsed = form::parse(http.query)) {
    parameters = std::move(*parsed);
  }
  if (parameters.first_repeated({})) {
    co_return message_page(400, idp.settings.organisation, "This sign-out cannot continue", "The request names something twice.");
  }
  const auto request = check_logout(idp, parameters, *snapshot, now);
  if (!request) {
    co_return message_page(400, idp.settings.organisation, "This sign-out cannot continue", explain(request.error()));
  }
  const auto live = live_session(idp, *snapshot, http, now);
  if (!live) co_return gone(idp, *request);

  const std::string cookie = Cookies::find(http, Cookies(idp.settings.issuer).session_name()).value_or("");
  const auto* csrf = parameters.find("csrf");
  const bool confirmed = is_post && csrf && is_same_origin(idp, http) && is_form_token(idp, *csrf, kLogoutForm, cookie, {});
  // Only an application that this very person signed in to has such a token.
  const bool hinted = request->hint && request->hint->user_id == live->user->id;
  if (!confirmed && !hinted) co_return ask(idp, parameters, *request, cookie, *live->user);

  const auto ended = co_await end_session(idp, live->session.id, SessionEnd::signed_out, live->user->id, http.peer.address);
  if (!ended) {
    co_return message_page(503, idp.settings.organisation, "Please try again in a moment", "The sign-out could not be completed.");
  }
  LogoutRequest done = *request;
  // Otherwise the provider's own session would sign the next person at this browser in again without a word.
  auto upstream = co_await upstream_sign_out(idp, live->session.upstream, done.location);
  if (upstream) done.location = std::move(*upstream);
  co_return gone(idp, done);
}

}  // namespace writ::token_service::idp
