#include "client/authorization_request.h"

#include <algorithm>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "encoding/base64url.h"
#include "encoding/form.h"
#include "oauth/identifiers.h"

namespace writ::client {
namespace {

Unexpected<Failure> failed(FailureKind kind, std::string message) { return unexpected(Failure{kind, std::move(message), {}, {}, {}, {}}); }

// RFC 6749 §4.1.2.1: what an error code may be made of; anything else does not reach a terminal.
std::string error_code(const std::string& text) {
  const bool is_plain = text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F && c != '`'; });
  return is_plain ? text : "an error that cannot be shown";
}

}  // namespace

Result<AuthorizationAttempt, Failure> begin_authorization(const AuthorizationServer& server, const std::string& client_id, const std::string& redirect_uri,
                                                          const FormFields& parameters) {
  const auto& methods = server.code_challenge_methods;
  if (server.authorization_endpoint.empty()) return failed(FailureKind::bad_metadata, server.issuer + " has no authorization endpoint");
  if (std::find(methods.begin(), methods.end(), "S256") == methods.end()) {
    return failed(FailureKind::bad_metadata, server.issuer + " does not offer PKCE with S256: signing in there is not safe");
  }
  AuthorizationAttempt attempt;
  attempt.issuer = server.issuer;
  attempt.issuer_sends_iss = server.sends_iss;
  attempt.client_id = client_id;
  attempt.redirect_uri = redirect_uri;
  attempt.state = crypto::random_token();
  attempt.code_verifier = crypto::random_token(32);   // 43 characters
  FormFields query{{"response_type", "code"},
                   {"client_id", client_id},
                   {"redirect_uri", redirect_uri},
                   {"state", attempt.state},
                   {"code_challenge", base64url::encode(crypto::sha256_bytes(attempt.code_verifier))},
                   {"code_challenge_method", "S256"}};
  for (const auto& [name, value] : parameters) {
    if (!value.empty()) query.emplace_back(name, value);
  }
  const char join = server.authorization_endpoint.find('?') == std::string::npos ? '?' : '&';
  attempt.authorization_url = server.authorization_endpoint + join + form::write(query);
  return attempt;
}

Result<std::string, Failure> read_authorization_response(const AuthorizationAttempt& attempt, std::string_view query) {
  const auto parameters = form::parse(query);
  if (!parameters || parameters->first_repeated({})) return failed(FailureKind::protocol, "the browser came back with an answer that cannot be read");
  const auto* state = parameters->find("state");
  if (state == nullptr || !crypto::constant_time_equal(*state, attempt.state)) {
    return failed(FailureKind::protocol, "the browser came back with an answer to another sign-in: start again");
  }
  // RFC 9207 §2.4: the code must not travel to an issuer that did not make it. Byte for byte (MCPA-92).
  const auto* issuer = parameters->find("iss");
  if (issuer != nullptr ? *issuer != attempt.issuer : attempt.issuer_sends_iss) {
    return failed(FailureKind::protocol, "the answer does not come from " + attempt.issuer + ", which was asked: it was not used");
  }
  if (const auto* error = parameters->find("error")) {
    Failure failure{FailureKind::refused, attempt.issuer + " did not sign you in: `" + error_code(*error) + "`", error_code(*error), {}, {}, {}};
    return unexpected(std::move(failure));
  }
  const auto* code = parameters->find("code");
  if (code == nullptr) return failed(FailureKind::protocol, "the answer of " + attempt.issuer + " has no code");
  return *code;
}

FormFields code_form(const AuthorizationAttempt& attempt, const std::string& code) {
  return {{"grant_type", std::string(oauth::kGrantAuthorizationCode)},
          {"code", code},
          {"redirect_uri", attempt.redirect_uri},
          {"code_verifier", attempt.code_verifier}};
}

}  // namespace writ::client
