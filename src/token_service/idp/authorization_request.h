#pragma once

// The authorization request (RFC 6749 §4.1.1, OIDC Core §3.1.2.1): code with PKCE S256 and nothing else. Pure.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "client_metadata/client_documents.h"
#include "encoding/form.h"
#include "oauth/scope.h"
#include "registry/snapshot.h"
#include "token_service/code_request.h"
#include "token_service/idp/authentication_context.h"
#include "token_service/idp/session.h"

namespace writ::token_service::idp {

struct AuthorizationRequest {
  const registry::Agent* agent = nullptr;                 // into the snapshot
  const registry::Registration* registration = nullptr;   // into the snapshot, or `described`
  std::shared_ptr<const registry::Registration> described;   // of a client that is known by the address of its document
  std::string request_uri;                                // of a pushed request; empty: it was not pushed
  std::string redirect_uri;
  std::string state, nonce, code_challenge, login_hint, id_token_hint;
  oauth::ScopeSet scope;
  enum class Prompt { if_needed, none, login } prompt = Prompt::if_needed;
  std::optional<std::int64_t> max_age_seconds;
  std::string dpop_jkt{};                                 // the key that the code is to be bound to (RFC 9449 §10); empty: to none
  std::vector<std::string> acr_values;                    // in order of preference (OIDC Core §3.1.2.1); empty: any will do
};

// Said to the client, by redirect.
struct RedirectedError {
  std::string redirect_uri, state;
  const char* error;
  const char* description;
};
using AuthorizationRefusal = std::variant<PageProblem, RedirectedError>;

Result<AuthorizationRequest, AuthorizationRefusal> check_authorization_request(const form::Parameters& parameters,
                                                                               const registry::Snapshot& snapshot,
                                                                               const client_metadata::ClientDocuments* documents = nullptr, Instant now = {});
RedirectedError redirected(const AuthorizationRequest& request, const char* error, const char* description);

// Whether the person must show himself (again) before a code may be given.
enum class SignInNeed { none, no_session, asked_for, too_long_ago, too_weak, other_person };
std::string_view to_string(SignInNeed need);
// `hinted_user`: of a valid id_token_hint, else absent.
SignInNeed sign_in_need(const AuthorizationRequest& request, const LiveSession* live, const std::optional<std::string>& hinted_user,
                        Levels levels, Instant now);

// redirect_uri with the answer and `iss` appended (RFC 9207).
std::string success_location(const AuthorizationRequest& request, std::string_view code, std::string_view issuer);
std::string error_location(const RedirectedError& error, std::string_view issuer);

}  // namespace writ::token_service::idp
