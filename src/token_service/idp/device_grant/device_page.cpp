#include "token_service/idp/device_grant/device_page.h"

#include "audit/record.h"
#include "token_service/form_request.h"
#include "token_service/idp/browser.h"
#include "token_service/idp/device_grant/device_authorization.h"
#include "token_service/idp/return_address.h"
#include "token_service/idp/sign_in_completion.h"
#include "token_service/page.h"

namespace writ::token_service::idp {
namespace {

constexpr const char* kForm = "device";
constexpr const char* kTryAgain = "This form was too old or did not come from this page. Please try again.";

struct Visit {
  DevicePage& page;
  const http::Request& http;
  std::shared_ptr<const registry::Snapshot> snapshot;
  std::optional<LiveSession> live;
  Instant now;

  // Tied to the session and to the code: an answer to one question is no answer to another.
  std::string csrf(std::string_view carried) const { return form_token(page.idp, kForm, live->session.id, carried); }
  std::string person() const { return live->user->display_name.empty() ? live->user->name : live->user->display_name; }
};

Visit visit_of(DevicePage& page, const http::Request& http) {
  Visit visit{page, http, page.idp.registry.get(), std::nullopt, page.idp.clock.now()};
  visit.live = live_session(page.idp, *visit.snapshot, http, visit.now);
  return visit;
}

http::Response sign_in_first(const Visit& visit) {
  const Idp& idp = visit.page.idp;
  http::Response response = redirect(idp.settings.endpoint("sign-in"));
  const bool is_link = visit.http.method == "GET" && !visit.http.query.empty() && visit.http.query.size() < 200;
  response.headers.add("Set-Cookie", returning_cookie(idp, verification_uri(idp) + (is_link ? "?" + visit.http.query : "")));
  return response;
}

http::Response code_page(const Visit& visit, int status, std::string_view typed, std::string_view message) {
  std::string body = "<h1>Connect a device</h1><p>Type the code that your device or command line shows.</p>";
  if (!message.empty()) body += "<p class=\"message\" role=\"alert\">" + escape_html(message) + "</p>";
  body += "<form method=\"post\" action=\"" + escape_html(verification_uri(visit.page.idp)) + "\">" + hidden("csrf", visit.csrf("")) +
          "<label for=\"user_code\">Code</label><input id=\"user_code\" class=\"code\" type=\"text\" name=\"user_code\" autocomplete=\"off\" autocapitalize=\"characters\" spellcheck=\"false\" "
          "maxlength=\"12\" placeholder=\"XXXX-XXXX\" required autofocus" +
          (typed.empty() ? std::string() : " value=\"" + escape_html(typed) + "\"") + "><button type=\"submit\">Continue</button></form>" +
          "<p class=\"foot\">Signed in as " + escape_html(visit.person()) + " at " + escape_html(visit.page.idp.settings.organisation) + ".</p>";
  return page(status, "Connect a device · " + visit.page.idp.settings.organisation, body);
}

std::string ago(Seconds seconds) {
  if (seconds < Seconds{60}) return "less than a minute ago";
  const auto minutes = seconds.count() / 60;
  return std::to_string(minutes) + (minutes == 1 ? " minute ago" : " minutes ago");
}

http::Response question_page(const Visit& visit, const DeviceRequest& request, const registry::Agent& agent) {
  const std::string name = agent.display_name.empty() ? agent.id : agent.display_name, code = shown_code(request.user_code);
  const std::string body =
      "<h1>Connect " + escape_html(name) + "?</h1><p>It will work in your name, as " + escape_html(visit.person()) + ", with what your organisation allows it.</p>"
      "<dl><dt>Code</dt><dd><code>" + code + "</code></dd><dt>Asked from</dt><dd>" + escape_html(request.peer.empty() ? "an unknown address" : request.peer) + ", " + ago(std::chrono::duration_cast<Seconds>(visit.now - request.created)) +
      "</dd></dl><p class=\"message\">Go on only if you began this yourself, just now, and your device shows this very code. If somebody sent you here, deny it.</p>"
      "<form method=\"post\" action=\"" + escape_html(verification_uri(visit.page.idp)) + "\">" + hidden("csrf", visit.csrf(request.user_code)) + hidden("confirmed_code", request.user_code) +
      "<button type=\"submit\" name=\"answer\" value=\"connect\">Connect</button><button type=\"submit\" name=\"answer\" value=\"deny\" class=\"quiet\">Deny</button></form>";
  return page(200, "Connect " + name + "? · " + visit.page.idp.settings.organisation, body);
}

audit::Record record_of_answer(const Visit& visit, const DeviceRequest* request, audit::Effect effect, const char* reason) {
  audit::Record record = sign_in_record(visit.live->user, visit.live->user->name, visit.http, nullptr, visit.now);
  record.effect = effect;
  record.reason = reason;
  record.session = visit.live->session.id;
  if (!request) return record;
  record.agent = request->agent_id, record.client_id = request->client_id;
  record.more.emplace_back("asked_from", request->peer);
  return record;
}

// The agent that waits, if it may still be let in.
const registry::Agent* waiting_agent(const Visit& visit, const DeviceRequest& request) {
  const auto* agent = visit.snapshot->agent_at_idp(request.client_id);
  return agent && agent->active && agent->id == request.agent_id ? agent : nullptr;
}

Task<http::Response> look_up(Visit visit, std::string typed) {
  const std::string user = visit.live->user->id;
  if (!visit.page.guesses.may_try(user, visit.now)) co_return code_page(visit, 429, typed, "Too many wrong codes. Wait ten minutes and try again.");
  const auto request = visit.page.requests.find_waiting(typed, visit.now);
  const auto* agent = request ? waiting_agent(visit, *request) : nullptr;
  if (agent) co_return question_page(visit, *request, *agent);
  visit.page.guesses.failed(user, visit.now);
  audit::Commit commit{record_of_answer(visit, nullptr, audit::Effect::deny, "device_user_code_unknown"), std::nullopt, std::nullopt, audit::Durability::process};
  const auto committed = co_await visit.page.idp.log.commit(std::move(commit));
  if (!committed) co_return unavailable_page(visit.page.idp);
  co_return code_page(visit, 400, typed, "No device waits with this code. Codes are good for ten minutes: check it, or begin again on the device.");
}

Task<http::Response> settle(Visit visit, DeviceRequest request, bool connect) {
  const Idp& idp = visit.page.idp;
  audit::Commit commit{record_of_answer(visit, &request, connect ? audit::Effect::allow : audit::Effect::deny, connect ? "device_approved" : "device_denied"), std::nullopt, std::nullopt, audit::Durability::power};
  const auto committed = co_await idp.log.commit(std::move(commit));
  if (!committed) co_return unavailable_page(idp);
  if (connect) {
    AuthorizationCode code = approved_code(request, *visit.live);
    const auto added = co_await idp.codes.add(std::move(code));
    if (!added) co_return unavailable_page(idp);
  }
  const auto state = connect ? DeviceRequest::State::approved : DeviceRequest::State::denied;
  auto deciding = visit.page.requests.decide(request.user_code, state, visit.now);
  const auto is_first = co_await deciding;
  if (!is_first) co_return unavailable_page(idp);
  if (!*is_first) co_return code_page(visit, 409, {}, "This code was answered already, or its time is over.");
  co_return connect ? message_page(200, idp.settings.organisation, "Connected", "You can close this page. Your device goes on by itself.")
                    : message_page(200, idp.settings.organisation, "Denied", "The device was not connected. If you did not begin this, tell your administrator.");
}

}  // namespace

Task<http::Response> show_device_page(DevicePage& page, const http::Request& http) {
  const Visit visit = visit_of(page, http);
  if (!visit.live) co_return sign_in_first(visit);
  const auto asked = form::parse(http.query);
  const auto* code = asked && !asked->first_repeated({}) ? asked->find("user_code") : nullptr;
  co_return code_page(visit, 200, code && code->size() <= 16 ? std::string_view(*code) : std::string_view(), {});
}

Task<http::Response> answer_device_page(DevicePage& page, const http::Request& http) {
  Visit visit = visit_of(page, http);
  if (!visit.live) co_return sign_in_first(visit);
  const bool is_form = check_post(http).has_value() && check_media_type(http).has_value();
  const auto form = is_form ? read_form(http) : Result<form::Parameters, FormProblem>(unexpected(FormProblem::malformed_form));
  if (!form || form->first_repeated({})) co_return code_page(visit, 400, {}, kTryAgain);
  const auto text = [&](const char* name) { return form->find(name) ? *form->find(name) : std::string(); };
  const std::string confirmed = text("confirmed_code");
  if (!is_same_origin(page.idp, http) || !is_form_token(page.idp, text("csrf"), kForm, visit.live->session.id, confirmed)) co_return code_page(visit, 403, {}, kTryAgain);
  if (confirmed.empty()) {
    auto looking = look_up(std::move(visit), text("user_code"));
    co_return co_await looking;
  }
  auto request = page.requests.find_waiting(confirmed, visit.now);
  const std::string answer = text("answer");
  if (!request || !waiting_agent(visit, *request) || (answer != "connect" && answer != "deny")) co_return code_page(visit, 400, {}, "This code was answered already, or its time is over.");
  auto settling = settle(std::move(visit), std::move(*request), answer == "connect");
  co_return co_await settling;
}

}  // namespace writ::token_service::idp
