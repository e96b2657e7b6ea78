#include "token_service/resource_as/interactive/interactive_request.h"

namespace writ::token_service::resource_as {
namespace {

constexpr std::size_t kStateBytesMax = 1024;    // it travels in a cookie on the way
constexpr std::size_t kPassedOnBytesMax = 256;

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
  if (parameters.find("authorization_details")) return unexpected(Wrong{"invalid_request", "authorization_details are not supported here"});
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

}  // namespace

Result<InteractiveRequest, RequestFailure> check_interactive_request(const form::Parameters& parameters, const registry::Snapshot& snapshot, const Settings& settings,
                                                                             const client_metadata::ClientDocuments* documents, Instant now) {
  const auto on_page = [](PageProblem problem) { return unexpected(RequestFailure(problem)); };
  if (parameters.find_all("client_id").size() > 1 || parameters.find_all("redirect_uri").size() > 1) return on_page(PageProblem::repeated_parameter);
  const auto* client_id = parameters.find("client_id");
  const auto found = client_id ? snapshot.agent_at_resource_as(settings.issuer, *client_id) : registry::Snapshot::AtResourceAs{};
  auto client = check_requesting_client(parameters, found.agent, found.registration, documents, now);
  if (!client) return on_page(client.error());
  InteractiveRequest request;
  request.agent = found.agent, request.registration = client->registration, request.described = std::move(client->described);
  request.redirect_uri = std::move(client->redirect_uri);

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
  return redirect_location(request.redirect_uri, {{"code", std::string(code)}}, request.state, settings.issuer);
}

std::string error_location(const RequestRefused& refused, const Settings& settings) {
  std::vector<std::pair<std::string, std::string>> pairs{{"error", refused.error}, {"error_description", refused.description}};
  if (!refused.denial_code.empty()) pairs.emplace_back("denial_code", refused.denial_code);
  return redirect_location(refused.redirect_uri, std::move(pairs), refused.state, settings.issuer);
}

}  // namespace writ::token_service::resource_as
