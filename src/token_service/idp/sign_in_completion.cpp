#include "token_service/idp/sign_in_completion.h"

#include <algorithm>

#include "base/overloaded.h"
#include "crypto/random.h"
#include "oauth/identifiers.h"
#include "token_service/idp/browser.h"
#include "token_service/idp/pages.h"
#include "token_service/idp/return_address.h"

namespace writ::token_service::idp {
namespace {

// A new session with a new id and a new cookie; what the browser presented is never adopted (A4).
struct NewSession {
  Session session;
  std::string cookie;
};

NewSession new_session(SignIn sign_in, const http::Request& request, Instant now) {
  NewSession created;
  created.cookie = crypto::random_token(32);
  Session& session = created.session;
  session.id = "ses_" + crypto::random_token();
  session.user_id = sign_in.user->id;
  session.cookie_digest = digest_of(created.cookie);
  session.created = session.last_seen = now;
  session.auth_time = sign_in.auth_time;
  session.acr = std::move(sign_in.acr);
  session.amr = std::move(sign_in.amr);
  session.peer = request.peer.address;
  session.upstream = std::move(sign_in.upstream);
  session.ends = sign_in.ends;
  return created;
}

Task<Result<NewSession, Unavailable>> begin_session(const Idp& idp, const http::Request& http, const AuthorizationRequest* request, SignIn sign_in, Instant now) {
  audit::Record record = sign_in_record(sign_in.user, sign_in.name, http, request, now);
  record.effect = audit::Effect::allow;
  record.reason = sign_in.how;
  record.issuer = sign_in.upstream.issuer;
  record.more = sign_in.more;
  NewSession created = new_session(std::move(sign_in), http, now);
  record.session = created.session.id;
  audit::Commit commit{std::move(record), std::nullopt, std::nullopt, audit::Durability::power};
  const auto committed = co_await idp.log.commit(std::move(commit));
  if (!committed) co_return unexpected(committed.error());
  const auto added = co_await idp.sessions.add(created.session);
  if (!added) co_return unexpected(added.error());
  // The browser's earlier session goes on for the agents that live on it, but no cookie opens it any more.
  const auto cookie = Cookies::find(http, Cookies(idp.settings.issuer).session_name());
  if (const auto earlier = cookie ? idp.sessions.find_by_cookie(*cookie) : std::nullopt) {
    const auto closed = co_await idp.sessions.forget_cookie(earlier->id);
    if (!closed) co_return unexpected(closed.error());
  }
  co_return created;
}

}  // namespace

audit::Record sign_in_record(const registry::User* user, std::string_view name, const http::Request& request, const AuthorizationRequest* asked, Instant now) {
  audit::Record record;
  record.event = audit::Event::sign_in;
  record.time = now;
  record.peer = request.peer.address;
  record.trail = request.trail;
  if (user) record.user = user->id;
  record.user_name = user ? user->name : std::string(name);
  if (asked) record.agent = asked->agent->id, record.client_id = asked->registration->client_id;
  return record;
}

http::Response answer(const Idp& idp, const AuthorizationRefusal& refusal) {
  return std::visit(Overloaded{[&](PageProblem problem) {
                                 return message_page(400, idp.settings.organisation, "This sign-in cannot continue", explain(problem));
                               },
                               [&](const RedirectedError& error) { return redirect(error_location(error, idp.settings.issuer)); }},
                    refusal);
}

http::Response unavailable_page(const Idp& idp) {
  auto response = message_page(503, idp.settings.organisation, "Please try again in a moment",
                               "The sign-in service cannot answer now. Nothing was changed.");
  response.headers.set("Retry-After", "5");
  return response;
}

Result<std::optional<std::string>, OwnTokenProblem> hinted_user(const Idp& idp, const AuthorizationRequest& request, Instant now) {
  if (request.id_token_hint.empty()) return std::optional<std::string>{};
  const auto keys = idp.keys.current();
  auto own = verify_own(request.id_token_hint, oauth::kTypIdToken, *keys, idp.settings, now, Expired::accepted);
  if (!own) return unexpected(own.error());
  return std::optional<std::string>{own->user_id};
}

Task<http::Response> give_code(const Idp& idp, AuthorizationRequest request, LiveSession live, Instant now) {
  // No second code comes of one pushed request.
  if (!request.request_uri.empty()) {
    auto taking = idp.pushed->take(request.request_uri, now);
    const auto is_first = co_await taking;
    if (!is_first) co_return unavailable_page(idp);
    if (!*is_first) co_return answer(idp, AuthorizationRefusal(PageProblem::request_uri_unknown));
  }
  const std::string text = crypto::random_token(32);
  AuthorizationCode code;
  code.digest = digest_of(text);
  code.grant_id = "grt_" + crypto::random_token();
  code.client_id = request.registration->client_id;
  code.agent_id = request.agent->id;
  code.user_id = live.user->id;
  code.sid = live.session.id;
  code.redirect_uri = request.redirect_uri;
  code.code_challenge = request.code_challenge;
  code.nonce = request.nonce;
  code.dpop_jkt = request.dpop_jkt;
  code.scope = request.scope.to_string();
  code.expires = now + Seconds{std::min<std::int64_t>(idp.settings.authorization_code_seconds, 600)};
  const auto added = co_await idp.codes.add(std::move(code));
  if (!added) co_return unavailable_page(idp);
  const auto touched = co_await idp.sessions.touch(live.session.id, now);
  if (!touched) co_return unavailable_page(idp);
  co_return redirect(success_location(request, text, idp.settings.issuer));
}

Task<http::Response> complete_sign_in(const Idp& idp, const http::Request& http, std::optional<AuthorizationRequest> request, SignIn sign_in, Instant now) {
  const registry::User* user = sign_in.user;
  auto created = co_await begin_session(idp, http, request ? &*request : nullptr, std::move(sign_in), now);
  if (!created) co_return unavailable_page(idp);
  const Cookies cookies(idp.settings.issuer);
  http::Response response;
  if (request) {
    const auto hinted = hinted_user(idp, *request, now);
    if (!hinted || (*hinted && **hinted != user->id)) {
      // The application asked for one particular person; somebody else signed in (OIDC Core §3.1.2.1, id_token_hint).
      response = redirect(error_location(redirected(*request, "login_required", "another person signed in"), idp.settings.issuer));
    } else {
      AuthorizationRequest wanted = std::move(*request);
      LiveSession live{created->session, user};
      auto given = co_await give_code(idp, std::move(wanted), std::move(live), now);
      response = std::move(given);
    }
  } else if (const auto back = return_address(idp, http)) {
    response = redirect(*back);
    response.headers.add("Set-Cookie", clearing_returning_cookie(idp));
  } else {
    response = message_page(200, idp.settings.organisation, "You are signed in", "You can close this page.");
  }
  response.headers.add("Set-Cookie", cookies.set(cookies.session_name(), created->cookie));
  response.headers.add("Set-Cookie", cookies.clear(cookies.browser_name()));
  co_return response;
}

}  // namespace writ::token_service::idp
