#pragma once

// The token endpoints, seen from the client: each exchange is a request that is built, sent once, and an answer that is judged.

#include <cstdint>
#include <optional>
#include <string>

#include "client/credentials.h"
#include "client/failure.h"
#include "client/metadata.h"
#include "client/possession.h"
#include "oauth/scope.h"

namespace writ::client {

// Leg 1: an identity assertion for an ID-JAG (RFC 8693, ID-JAG "Token Exchange").
struct IdJagRequest {
  std::string audience;            // issuer of the resource authorization server, verbatim from its metadata (C11)
  std::string resource;            // RFC 9728 resource identifier, verbatim
  std::string scope;               // may be empty
  std::string subject_token;
  std::string subject_token_type;
};
struct IdJag {
  std::string assertion;
  std::string scope;               // what was granted
  std::optional<std::int64_t> expires_in;
};

// Leg 2: the ID-JAG for an access token (RFC 7523); other grants end in one, too.
struct AccessToken {
  std::string value;
  std::string scope;
  std::optional<std::int64_t> expires_in;
  std::string refresh_token;       // may be empty; never of a JWT bearer grant that we use
};

// The IdP's sign-in: code and refresh grants (OpenID Connect).
struct SignInTokens {
  std::string id_token, access_token, refresh_token, device_id;
  std::optional<std::int64_t> expires_in;
};

// ---- building
FormFields id_jag_form(const IdJagRequest& request);
FormFields access_token_form(const std::string& assertion, const std::string& scope, const std::string& resource);
FormFields refresh_form(const std::string& refresh_token);

// ---- judging
// An ID-JAG is only taken when it says that it is one: issued_token_type and token_type N_A (IDJAG-62).
Result<IdJag, Failure> read_id_jag(const http::OutgoingResponse& answer, const std::string& requested_scope);
// `proved`: a token that is bound to the key is taken, too.
Result<AccessToken, Failure> read_access_token(const http::OutgoingResponse& answer, const std::string& requested_scope, bool proved = false);
Result<SignInTokens, Failure> read_sign_in_tokens(const http::OutgoingResponse& answer);
// What a refusal means (IDJAG §5, RAS §6). `at` names the server for the message.
Failure read_refusal(const http::OutgoingResponse& answer, const std::string& at);

// ---- sending: one POST to the token endpoint, authenticated. With `possession` it carries a proof of the key, and is sent once more, proved and
// authenticated anew, when the server asks for a nonce (MCPA-141).
Task<Result<http::OutgoingResponse, Failure>> post_token_request(http::Outgoing& outgoing, std::string token_endpoint, std::string issuer,
                                                                 ClientCredentials credentials, FormFields form, Instant now,
                                                                 Possession* possession = nullptr);

}  // namespace writ::client
