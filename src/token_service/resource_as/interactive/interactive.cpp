#include "token_service/resource_as/interactive/interactive.h"

#include <algorithm>

#include "crypto/hash.h"
#include "token_service/page.h"
#include "token_service/pushed_authorization.h"
#include "token_service/resource_as/interactive/decision.h"
#include "token_service/resource_as/interactive/interactive_request.h"
#include "token_service/resource_as/interactive/pending_authorization.h"
#include "token_service/resource_as/interactive/sealed_codes.h"
#include "token_service/resource_as/interactive/sign_in_at_idp.h"

namespace writ::token_service::resource_as {
namespace {

constexpr const char* kCannotContinue = "This connection cannot continue";

http::Response problem_page(const Interactive& interactive, int status, std::string_view text) {
  return message_page(status, interactive.settings.organisation, kCannotContinue, text);
}
http::Response try_again_page(const Interactive& interactive) {
  auto response = message_page(503, interactive.settings.organisation, "Please try again in a moment", "The sign-in service cannot answer now. Nothing was changed.");
  response.headers.set("Retry-After", "5");
  return response;
}

http::Response answer(const Interactive& interactive, const RequestFailure& failure) {
  if (const auto* problem = std::get_if<PageProblem>(&failure)) return problem_page(interactive, 400, explain(*problem));
  return redirect(error_location(std::get<RequestRefused>(failure), interactive.settings));
}

// Sends the browser to the IdP, with the client's request in a cookie.
http::Response send_to_idp(const Interactive& interactive, const registry::Snapshot& snapshot, const InteractiveRequest& request, std::string query, const policy::StepUp* step_up, Instant now) {
  const auto pending = new_pending(std::move(query), step_up != nullptr, now);
  const auto address = SignInAtIdp(interactive).address(snapshot, pending, request, step_up);
  if (!address) return redirect(error_location(refused(request, "temporarily_unavailable", "this server is not registered at its identity provider"), interactive.settings));
  const auto cookie = cookie_for(interactive, pending);
  if (!cookie) return redirect(error_location(refused(request, "invalid_request", "the request is too long"), interactive.settings));
  auto response = redirect(*address);
  response.headers.add("Set-Cookie", *cookie);
  return response;
}

// Only for an address that an administrator registered: strangers make this server call nowhere.
Task<void> fetch_document(const Interactive& interactive, const form::Parameters& parameters, const registry::Snapshot& snapshot, Instant now) {
  const auto* client_id = parameters.find("client_id");
  const auto found = client_id ? snapshot.agent_at_resource_as(interactive.settings.issuer, *client_id) : registry::Snapshot::AtResourceAs{};
  if (!interactive.documents || !found.agent || !found.agent->active || !found.registration || !found.registration->metadata_document) co_return;
  auto fetching = interactive.documents->find(found.registration->client_id, now);
  static_cast<void>(co_await fetching);
}

audit::Record record_of(const http::Request& http, const InteractiveRequest* request, const registry::Snapshot& snapshot, Instant now) {
  audit::Record record;
  record.event = audit::Event::access_token;
  record.time = now;
  record.peer = http.peer.address;
  record.trail = http.trail;
  record.object_sequence = snapshot.sequence();
  record.more.emplace_back(kInteractiveGrant, "authorize");
  if (!request) return record;
  record.agent = request->agent->id;
  record.client_id = request->registration->client_id;
  record.server = request->server->id;
  record.resource = request->server->resource;
  record.scope = request->scope.to_string();
  return record;
}

// What the client hears: the codes of RFC 6749 §4.1.2.1, and those of OpenID Connect that the IdP answered with.
std::string error_of(const NotSignedIn& failed) {
  static constexpr std::array<std::string_view, 6> kPassedOn{"login_required",   "interaction_required",  "account_selection_required",
                                                             "consent_required", "access_denied",         "unmet_authentication_requirements"};
  if (failed.failure == SignInFailure::refused_by_idp) return std::find(kPassedOn.begin(), kPassedOn.end(), failed.detail) != kPassedOn.end() ? failed.detail : "server_error";
  return is_outage(failed.failure) ? "temporarily_unavailable" : "server_error";
}

struct Told {
  const char* error;
  const char* description;
  bool with_code = true;
};
Told told(const Failure& failure) {
  constexpr Told kDenied{"access_denied", "the policy does not allow this"};
  if (std::holds_alternative<NeedsStepUp>(failure)) return {"unmet_authentication_requirements", "the sign-in is not of the kind that the policy asks for"};
  const auto* refusal = std::get_if<Refusal>(&failure);
  if (!refusal) return kDenied;
  switch (*refusal) {
    case Refusal::no_grantable_scope: return {"invalid_scope", "none of the scopes can be granted"};
    case Refusal::session_ended:
    case Refusal::session_expired:
    case Refusal::issued_before_not_before: return {"login_required", "the sign-in is no longer good", false};
    default: return kDenied;
  }
}

// What became of a sign-in, on record, and what the browser is answered.
Task<http::Response> refuse(const Interactive& interactive, audit::Record record, std::optional<RequestRefused> refusal, bool with_code, audit::Durability durability) {
  record.effect = audit::Effect::deny;
  audit::Commit commit{std::move(record), std::nullopt, std::nullopt, durability};
  const auto committed = co_await interactive.log.commit(std::move(commit));
  if (!committed) co_return try_again_page(interactive);
  if (!refusal) co_return problem_page(interactive, 400, "This sign-in was not begun in this browser, or it took too long. Go back to the application and try again.");
  if (with_code) refusal->denial_code = audit::denial_code(committed->position, interactive.settings.node);
  co_return redirect(error_location(*refusal, interactive.settings));
}

struct Finished {
  const InteractiveRequest& request;
  const PendingAuthorization& pending;
  const VerifiedSignIn& sign_in;
};
Task<http::Response> decide_and_answer(const Interactive& interactive, std::shared_ptr<const registry::Snapshot> snapshot, Finished finished, audit::Record record, const http::Request& http) {
  const Instant now = record.time;
  const InteractiveRequest& request = finished.request;
  AskedBy asked{request.agent, request.registration->authentication, http.peer.address, now};
  auto decided = co_await decide_for(interactive, snapshot, finished.sign_in, std::move(asked), record);
  if (!decided) {
    const auto* needed = std::get_if<NeedsStepUp>(&decided.error());
    if (needed && !finished.pending.stepped_up) co_return send_to_idp(interactive, *snapshot, request, finished.pending.request, &needed->step_up, now);
    describe(decided.error(), record);
    const Told said = told(decided.error());
    auto refusal = refused(request, said.error, said.description);
    auto refusing = refuse(interactive, std::move(record), std::move(refusal), said.with_code, audit::Durability::power);
    co_return co_await refusing;
  }
  record.effect = audit::Effect::allow;
  record.reason = "code_issued";
  record.scope = decided->entitlement.scopes.to_string();
  audit::Commit commit{std::move(record), std::nullopt, std::nullopt, audit::Durability::power};
  const auto committed = co_await interactive.log.commit(std::move(commit));
  if (!committed) co_return try_again_page(interactive);
  const CodeContent content{request.registration->client_id, request.agent->id, request.redirect_uri, request.code_challenge, now + SealedCodes::kLifetime};
  co_return redirect(success_location(request, SealedCodes(interactive).seal(content, finished.sign_in), interactive.settings));
}

}  // namespace

crypto::SealingKey Interactive::seals() const { return crypto::SealingKey(Secret(crypto::hmac_sha256(key.reveal(), "seals"))); }

bool is_offered(const registry::Snapshot& snapshot, const Settings& settings) {
  if (!settings.sign_in) return false;
  const auto& servers = snapshot.objects().servers;
  return std::any_of(servers.begin(), servers.end(), [&](const auto& server) { return server.active && server.interactive_grant && server.resource_as == settings.issuer; });
}

std::optional<oauth::Error> check_pushed_request(const Interactive& interactive, const form::Parameters& parameters, const registry::Snapshot& snapshot, Instant now) {
  const auto request = check_interactive_request(parameters, snapshot, interactive.settings, interactive.documents, now);
  if (request) return std::nullopt;
  if (const auto* wrong = std::get_if<RequestRefused>(&request.error())) return pushed_error(wrong->error, wrong->description);
  return pushed_error("invalid_request", explain(std::get<PageProblem>(request.error())));
}

Task<http::Response> authorize(const Interactive& interactive, const http::Request& http) {
  const Instant now = interactive.clock.now();
  const auto snapshot = interactive.registry.get();
  auto parameters = form::parse(http.query);
  if (!parameters) co_return problem_page(interactive, 400, "The request of the application is malformed.");
  const auto* request_uri = parameters->find("request_uri");
  const bool is_pushed = request_uri && is_pushed_request_uri(*request_uri);
  if (is_pushed) {
    // Used up here: from now on the request travels in a cookie that this server seals.
    const auto* client_id = parameters->find("client_id");
    const std::string name = *request_uri;
    auto pushed = client_id ? interactive.pushed->find(name, *client_id, PushedRequests::Use::begins, now) : std::nullopt;
    if (!pushed) co_return answer(interactive, RequestFailure(PageProblem::request_uri_unknown));
    auto taking = interactive.pushed->take(name, now);
    const auto is_first = co_await taking;
    if (!is_first) co_return try_again_page(interactive);
    if (!*is_first) co_return answer(interactive, RequestFailure(PageProblem::request_uri_unknown));
    parameters = std::move(*pushed);
  }
  auto fetching = fetch_document(interactive, *parameters, *snapshot, now);
  co_await fetching;
  const auto request = check_interactive_request(*parameters, *snapshot, interactive.settings, interactive.documents, now);
  if (!request) co_return answer(interactive, request.error());
  if (!is_pushed && request->registration->pushed_only) co_return redirect(error_location(refused(*request, "invalid_request", "the requests of this client must be pushed"), interactive.settings));
  co_return send_to_idp(interactive, *snapshot, *request, form::write(parameters->pairs()), nullptr, now);
}

Task<http::Response> sign_in_callback(const Interactive& interactive, const http::Request& http) {
  const Instant now = interactive.clock.now();
  const auto snapshot = interactive.registry.get();
  const auto parameters = form::parse(http.query);
  const auto* state = parameters && !parameters->first_repeated({}) ? parameters->find("state") : nullptr;
  const auto pending = state ? find_pending(interactive, http, *state, now) : std::nullopt;
  if (!pending) {
    auto record = record_of(http, nullptr, *snapshot, now);
    record.reason = "sign_in_state_unknown";
    // Whoever calls this address with nonsense must not buy a disk flush each time.
    auto refusing = refuse(interactive, std::move(record), std::nullopt, false, audit::Durability::process);
    co_return co_await refusing;
  }
  const auto finish = [&](http::Response response) {
    response.headers.add("Set-Cookie", clearing_cookie_for(interactive, *pending));   // one answer for one question
    return response;
  };
  // What the browser carried is a stranger's request again, and is checked from its beginning against the objects of now.
  const auto carried = form::parse(pending->request);
  const auto request = carried ? check_interactive_request(*carried, *snapshot, interactive.settings, interactive.documents, now)
                               : Result<InteractiveRequest, RequestFailure>(unexpected(RequestFailure(PageProblem::client_unknown)));
  if (!request) co_return finish(answer(interactive, request.error()));
  const SignInAtIdp idp(interactive);
  PendingAuthorization in_hand = *pending;
  form::Parameters said = *parameters;
  const auto signed_in = co_await idp.finish(snapshot, std::move(in_hand), std::move(said), *request);
  auto record = record_of(http, &*request, *snapshot, now);
  if (!signed_in) {
    record.reason = to_string(signed_in.error().failure);
    record.detail = signed_in.error().detail;
    std::optional<RequestRefused> refusal = refused(*request, error_of(signed_in.error()), "the sign-in at the identity provider did not succeed");
    auto refusing = refuse(interactive, std::move(record), std::move(refusal), false, audit::Durability::process);
    auto response = co_await refusing;
    co_return finish(std::move(response));
  }
  auto deciding = decide_and_answer(interactive, snapshot, {*request, *pending, *signed_in}, std::move(record), http);
  auto response = co_await deciding;
  co_return finish(std::move(response));
}

}  // namespace writ::token_service::resource_as
