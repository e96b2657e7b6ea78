#include "token_service/code_request.h"

#include <algorithm>

#include "encoding/uri.h"
#include "token_service/pkce.h"

namespace writ::token_service {

std::string_view to_string(PageProblem problem) {
  switch (problem) {
    case PageProblem::repeated_parameter: return "repeated_parameter";
    case PageProblem::client_unknown: return "client_unknown";
    case PageProblem::client_disabled: return "client_disabled";
    case PageProblem::redirect_uri_missing: return "redirect_uri_missing";
    case PageProblem::redirect_uri_not_registered: return "redirect_uri_not_registered";
    case PageProblem::client_document: return "client_document";
    case PageProblem::request_uri_unknown: return "request_uri_unknown";
  }
  return "client_unknown";
}

const char* explain(PageProblem problem) {
  switch (problem) {
    case PageProblem::repeated_parameter: return "The request names its client or redirect URI more than once.";
    case PageProblem::client_unknown: return "The application that sent you here is not registered. Ask your administrator to register it.";
    case PageProblem::client_disabled: return "The application that sent you here is disabled. Ask your administrator.";
    case PageProblem::redirect_uri_missing: return "The application did not say where to return to (redirect_uri).";
    case PageProblem::redirect_uri_not_registered:
      return "The application wants to return to an address that is not registered for it. Ask your administrator to register the "
             "redirect URI exactly as the application sends it.";
    case PageProblem::client_document:
      return "The application that sent you here describes itself at an address that cannot be read at the moment, or that does not hold a valid description.";
    case PageProblem::request_uri_unknown: return "The request of the application is over, or was used already. Go back to the application and start again.";
  }
  return "The request is not accepted.";
}

Result<RequestingClient, PageProblem> check_requesting_client(const form::Parameters& parameters, const registry::Agent* agent, const registry::Registration* registration,
                                                              const client_metadata::ClientDocuments* documents, Instant now) {
  if (!agent || !registration) return unexpected(PageProblem::client_unknown);
  if (!agent->active) return unexpected(PageProblem::client_disabled);
  RequestingClient client{registration, nullptr, text_of(parameters, "redirect_uri")};
  if (registration->metadata_document) {
    client.described = documents ? client_metadata::described_from_memory(*documents, *registration, now) : nullptr;
    if (!client.described) return unexpected(PageProblem::client_document);
    client.registration = client.described.get();
  }
  if (client.redirect_uri.empty()) return unexpected(PageProblem::redirect_uri_missing);
  const auto& registered = client.registration->redirect_uris;
  const bool is_registered = std::any_of(registered.begin(), registered.end(), [&](const auto& uri) { return uri::redirect_matches(uri, client.redirect_uri); });
  if (!is_registered) return unexpected(PageProblem::redirect_uri_not_registered);
  return client;
}

Result<void, Wrong> check_response(const form::Parameters& parameters) {
  const auto* type = parameters.find("response_type");
  if (!type) return unexpected(Wrong{"invalid_request", "response_type is missing"});
  if (*type != "code") return unexpected(Wrong{"unsupported_response_type", "only response_type=code is supported"});
  const auto* mode = parameters.find("response_mode");
  if (mode && *mode != "query") return unexpected(Wrong{"invalid_request", "only response_mode=query is supported"});
  if (parameters.find("request")) return unexpected(Wrong{"request_not_supported", "request objects are not supported"});
  if (parameters.find("request_uri")) return unexpected(Wrong{"request_uri_not_supported", "request_uri is not supported"});
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

std::string text_of(const form::Parameters& parameters, std::string_view name) {
  const auto* text = parameters.find(name);
  return text ? *text : std::string();
}

std::string redirect_location(const std::string& redirect_uri, std::vector<std::pair<std::string, std::string>> answer, const std::string& state, std::string_view issuer) {
  if (!state.empty()) answer.emplace_back("state", state);
  answer.emplace_back("iss", std::string(issuer));
  return redirect_uri + (redirect_uri.find('?') == std::string::npos ? "?" : "&") + form::write(answer);
}

}  // namespace writ::token_service
