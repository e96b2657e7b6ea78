#include "token_service/resource_as/interactive/interactive_request.h"

#include <algorithm>

#include "encoding/uri.h"
#include "token_service/pkce.h"

namespace writ::token_service::resource_as {
namespace {

constexpr std::size_t kStateBytesMax = 1024;    // it travels in a cookie on the way
constexpr std::size_t kPassedOnBytesMax = 256;

std::string text_of(const form::Parameters& parameters, std::string_view name) {
  const auto* text = parameters.find(name);
  return text ? *text : std::string();
}

struct Wrong {
  const char* error;
  const char* description;
};

Result<void, Wrong> check_response(const form::Parameters& parameters) {
  const auto* type = parameters.find("response_type");
  if (!type) return unexpected(Wrong{"invalid_request", "response_type is missing"});
  if (*type != "code") return unexpected(Wrong{"unsupported_response_type", "only response_type=code is supported"});
  const auto* mode = parameters.find("response_mode");
  if (mode && *mode != "query") return unexpected(Wrong{"invalid_request", "only response_mode=query is supported"});
  if (parameters.find("request")) return unexpected(Wrong{"request_not_supported", "request objects are not supported"});
  if (parameters.find("request_uri")) return unexpected(Wrong{"request_uri_not_supported", "request_uri is not supported"});
  if (parameters.find("authorization_details")) return unexpected(Wrong{"invalid_request", "authorization_details are not supported here"});
  return {};
}

Result<void, Wrong> check_pkce(const form::Parameters& parameters) {
  const auto* challenge = parameters.find("code_challenge");
  if (!challenge) return unexpected(Wrong{"invalid_request", "code_challenge is missing: PKCE is required"});
  const auto* method = parameters.find("code_challenge_method");
  // Absent means `plain`, which protects nobody who can read the request.
  if (!method || *method != "S256") return unexpected(Wrong{"invalid_request", "code_challenge_method must be S256"});
  if (!is_code_challenge(*challenge)) return unexpected(Wrong{"invalid_request", "code_challenge must be base64url of a SHA-256"});
  return {};
}

Result<const registry::Server*, Wrong> check_resource(const form::Parameters& parameters, const registry::Snapshot& snapshot, const Settings& settings) {
  const auto resources = parameters.find_all("resource");
  if (resources.empty()) return unexpected(Wrong{"invalid_target", "resource is missing: name the MCP server"});
  if (resources.size() > 1) return unexpected(Wrong{"invalid_target", "a token is for one resource only"});
  const auto* server = snapshot.server_by_resource(resources.front());
  if (!server || server->resource_as != settings.issuer || !server->active) return unexpected(Wrong{"invalid_target", "the resource is not one of this authorization server"});
  if (!server->interactive_grant) return unexpected(Wrong{"unauthorized_client", "this resource is open by enterprise-managed authorization only"});
  return server;
}

// Scopes that the server does not have are no part of the question: clients add words of other protocols. Registered ones are for policy to judge.
Result<oauth::ScopeSet, Wrong> check_scope(const form::Parameters& parameters, const registry::Server& server) {
  const auto* text = parameters.find("scope");
  const auto asked = text ? oauth::ScopeSet::parse(*text) : std::nullopt;
  if (text && !asked) return unexpected(Wrong{"invalid_scope", "scope is malformed"});
  oauth::ScopeSet scopes;
  for (const auto& scope : server.scopes) {
    if (asked ? asked->contains(scope.name) : scope.is_default) scopes.insert(scope.name);
  }
  if (scopes.empty()) return unexpected(Wrong{"invalid_scope", "none of the scopes is one of this resource"});
  return scopes;
}

Result<void, Wrong> fill(InteractiveRequest& request, const form::Parameters& parameters, const registry::Snapshot& snapshot, const Settings& settings) {
  if (parameters.first_repeated({"resource"})) return unexpected(Wrong{"invalid_request", "a parameter is repeated"});
  if (request.state.size() > kStateBytesMax) return unexpected(Wrong{"invalid_request", "state is too long"});
  TRY(check_response(parameters));
  TRY(check_pkce(parameters));
  request.code_challenge = text_of(parameters, "code_challenge");
  request.server = TRY(check_resource(parameters, snapshot, settings));
  request.scope = TRY(check_scope(parameters, *request.server));
  for (const char* name : {"prompt", "login_hint", "max_age"}) {
    const auto* text = parameters.find(name);
    if (!text) continue;
    if (text->size() > kPassedOnBytesMax) return unexpected(Wrong{"invalid_request", "prompt, login_hint or max_age is too long"});
    request.passed_on.emplace_back(name, *text);
  }
  return {};
}

std::string location(const std::string& redirect_uri, std::vector<std::pair<std::string, std::string>> pairs, const std::string& state, const Settings& settings) {
  if (!state.empty()) pairs.emplace_back("state", state);
  pairs.emplace_back("iss", settings.issuer);
  return redirect_uri + (redirect_uri.find('?') == std::string::npos ? "?" : "&") + form::write(pairs);
}

}  // namespace

std::string_view to_string(RequestProblem problem) {
  switch (problem) {
    case RequestProblem::repeated_parameter: return "repeated_parameter";
    case RequestProblem::client_unknown: return "client_unknown";
    case RequestProblem::client_disabled: return "client_disabled";
    case RequestProblem::redirect_uri_missing: return "redirect_uri_missing";
    case RequestProblem::redirect_uri_not_registered: return "redirect_uri_not_registered";
    case RequestProblem::client_document: return "client_document";
    case RequestProblem::request_uri_unknown: return "request_uri_unknown";
  }
  return "client_unknown";
}

const char* explain(RequestProblem problem) {
  switch (problem) {
    case RequestProblem::repeated_parameter: return "The request names its client or redirect URI more than once.";
    case RequestProblem::client_unknown: return "The application that sent you here is not registered. Ask your administrator to register it.";
    case RequestProblem::client_disabled: return "The application that sent you here is disabled. Ask your administrator.";
    case RequestProblem::redirect_uri_missing: return "The application did not say where to return to (redirect_uri).";
    case RequestProblem::redirect_uri_not_registered:
      return "The application wants to return to an address that is not registered for it. Ask your administrator to register the redirect URI exactly as the "
             "application sends it.";
    case RequestProblem::client_document:
      return "The application that sent you here describes itself at an address that cannot be read at the moment, or that does not hold a valid description.";
    case RequestProblem::request_uri_unknown: return "The request of the application is over, or was used already. Go back to the application and start again.";
  }
  return "The request is not accepted.";
}

Result<InteractiveRequest, RequestFailure> check_interactive_request(const form::Parameters& parameters, const registry::Snapshot& snapshot, const Settings& settings,
                                                                             const client_metadata::ClientDocuments* documents, Instant now) {
  const auto on_page = [](RequestProblem problem) { return unexpected(RequestFailure(problem)); };
  if (parameters.find_all("client_id").size() > 1 || parameters.find_all("redirect_uri").size() > 1) return on_page(RequestProblem::repeated_parameter);
  InteractiveRequest request;
  const auto* client_id = parameters.find("client_id");
  const auto found = client_id ? snapshot.agent_at_resource_as(settings.issuer, *client_id) : registry::Snapshot::AtResourceAs{};
  if (!found.agent || !found.registration) return on_page(RequestProblem::client_unknown);
  request.agent = found.agent, request.registration = found.registration;
  if (!request.agent->active) return on_page(RequestProblem::client_disabled);
  if (request.registration->metadata_document) {
    request.described = documents ? client_metadata::described_from_memory(*documents, *request.registration, now) : nullptr;
    if (!request.described) return on_page(RequestProblem::client_document);
    request.registration = request.described.get();
  }
  request.redirect_uri = text_of(parameters, "redirect_uri");
  if (request.redirect_uri.empty()) return on_page(RequestProblem::redirect_uri_missing);
  const auto& registered = request.registration->redirect_uris;
  const bool is_registered = std::any_of(registered.begin(), registered.end(), [&](const auto& uri) { return uri::redirect_matches(uri, request.redirect_uri); });
  if (!is_registered) return on_page(RequestProblem::redirect_uri_not_registered);

  // From here on the client may hear of it.
  if (parameters.find_all("state").size() == 1) request.state = text_of(parameters, "state");
  const auto filled = fill(request, parameters, snapshot, settings);
  if (!filled) return unexpected(RequestFailure(refused(request, filled.error().error, filled.error().description)));
  return request;
}

RequestRefused refused(const InteractiveRequest& request, std::string error, std::string description) {
  return {request.redirect_uri, request.state.size() > kStateBytesMax ? std::string() : request.state, std::move(error), std::move(description)};
}

std::string success_location(const InteractiveRequest& request, std::string_view code, const Settings& settings) {
  return location(request.redirect_uri, {{"code", std::string(code)}}, request.state, settings);
}

std::string error_location(const RequestRefused& refused, const Settings& settings) {
  std::vector<std::pair<std::string, std::string>> pairs{{"error", refused.error}, {"error_description", refused.description}};
  if (!refused.denial_code.empty()) pairs.emplace_back("denial_code", refused.denial_code);
  return location(refused.redirect_uri, std::move(pairs), refused.state, settings);
}

}  // namespace writ::token_service::resource_as
