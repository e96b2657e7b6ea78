#pragma once

// What follows when somebody has shown who he is, by whatever means: the record, a new session with a new cookie, and the code for the
// application that sent him here. One path for all ways of signing in.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "audit/record.h"
#include "token_service/idp/authorization_request.h"
#include "token_service/idp/idp.h"
#include "token_service/idp/tokens.h"

namespace writ::token_service::idp {

struct SignIn {
  const registry::User* user = nullptr;   // into the caller's snapshot, which outlives the call
  std::string name;                       // as it was given
  std::string how;                        // reason of the record: "password", "federated"
  std::string acr;
  std::vector<std::string> amr;
  Instant auth_time{};                    // Instant{}: not known
  UpstreamSession upstream;               // of a federated sign-in
  Instant ends{};                         // the session ends then at the latest; Instant{}: as usual
  std::vector<std::pair<std::string, std::string>> more;   // for the record
};

// Records the sign-in, begins the session, and answers: with the code at the application, or with a page when there is none.
Task<http::Response> complete_sign_in(const Idp& idp, const http::Request& http, std::optional<AuthorizationRequest> request, SignIn sign_in, Instant now);

// A code for a session that is there.
Task<http::Response> give_code(const Idp& idp, AuthorizationRequest request, LiveSession live, Instant now);

// A record of a sign-in with what is known at its start.
audit::Record sign_in_record(const registry::User* user, std::string_view name, const http::Request& request, const AuthorizationRequest* asked, Instant now);

// The person that an id_token_hint names. A hint that is no token of ours names nobody.
Result<std::optional<std::string>, OwnTokenProblem> hinted_user(const Idp& idp, const AuthorizationRequest& request, Instant now);

http::Response answer(const Idp& idp, const AuthorizationRefusal& refusal);
http::Response unavailable_page(const Idp& idp);

}  // namespace writ::token_service::idp
