#include "token_service/idp/authorize.h"

#include <algorithm>

#include "crypto/password.h"
#include "crypto/random.h"
#include "encoding/uri.h"
#include "token_service/form_request.h"
#include "token_service/idp/authentication_context.h"
#include "token_service/idp/authorization_request.h"
#include "token_service/idp/browser.h"
#include "token_service/idp/client_request.h"
#include "token_service/idp/federation/authentication_request.h"
#include "token_service/idp/pages.h"
#include "token_service/idp/second_factor_sign_in.h"
#include "token_service/idp/second_factors.h"
#include "token_service/idp/sign_in_completion.h"

namespace writ::token_service::idp {
namespace {

constexpr const char* kSignInForm = "sign-in";

std::string origin_of(const std::string& address) {
  const auto parsed = uri::parse(address);
  return parsed ? parsed->origin() : std::string();
}

bool may_have_password(const registry::User* user) {
  return user && user->kind == registry::User::Kind::person && !user->password_hash.empty();
}

// Providers are links, not buttons of a form: browsers would hold every redirect of the provider against this page's form-action.
void offer_providers(const Idp& idp, SignInPage& page) {
  if (!idp.federation) return;
  const auto snapshot = idp.registry.get();
  std::size_t with_domains = 0;
  for (const auto& connector : snapshot->objects().identity_connectors) {
    if (!connector.active) continue;
    const std::string name = connector.display_name.empty() ? connector.id : connector.display_name;
    page.providers.push_back({name, idp.settings.endpoint("federation") + "/start?" + form::write({{"connector", connector.id}, {"continue", page.continue_with}})});
    if (!connector.domains.empty()) ++with_domains;
  }
  if (page.providers.empty()) return;
  if (page.providers.size() > 1 && with_domains > 0) page.email_action = idp.settings.endpoint("federation") + "/start";
  const auto& users = snapshot->objects().users;
  page.has_password = std::any_of(users.begin(), users.end(), [](const auto& user) { return user.active && may_have_password(&user); });
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
  offer_providers(idp, page);
  auto response = sign_in_page(status, page);
  if (is_new) response.headers.add("Set-Cookie", cookies.set(cookies.browser_name(), *browser));
  return response;
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

// Pure: what the person's record and the verifier's word come to. A disabled account says so only to who knows its password.
std::optional<SignInProblem> sign_in_problem(const registry::User* user, bool password_right) {
  if (!user) return SignInProblem::unknown_user;
  if (!may_have_password(user)) return SignInProblem::no_password;
  if (!password_right) return SignInProblem::wrong_password;
  if (!user->active) return SignInProblem::user_disabled;
  return std::nullopt;
}

RedirectedError unmet(const AuthorizationRequest& request) {
  return redirected(request, "unmet_authentication_requirements", "none of the acr_values can be met here");
}

struct Attempt {
  std::string username, continue_with;
  std::optional<AuthorizationRequest> request;
};

Task<http::Response> refuse_attempt(const Idp& idp, const http::Request& http, const Attempt& attempt, const registry::User* user,
                                    SignInProblem problem, Instant now) {
  const AuthorizationRequest* request = attempt.request ? &*attempt.request : nullptr;
  audit::Record record = sign_in_record(user, attempt.username, http, request, now);
  record.effect = audit::Effect::deny;
  record.reason = to_string(problem);
  // A guesser must not buy a disk flush with each guess.
  audit::Commit commit{std::move(record), std::nullopt, std::nullopt, audit::Durability::process};
  const auto committed = co_await idp.log.commit(std::move(commit));
  if (!committed) co_return unavailable_page(idp);
  const char* message = problem == SignInProblem::user_disabled
                            ? "This account is disabled. Ask your administrator to enable it."
                            : "User name or password is wrong. Check both and try again, or ask your administrator for a new password.";
  co_return form(idp, http, 400, attempt.continue_with, request, attempt.username, message);
}

}  // namespace

Task<http::Response> authorize(const Idp& idp, const http::Request& http) {
  const Instant now = idp.clock.now();
  const auto snapshot = idp.registry.get();
  const auto parameters = parameters_of(http);
  if (!parameters) {
    co_return message_page(400, idp.settings.organisation, "This sign-in cannot continue", "The request of the application is malformed.");
  }
  auto fetching = fetch_client_document(idp, *parameters, *snapshot, now);
  co_await fetching;
  auto beginning = begin_pushed_request(idp, *parameters, now);
  const auto begun = co_await beginning;
  if (!begun) co_return unavailable_page(idp);
  auto request = check_client_request(idp, *parameters, *snapshot, Arrival::begins, now);
  if (!request) co_return answer(idp, request.error());
  const auto hinted = hinted_user(idp, *request, now);
  if (!hinted) {
    co_return answer(idp, redirected(*request, "invalid_request", "id_token_hint is not a token of this issuer"));
  }
  auto live = live_session(idp, *snapshot, http, now);
  const SignInNeed need = sign_in_need(*request, live ? &*live : nullptr, *hinted, snapshot->authentication_levels(), now);
  if (need == SignInNeed::none) {
    auto response = co_await give_code(idp, std::move(*request), std::move(*live), now);
    co_return response;
  }
  if (request->prompt == AuthorizationRequest::Prompt::none) {
    co_return answer(idp, redirected(*request, "login_required", "nobody is signed in as asked"));
  }
  // Upstream providers may know values that mean nothing here.
  const bool is_local = snapshot->objects().identity_connectors.empty();
  if (is_local && !means_for(request->acr_values, snapshot->authentication_levels(), idp.settings)) co_return answer(idp, unmet(*request));
  const std::string continue_with = form::write(parameters->pairs());
  // Nothing to choose: the address says whose it is, or there is one way in.
  const auto* provider = idp.federation ? home_realm(*snapshot, request->login_hint) : nullptr;
  if (!provider && idp.federation) provider = only_way_in(*snapshot);
  if (provider) {
    std::string email;
    auto response = co_await send_upstream(idp, http, *provider, continue_with, std::move(email));
    co_return response;
  }
  co_return form(idp, http, 200, continue_with, &*request, {}, {});
}

http::Response sign_in_again(const Idp& idp, const http::Request& http, int status, const std::string& continue_with, std::string message) {
  const auto snapshot = idp.registry.get();
  const auto carried = form::parse(continue_with);
  const auto request = carried && !continue_with.empty() ? check_client_request(idp, *carried, *snapshot, Arrival::goes_on, idp.clock.now())
                                                         : Result<AuthorizationRequest, AuthorizationRefusal>(unexpected(AuthorizationRefusal(PageProblem::client_unknown)));
  // A request that is none is not carried any further.
  return form(idp, http, status, request ? continue_with : std::string(), request ? &*request : nullptr, {}, std::move(message));
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
    auto request = carried ? check_client_request(idp, *carried, *snapshot, Arrival::goes_on, idp.clock.now())
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
  const std::vector<std::string> asked = request ? request->acr_values : std::vector<std::string>{};
  const Levels levels = snapshot->authentication_levels();
  const auto means = means_for(asked, levels, idp.settings);
  const bool is_enrolled = idp.second_factors && idp.second_factors->is_enrolled(user->id);
  if (!means || (*means == Means::password_and_code && !idp.second_factors)) {
    // Better no answer than one that is worth less than was asked for: the resource would ask again (RFC 9470 §5).
    co_return answer(idp, unmet(*request));
  }
  if (*means == Means::password_and_code || is_enrolled) co_return ask_second_factor(idp, http, attempt.continue_with, request, *user, now);
  SignIn signed_in;
  signed_in.user = user;
  signed_in.name = attempt.username;
  signed_in.how = "password";
  signed_in.acr = acr_of(Means::password, asked, levels, idp.settings);
  signed_in.amr = amr_of(Means::password);
  signed_in.auth_time = now;
  auto response = co_await complete_sign_in(idp, http, std::move(attempt.request), std::move(signed_in), now);
  co_return response;
}

}  // namespace writ::token_service::idp
