#pragma once

// The authorization request of a client (RFC 6749 §4.1.1): code with PKCE S256, for exactly one server that offers it. Pure.

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "client_metadata/client_documents.h"
#include "encoding/form.h"
#include "oauth/scope.h"
#include "registry/snapshot.h"
#include "token_service/code_request.h"
#include "token_service/resource_as/settings.h"

namespace writ::token_service::resource_as {

struct InteractiveRequest {
  const registry::Agent* agent = nullptr;                 // into the snapshot
  const registry::Registration* registration = nullptr;   // into the snapshot, or `described`
  std::shared_ptr<const registry::Registration> described;
  const registry::Server* server = nullptr;
  std::string redirect_uri, state, code_challenge;
  oauth::ScopeSet scope;                                  // of that server, never empty
  std::vector<std::pair<std::string, std::string>> passed_on;   // prompt, login_hint, max_age: the IdP judges them
};

// Said to the client, by redirect, with `iss` (RFC 9207).
struct RequestRefused {
  std::string redirect_uri, state;
  std::string error, description;
  std::string denial_code{};
};
using RequestFailure = std::variant<PageProblem, RequestRefused>;

Result<InteractiveRequest, RequestFailure> check_interactive_request(const form::Parameters& parameters, const registry::Snapshot& snapshot, const Settings& settings,
                                                                             const client_metadata::ClientDocuments* documents, Instant now);
RequestRefused refused(const InteractiveRequest& request, std::string error, std::string description);

std::string success_location(const InteractiveRequest& request, std::string_view code, const Settings& settings);
std::string error_location(const RequestRefused& refused, const Settings& settings);

}  // namespace writ::token_service::resource_as
