#include "token_service/idp/authorization_request.h"

#include <charconv>

#include "dpop/proof.h"

namespace writ::token_service::idp {
namespace {

constexpr std::size_t kEchoedBytesMax = 2048;   // state, nonce
constexpr std::string_view kScopes[] = {"openid", "profile", "email", "groups", "offline_access"};

Result<oauth::ScopeSet, Wrong> check_scope(const form::Parameters& parameters) {
  const auto asked = oauth::ScopeSet::parse(text_of(parameters, "scope"));
  if (!asked || !asked->contains("openid")) return unexpected(Wrong{"invalid_scope", "scope must contain openid"});
  oauth::ScopeSet known;   // others are ignored (OIDC Core §3.1.2.1)
  for (const auto scope : kScopes) {
    if (asked->contains(scope)) known.insert(scope);
  }
  return known;
}

Result<AuthorizationRequest::Prompt, Wrong> check_prompt(const form::Parameters& parameters) {
  using Prompt = AuthorizationRequest::Prompt;
  const auto* text = parameters.find("prompt");
  if (!text) return Prompt::if_needed;
  const auto words = oauth::ScopeSet::parse(*text);   // the same syntax: words separated by single spaces
  if (!words) return unexpected(Wrong{"invalid_request", "prompt is malformed"});
  bool none = false, login = false;
  for (const auto& word : words->values()) {
    if (word == "none") none = true;
    else if (word == "login" || word == "select_account") login = true;
    // There are no consent pages: the administrator has decided.
    else if (word != "consent") return unexpected(Wrong{"invalid_request", "prompt has a value that is not known here"});
  }
  if (none && words->values().size() > 1) return unexpected(Wrong{"invalid_request", "prompt=none stands alone"});
  return none ? Prompt::none : login ? Prompt::login : Prompt::if_needed;
}

Result<std::optional<std::int64_t>, Wrong> check_max_age(const form::Parameters& parameters) {
  const auto* text = parameters.find("max_age");
  if (!text) return std::optional<std::int64_t>{};
  std::int64_t seconds = 0;
  const char* end = text->data() + text->size();
  const auto [rest, error] = std::from_chars(text->data(), end, seconds);
  if (error != std::errc{} || rest != end || seconds < 0) return unexpected(Wrong{"invalid_request", "max_age must be a number of seconds"});
  return std::optional<std::int64_t>{seconds};
}

Result<std::vector<std::string>, Wrong> check_acr_values(const form::Parameters& parameters) {
  constexpr std::size_t kValuesMax = 16;
  const auto* text = parameters.find("acr_values");
  if (!text || text->empty()) return std::vector<std::string>{};
  const auto words = oauth::ScopeSet::parse(*text);   // the same syntax: words separated by single spaces
  if (!words || words->values().size() > kValuesMax) return unexpected(Wrong{"invalid_request", "acr_values is malformed"});
  return std::vector<std::string>(words->values().begin(), words->values().end());
}

Result<void, Wrong> fill(AuthorizationRequest& request, const form::Parameters& parameters) {
  if (parameters.first_repeated({"resource"})) return unexpected(Wrong{"invalid_request", "a parameter is repeated"});
  if (request.state.size() > kEchoedBytesMax) return unexpected(Wrong{"invalid_request", "state is too long"});
  TRY(check_response(parameters));
  TRY(check_pkce(parameters));
  request.scope = TRY(check_scope(parameters));
  request.prompt = TRY(check_prompt(parameters));
  request.max_age_seconds = TRY(check_max_age(parameters));
  request.acr_values = TRY(check_acr_values(parameters));
  request.nonce = text_of(parameters, "nonce");
  if (request.nonce.size() > kEchoedBytesMax) return unexpected(Wrong{"invalid_request", "nonce is too long"});
  request.code_challenge = text_of(parameters, "code_challenge");
  request.login_hint = text_of(parameters, "login_hint");
  request.dpop_jkt = text_of(parameters, "dpop_jkt");
  if (parameters.find("dpop_jkt") && !dpop::is_thumbprint(request.dpop_jkt)) return unexpected(Wrong{"invalid_request", "dpop_jkt must be the SHA-256 thumbprint of a key"});
  request.id_token_hint = text_of(parameters, "id_token_hint");
  return {};
}

}  // namespace

std::string_view to_string(SignInNeed need) {
  switch (need) {
    case SignInNeed::none: return "none";
    case SignInNeed::no_session: return "no_session";
    case SignInNeed::asked_for: return "asked_for";
    case SignInNeed::too_long_ago: return "too_long_ago";
    case SignInNeed::too_weak: return "too_weak";
    case SignInNeed::other_person: return "other_person";
  }
  return "no_session";
}

Result<AuthorizationRequest, AuthorizationRefusal> check_authorization_request(const form::Parameters& parameters,
                                                                               const registry::Snapshot& snapshot,
                                                                               const client_metadata::ClientDocuments* documents, Instant now) {
  const auto page = [](PageProblem problem) { return unexpected(AuthorizationRefusal(problem)); };
  if (parameters.find_all("client_id").size() > 1 || parameters.find_all("redirect_uri").size() > 1) {
    return page(PageProblem::repeated_parameter);
  }
  const auto* client_id = parameters.find("client_id");
  AuthorizationRequest request;
  request.agent = client_id ? snapshot.agent_at_idp(*client_id) : nullptr;
  auto client = check_requesting_client(parameters, request.agent, request.agent && request.agent->idp ? &*request.agent->idp : nullptr, documents, now);
  if (!client) return page(client.error());
  request.registration = client->registration, request.described = std::move(client->described), request.redirect_uri = std::move(client->redirect_uri);

  // From here on the client may hear of it.
  if (parameters.find_all("state").size() == 1) request.state = text_of(parameters, "state");
  const auto filled = fill(request, parameters);
  if (!filled) return unexpected(AuthorizationRefusal(redirected(request, filled.error().error, filled.error().description)));
  return request;
}

RedirectedError redirected(const AuthorizationRequest& request, const char* error, const char* description) {
  return {request.redirect_uri, request.state.size() > kEchoedBytesMax ? std::string() : request.state, error, description};
}

SignInNeed sign_in_need(const AuthorizationRequest& request, const LiveSession* live, const std::optional<std::string>& hinted_user,
                        Levels levels, Instant now) {
  if (!live) return SignInNeed::no_session;
  if (request.prompt == AuthorizationRequest::Prompt::login) return SignInNeed::asked_for;
  if (hinted_user && *hinted_user != live->user->id) return SignInNeed::other_person;
  if (request.max_age_seconds) {
    // max_age=0 asks for a fresh sign-in, always (OIDC Core §3.1.2.1).
    const Seconds age = authentication_of(live->session, now).age;
    if (*request.max_age_seconds == 0 || age > Seconds{*request.max_age_seconds}) return SignInNeed::too_long_ago;
  }
  if (!meets(live->session, request.acr_values, levels)) return SignInNeed::too_weak;
  return SignInNeed::none;
}

std::string success_location(const AuthorizationRequest& request, std::string_view code, std::string_view issuer) {
  return redirect_location(request.redirect_uri, {{"code", std::string(code)}}, request.state, issuer);
}

std::string error_location(const RedirectedError& error, std::string_view issuer) {
  return redirect_location(error.redirect_uri, {{"error", error.error}, {"error_description", error.description}}, error.state, issuer);
}

}  // namespace writ::token_service::idp
