#include "token_service/idp/authorize.h"

#include <algorithm>

#include "base/overloaded.h"
#include "crypto/password.h"
#include "crypto/random.h"
#include "encoding/uri.h"
#include "oauth/identifiers.h"
#include "token_service/form_request.h"
#include "token_service/idp/authorization_request.h"
#include "token_service/idp/browser.h"
#include "token_service/idp/pages.h"
#include "token_service/idp/tokens.h"

namespace writ::token_service::idp {
namespace {

constexpr const char* kSignInForm = "sign-in";

std::string origin_of(const std::string& address) {
  const auto parsed = uri::parse(address);
  return parsed ? parsed->origin() : std::string();
}

http::Response answer(const Idp& idp, const AuthorizationRefusal& refusal) {
  return std::visit(Overloaded{[&](PageProblem problem) {
                                 return message_page(400, idp.settings.organisation, "This sign-in cannot continue", explain(problem));
                               },
                               [&](const RedirectedError& error) { return redirect(error_location(error, idp.settings.issuer)); }},
                    refusal);
}

http::Response unavailable(const Idp& idp) {
  auto response = message_page(503, idp.settings.organisation, "Please try again in a moment",
                               "The sign-in service cannot answer now. Nothing was changed.");
  response.headers.set("Retry-After", "5");
  return response;
}

// Shows the form, tied to this browser; gives the browser its cookie when it has none.
http::Response form(const Idp& idp, const http::Request& http, int status, const std::string& continue_with,
                    const AuthorizationRequest* request, std::string username, std::string message) {
  const Cookies cookies(idp.settings.issuer);
  auto browser = Cookies::find(http, cookies.browser_name());
  const bool is_new = !browser || browser->empty();
  if (is_new) browser = crypto::random_token();
  SignInPage page;
  page.organisation = idp.settings.organisation;
  page.action = idp.settings.endpoint("sign-in");
  page.csrf = form_token(idp, kSignInForm, *browser, continue_with);
  page.continue_with = continue_with;
  page.username = std::move(username);
  page.message = std::move(message);
  if (request) {
    page.application = request->agent->display_name.empty() ? request->agent->id : request->agent->display_name;
    page.redirect_origin = origin_of(request->redirect_uri);
    if (page.username.empty()) page.username = request->login_hint;
  }
  auto response = sign_in_page(status, page);
  if (is_new) response.headers.add("Set-Cookie", cookies.set(cookies.browser_name(), *browser));
  return response;
}

// The person that an id_token_hint names. A hint that is no token of ours names nobody.
Result<std::optional<std::string>, OwnTokenProblem> hinted_user(const Idp& idp, const AuthorizationRequest& request, Instant now) {
  if (request.id_token_hint.empty()) return std::optional<std::string>{};
  const auto keys = idp.keys.current();
  auto own = verify_own(request.id_token_hint, oauth::kTypIdToken, *keys, idp.settings, now, Expired::accepted);
  if (!own) return unexpected(own.error());
  return std::optional<std::string>{own->user_id};
}

Task<http::Response> give_code(const Idp& idp, AuthorizationRequest request, LiveSession live, Instant now) {
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
  code.scope = request.scope.to_string();
  code.expires = now + Seconds{std::min<std::int64_t>(idp.settings.authorization_code_seconds, 600)};
  const auto added = co_await idp.codes.add(std::move(code));
  if (!added) co_return unavailable(idp);
  const auto touched = co_await idp.sessions.touch(live.session.id, now);
  if (!touched) co_return unavailable(idp);
  co_return redirect(success_location(request, text, idp.settings.issuer));
}

Result<form::Parameters, FormProblem> parameters_of(const http::Request& request) {
  if (request.method == "POST") {
    TRY(check_post(request));
    TRY(check_media_type(request));
    return read_form(request);
  }
  auto parsed = form::parse(request.query);
  if (!parsed) return unexpected(FormProblem::malformed_form);
  return std::move(*parsed);
}

// ---- the password

enum class SignInProblem { unknown_user, no_password, wrong_password, user_disabled };
const char* to_string(SignInProblem problem) {
  switch (problem) {
    case SignInProblem::unknown_user: return "unknown_user";
    case SignInProblem::no_password: return "no_password";
    case SignInProblem::wrong_password: return "wrong_password";
    case SignInProblem::user_disabled: return "user_disabled";
  }
  return "wrong_password";
}

bool may_have_password(const registry::User* user) {
  return user && user->kind == registry::User::Kind::person && !user->password_hash.empty();
}

// Pure: what the person's record and the verifier's word come to. A disabled account says so only to who knows its password.
std::optional<SignInProblem> sign_in_problem(const registry::User* user, bool password_right) {
  if (!user) return SignInProblem::unknown_user;
  if (!may_have_password(user)) return SignInProblem::no_password;
  if (!password_right) return SignInProblem::wrong_password;
  if (!user->active) return SignInProblem::user_disabled;
  return std::nullopt;
}

audit::Record sign_in_record(const registry::User* user, std::string_view name, const http::Request& request, Instant now) {
  audit::Record record;
  record.event = audit::Event::sign_in;
  record.time = now;
  record.peer = request.peer.address;
  if (user) record.user = user->id;
  record.user_name = user ? user->name : std::string(name);
  return record;
}

struct Attempt {
  std::string username, continue_with;
  std::optional<AuthorizationRequest> request;
};

Task<http::Response> refuse_attempt(const Idp& idp, const http::Request& http, const Attempt& attempt, const registry::User* user,
                                    SignInProblem problem, Instant now) {
  audit::Record record = sign_in_record(user, attempt.username, http, now);
  record.effect = audit::Effect::deny;
  record.reason = to_string(problem);
  const AuthorizationRequest* request = attempt.request ? &*attempt.request : nullptr;
  if (request) record.agent = request->agent->id, record.client_id = request->registration->client_id;
  // A guesser must not buy a disk flush with each guess.
  audit::Commit commit{std::move(record), std::nullopt, std::nullopt, audit::Durability::process};
  const auto committed = co_await idp.log.commit(std::move(commit));
  if (!committed) co_return unavailable(idp);
  const char* message = problem == SignInProblem::user_disabled
                            ? "This account is disabled. Ask your administrator to enable it."
                            : "User name or password is wrong. Check both and try again, or ask your administrator for a new password.";
  co_return form(idp, http, 400, attempt.continue_with, request, attempt.username, message);
}

// A new session with a new id and a new cookie; what the browser presented is never adopted (A4).
struct NewSession {
  Session session;
  std::string cookie;
};
NewSession new_session(const Idp& idp, const registry::User& user, const http::Request& request, Instant now) {
  NewSession created;
  created.cookie = crypto::random_token(32);
  created.session.id = "ses_" + crypto::random_token();
  created.session.user_id = user.id;
  created.session.cookie_digest = digest_of(created.cookie);
  created.session.created = created.session.last_seen = created.session.auth_time = now;
  created.session.acr = idp.settings.acr_password;
  created.session.amr = {"pwd"};
  created.session.peer = request.peer.address;
  return created;
}

Task<Result<NewSession, Unavailable>> begin_session(const Idp& idp, const http::Request& http, const Attempt& attempt,
                                                    const registry::User& user, Instant now) {
  NewSession created = new_session(idp, user, http, now);
  audit::Record record = sign_in_record(&user, attempt.username, http, now);
  record.effect = audit::Effect::allow;
  record.reason = "password";
  record.session = created.session.id;
  if (attempt.request) record.agent = attempt.request->agent->id, record.client_id = attempt.request->registration->client_id;
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

Task<http::Response> welcome(const Idp& idp, Attempt attempt, const registry::User& user, NewSession created, Instant now) {
  const Cookies cookies(idp.settings.issuer);
  http::Response response;
  if (attempt.request) {
    const auto hinted = hinted_user(idp, *attempt.request, now);
    if (!hinted || (*hinted && **hinted != user.id)) {
      // The application asked for one particular person; somebody else signed in (OIDC Core §3.1.2.1, id_token_hint).
      response = redirect(error_location(redirected(*attempt.request, "login_required", "another person signed in"), idp.settings.issuer));
    } else {
      AuthorizationRequest request = std::move(*attempt.request);
      LiveSession live{created.session, &user};
      auto given = co_await give_code(idp, std::move(request), std::move(live), now);
      response = std::move(given);
    }
  } else {
    response = message_page(200, idp.settings.organisation, "You are signed in", "You can close this page.");
  }
  response.headers.add("Set-Cookie", cookies.set(cookies.session_name(), created.cookie));
  response.headers.add("Set-Cookie", cookies.clear(cookies.browser_name()));
  co_return response;
}

}  // namespace

Task<http::Response> authorize(const Idp& idp, const http::Request& http) {
  const Instant now = idp.clock.now();
  const auto snapshot = idp.registry.get();
  const auto parameters = parameters_of(http);
  if (!parameters) {
    co_return message_page(400, idp.settings.organisation, "This sign-in cannot continue", "The request of the application is malformed.");
  }
  auto request = check_authorization_request(*parameters, *snapshot);
  if (!request) co_return answer(idp, request.error());
  const auto hinted = hinted_user(idp, *request, now);
  if (!hinted) {
    co_return answer(idp, redirected(*request, "invalid_request", "id_token_hint is not a token of this issuer"));
  }
  auto live = live_session(idp, *snapshot, http, now);
  const SignInNeed need = sign_in_need(*request, live ? &*live : nullptr, *hinted, now);
  if (need == SignInNeed::none) {
    auto response = co_await give_code(idp, std::move(*request), std::move(*live), now);
    co_return response;
  }
  if (request->prompt == AuthorizationRequest::Prompt::none) {
    co_return answer(idp, redirected(*request, "login_required", "nobody is signed in as asked"));
  }
  const std::string continue_with = form::write(parameters->pairs());
  co_return form(idp, http, 200, continue_with, &*request, {}, {});
}

Task<http::Response> show_sign_in(const Idp& idp, const http::Request& http) { co_return form(idp, http, 200, {}, nullptr, {}, {}); }

Task<http::Response> sign_in(const Idp& idp, const http::Request& http) {
  const auto snapshot = idp.registry.get();
  const auto parameters = parameters_of(http);
  if (!parameters || parameters->first_repeated({})) {
    co_return message_page(400, idp.settings.organisation, "This sign-in cannot continue", "The form is malformed. Go back and try again.");
  }
  const auto text = [&](const char* name) { return parameters->find(name) ? *parameters->find(name) : std::string(); };
  Attempt attempt{text("username"), text("continue"), std::nullopt};
  if (!attempt.continue_with.empty()) {
    // What comes back from the browser is a stranger's request again and is checked from its beginning.
    const auto carried = form::parse(attempt.continue_with);
    auto request = carried ? check_authorization_request(*carried, *snapshot)
                           : Result<AuthorizationRequest, AuthorizationRefusal>(
                                 unexpected(AuthorizationRefusal(PageProblem::client_unknown)));
    if (!request) co_return answer(idp, request.error());
    attempt.request = std::move(*request);
  }
  const AuthorizationRequest* request = attempt.request ? &*attempt.request : nullptr;
  const auto browser = Cookies::find(http, Cookies(idp.settings.issuer).browser_name()).value_or("");
  if (!is_same_origin(idp, http) || !is_form_token(idp, text("csrf"), kSignInForm, browser, attempt.continue_with)) {
    co_return form(idp, http, 403, attempt.continue_with, request, attempt.username,
                   "This form was too old or did not come from this page. Please sign in again.");
  }
  const auto turn = idp.throttle.admit(http.peer.address, idp.clock.now());
  if (const auto* too_many = std::get_if<TooMany>(&turn)) {
    auto response = form(idp, http, 429, attempt.continue_with, request, attempt.username,
                         "Too many attempts from your network. Wait a few seconds and try again.");
    response.headers.set("Retry-After", std::to_string(too_many->retry_after.count()));
    co_return response;
  }
  const Milliseconds wait = std::get<GoAhead>(turn).wait;
  if (wait.count() > 0 && idp.pause) co_await idp.pause(wait);

  const registry::User* user = snapshot->user_by_name(attempt.username);
  // The same work for people who do not exist (T6).
  std::string phc = may_have_password(user) ? user->password_hash : crypto::unmatchable_password_hash();
  const bool right = co_await idp.passwords.verify(Secret(text("password")), std::move(phc));
  const Instant now = idp.clock.now();
  const auto problem = sign_in_problem(user, right);
  idp.throttle.settled(http.peer.address, problem ? SignInThrottle::Outcome::failed : SignInThrottle::Outcome::succeeded, now);
  if (problem) {
    auto response = co_await refuse_attempt(idp, http, attempt, user, *problem, now);
    co_return response;
  }
  auto created = co_await begin_session(idp, http, attempt, *user, now);
  if (!created) co_return unavailable(idp);
  auto response = co_await welcome(idp, std::move(attempt), *user, std::move(*created), now);
  co_return response;
}

}  // namespace writ::token_service::idp
