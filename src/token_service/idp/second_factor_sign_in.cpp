#include "token_service/idp/client_request.h"
#include "token_service/idp/second_factor_sign_in.h"

#include <algorithm>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/seal.h"
#include "encoding/base64url.h"
#include "encoding/uri.h"
#include "token_service/form_request.h"
#include "token_service/idp/authentication_context.h"
#include "token_service/idp/browser.h"
#include "token_service/idp/pages.h"
#include "token_service/idp/second_factors.h"
#include "token_service/idp/sign_in_completion.h"

namespace writ::token_service::idp {
namespace {

constexpr const char* kFactorForm = "second-factor";
constexpr Seconds kBetweenSteps{300};
constexpr std::size_t kRecoveryCodes = 8;

// What the password has proved, and what is offered for enrolment. It rests in the form alone.
struct Step {
  std::string user_id;
  Instant password_at{};
  std::string password;                  // digest of the stored hash: a new password ends the step
  std::string secret;                    // enrolment: raw bytes; empty: the person has an app
  std::vector<std::string> codes;        // enrolment
};

crypto::SealingKey step_key(const Idp& idp) { return crypto::SealingKey(Secret(crypto::hmac_sha256(idp.form_key.reveal(), "sealing of the second step"))); }

std::string seal(const Idp& idp, const Step& step) {
  const json::Value value{{"user", step.user_id}, {"at", step.password_at.time_since_epoch().count()}, {"password", step.password},
                          {"secret", base64url::encode(step.secret)}, {"codes", json::from_strings(step.codes)}};
  return base64url::encode(step_key(idp).seal(json::write(value), kFactorForm));
}

std::optional<Step> open(const Idp& idp, std::string_view sealed) {
  const auto bytes = base64url::decode(sealed);
  const auto plain = bytes ? step_key(idp).open(*bytes, kFactorForm) : std::nullopt;
  if (!plain) return std::nullopt;
  const auto value = json::parse(plain->reveal());
  if (!value) return std::nullopt;
  const auto* user = value->find_string("user");
  const auto* at = value->find_int("at");
  const auto* password = value->find_string("password");
  const auto* secret = value->find_string("secret");
  const auto* codes = value->find("codes");
  if (!user || !at || !password || !secret || !codes) return std::nullopt;
  return Step{*user, Instant{Milliseconds{*at}}, *password, base64url::decode(*secret).value_or(""), json::to_strings(*codes).value_or(std::vector<std::string>{})};
}

// The form is tied to the browser, to what it continues with, and to the sealed step: none can be swapped for another.
std::string carried(const std::string& continue_with, const std::string& sealed) { return std::to_string(continue_with.size()) + ":" + continue_with + sealed; }

http::Response show(const Idp& idp, const http::Request& http, int status, const std::string& continue_with, const AuthorizationRequest* request, const registry::User& user,
                    const Step& step, std::string message) {
  const auto browser = Cookies::find(http, Cookies(idp.settings.issuer).browser_name()).value_or("");
  SecondFactorPage page;
  page.organisation = idp.settings.organisation;
  page.action = idp.settings.endpoint("sign-in/factor");
  page.step = seal(idp, step);
  page.csrf = form_token(idp, kFactorForm, browser, carried(continue_with, page.step));
  page.continue_with = continue_with;
  page.user_name = user.name;
  page.message = std::move(message);
  if (!step.secret.empty()) {
    const Secret secret(step.secret);
    page.secret = grouped(base32(secret.reveal()), 4);
    page.otpauth_uri = otpauth_uri(idp.settings.organisation, user.name, secret);
    page.recovery_codes = step.codes;
  }
  if (request) {
    const auto parsed = uri::parse(request->redirect_uri);
    page.redirect_origin = parsed ? parsed->origin() : std::string();
  }
  return second_factor_page(status, page);
}

// From the beginning, with the request as it came: it is checked again there.
http::Response start_again(const Idp& idp, const std::string& continue_with) {
  return redirect(continue_with.empty() ? idp.settings.endpoint("sign-in") : idp.settings.endpoint("authorize") + "?" + continue_with);
}

const char* reason_of(SecondFactors::Used used) {
  switch (used) {
    case SecondFactors::Used::totp: return "totp";
    case SecondFactors::Used::recovery_code: return "recovery_code";
    case SecondFactors::Used::wrong: return "wrong_code";
    case SecondFactors::Used::replayed: return "code_replayed";
    case SecondFactors::Used::not_enrolled: return "not_enrolled";
  }
  return "wrong_code";
}

struct Shown {
  SecondFactors::Used used = SecondFactors::Used::wrong;
  bool enrolled_now = false;
};

// Enrols with the first code of the new app, or uses up a code of the one that is there.
Task<Result<Shown, Unavailable>> judge(const Idp& idp, const Step& step, std::string typed, Instant now) {
  Shown shown;
  if (step.secret.empty()) {
    auto used = co_await idp.second_factors->use(step.user_id, std::move(typed), now);
    if (!used) co_return unexpected(used.error());
    shown.used = *used;
    co_return shown;
  }
  const std::string code = normalized_code(typed);
  const CodeMatch match = code.empty() ? CodeMatch{} : match_totp(Secret(step.secret), code, now, 0);
  if (!match.step) co_return shown;
  std::vector<std::string> digests;
  for (const auto& one : step.codes) digests.push_back(recovery_digest(one));
  Secret secret(step.secret);
  const auto enrolled = co_await idp.second_factors->enrol(step.user_id, std::move(secret), *match.step, std::move(digests), now);
  if (!enrolled) co_return unexpected(enrolled.error());
  shown.used = *enrolled ? SecondFactors::Used::totp : SecondFactors::Used::not_enrolled;
  shown.enrolled_now = *enrolled;
  co_return shown;
}

Task<http::Response> refuse(const Idp& idp, const http::Request& http, const std::string& continue_with, const AuthorizationRequest* request, const registry::User& user,
                            const Step& step, SecondFactors::Used used, Instant now) {
  audit::Record record = sign_in_record(&user, user.name, http, request, now);
  record.effect = audit::Effect::deny;
  record.reason = reason_of(used);
  audit::Commit commit{std::move(record), std::nullopt, std::nullopt, audit::Durability::process};
  const auto committed = co_await idp.log.commit(std::move(commit));
  if (!committed) co_return unavailable_page(idp);
  // Somebody enrolled this person meanwhile: from here on that app counts.
  if (used == SecondFactors::Used::not_enrolled) co_return start_again(idp, continue_with);
  const char* message = used == SecondFactors::Used::replayed ? "This code was used already. Wait for the next one." : "The code is not right. Check the clock of your device and try the code that is shown now.";
  co_return show(idp, http, 400, continue_with, request, user, step, message);
}

}  // namespace

http::Response ask_second_factor(const Idp& idp, const http::Request& http, const std::string& continue_with, const AuthorizationRequest* request,
                                 const registry::User& user, Instant now) {
  Step step{user.id, now, digest_of(user.password_hash), {}, {}};
  if (!idp.second_factors->is_enrolled(user.id)) {
    step.secret = crypto::random_bytes(kTotpSecretBytes);
    step.codes = new_recovery_codes(kRecoveryCodes);
  }
  return show(idp, http, 200, continue_with, request, user, step, {});
}

Task<http::Response> second_factor(const Idp& idp, const http::Request& http) {
  const auto snapshot = idp.registry.get();
  const auto posted = check_post(http);
  const auto media_type = check_media_type(http);
  const auto parameters = read_form(http);
  if (!posted || !media_type || !parameters || parameters->first_repeated({})) {
    co_return message_page(400, idp.settings.organisation, "This sign-in cannot continue", "The form is malformed. Go back and try again.");
  }
  const auto text = [&](const char* name) { return parameters->find(name) ? *parameters->find(name) : std::string(); };
  const std::string continue_with = text("continue"), sealed = text("step");
  std::optional<AuthorizationRequest> request;
  if (!continue_with.empty()) {
    const auto pairs = form::parse(continue_with);
    auto checked = pairs ? check_client_request(idp, *pairs, *snapshot, Arrival::goes_on, idp.clock.now())
                         : Result<AuthorizationRequest, AuthorizationRefusal>(unexpected(AuthorizationRefusal(PageProblem::client_unknown)));
    if (!checked) co_return answer(idp, checked.error());
    request = std::move(*checked);
  }
  const auto browser = Cookies::find(http, Cookies(idp.settings.issuer).browser_name()).value_or("");
  const auto step = open(idp, sealed);
  const Instant arrived = idp.clock.now();
  const registry::User* user = step ? snapshot->user(step->user_id) : nullptr;
  const bool stands = idp.second_factors && user && user->active && is_same_origin(idp, http) &&
                      is_form_token(idp, text("csrf"), kFactorForm, browser, carried(continue_with, sealed)) && arrived < step->password_at + kBetweenSteps &&
                      crypto::constant_time_equal(step->password, digest_of(user->password_hash));
  if (!stands) co_return start_again(idp, continue_with);

  // By source as passwords are, and by person: whoever gets here knows the password, and must not guess from a thousand sources.
  const auto by_source = idp.throttle.admit(http.peer.address, arrived);
  const auto by_person = idp.second_factors->throttle().admit(user->id, arrived);
  const bool both = std::holds_alternative<GoAhead>(by_source) && std::holds_alternative<GoAhead>(by_person);
  if (!both) {
    if (std::holds_alternative<GoAhead>(by_source)) idp.throttle.settled(http.peer.address, SignInThrottle::Outcome::failed, arrived);
    if (std::holds_alternative<GoAhead>(by_person)) idp.second_factors->throttle().settled(user->id, SignInThrottle::Outcome::failed, arrived);
    auto response = show(idp, http, 429, continue_with, request ? &*request : nullptr, *user, *step, "Too many wrong codes. Wait a minute and try again.");
    response.headers.set("Retry-After", "60");
    co_return response;
  }
  const Milliseconds wait = std::get<GoAhead>(by_source).wait;
  if (wait.count() > 0 && idp.pause) co_await idp.pause(wait);

  const Instant now = idp.clock.now();
  const auto shown = co_await judge(idp, *step, text("code"), now);
  const bool right = shown && (shown->used == SecondFactors::Used::totp || shown->used == SecondFactors::Used::recovery_code);
  const auto outcome = right ? SignInThrottle::Outcome::succeeded : SignInThrottle::Outcome::failed;
  idp.throttle.settled(http.peer.address, outcome, now);
  idp.second_factors->throttle().settled(user->id, outcome, now);
  if (!shown) co_return unavailable_page(idp);
  if (!right) {
    auto response = co_await refuse(idp, http, continue_with, request ? &*request : nullptr, *user, *step, shown->used, now);
    co_return response;
  }
  SignIn signed_in;
  signed_in.user = user;
  signed_in.name = user->name;
  signed_in.how = "password_and_code";
  signed_in.amr = amr_of(Means::password_and_code);
  signed_in.acr = acr_of(Means::password_and_code, request ? request->acr_values : std::vector<std::string>{}, snapshot->authentication_levels(), idp.settings);
  signed_in.auth_time = now;
  signed_in.more.emplace_back("factor", reason_of(shown->used));
  if (shown->enrolled_now) signed_in.more.emplace_back("enrolled", "true");
  auto response = co_await complete_sign_in(idp, http, std::move(request), std::move(signed_in), now);
  co_return response;
}

}  // namespace writ::token_service::idp
