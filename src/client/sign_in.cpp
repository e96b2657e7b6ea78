#include "client/sign_in.h"

#include <algorithm>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "encoding/base64url.h"
#include "encoding/form.h"
#include "oauth/identifiers.h"

namespace writ::client {
namespace {

constexpr crypto::Algorithm kIdTokenAlgorithms[] = {crypto::Algorithm::es256, crypto::Algorithm::es384, crypto::Algorithm::rs256,
                                                    crypto::Algorithm::ps256, crypto::Algorithm::eddsa};

Unexpected<Failure> failed(FailureKind kind, std::string message) { return unexpected(Failure{kind, std::move(message), {}, {}, {}, {}}); }

bool audience_is(const json::Value& claims, const std::string& client_id) {
  const json::Value* audience = claims.find("aud");
  if (audience == nullptr) return false;
  if (const auto* text = audience->as_string()) return *text == client_id;
  const auto* list = audience->as_array();
  return list != nullptr && std::any_of(list->begin(), list->end(), [&](const json::Value& one) { return one.as_string() && *one.as_string() == client_id; });
}

}  // namespace

Result<SignInAttempt, Failure> begin_sign_in(const AuthorizationServer& idp, const std::string& client_id, const std::string& redirect_uri,
                                             const SignInOptions& options) {
  const auto& methods = idp.code_challenge_methods;
  if (idp.authorization_endpoint.empty()) return failed(FailureKind::bad_metadata, "the identity provider " + idp.issuer + " has no authorization endpoint");
  if (std::find(methods.begin(), methods.end(), "S256") == methods.end()) {
    return failed(FailureKind::bad_metadata, "the identity provider " + idp.issuer + " does not offer PKCE with S256: signing in there is not safe");
  }
  SignInAttempt attempt;
  attempt.issuer = idp.issuer;
  attempt.issuer_sends_iss = idp.sends_iss;
  attempt.client_id = client_id;
  attempt.redirect_uri = redirect_uri;
  attempt.state = crypto::random_token();
  attempt.nonce = crypto::random_token();
  attempt.code_verifier = crypto::random_token(32);   // 43 characters
  FormFields query{{"response_type", "code"},
                   {"client_id", client_id},
                   {"redirect_uri", redirect_uri},
                   {"scope", options.scope},
                   {"state", attempt.state},
                   {"nonce", attempt.nonce},
                   {"code_challenge", base64url::encode(crypto::sha256_bytes(attempt.code_verifier))},
                   {"code_challenge_method", "S256"}};
  if (!options.acr_values.empty()) query.emplace_back("acr_values", options.acr_values);
  if (options.max_age_seconds) query.emplace_back("max_age", std::to_string(*options.max_age_seconds));
  const char join = idp.authorization_endpoint.find('?') == std::string::npos ? '?' : '&';
  attempt.authorization_url = idp.authorization_endpoint + join + form::write(query);
  return attempt;
}

Result<std::string, Failure> read_authorization_response(const SignInAttempt& attempt, std::string_view query) {
  const auto parameters = form::parse(query);
  if (!parameters || parameters->first_repeated({})) return failed(FailureKind::protocol, "the browser came back with an answer that cannot be read");
  const auto* state = parameters->find("state");
  if (state == nullptr || !crypto::constant_time_equal(*state, attempt.state)) {
    return failed(FailureKind::protocol, "the browser came back with an answer to another sign-in: start again");
  }
  // RFC 9207 §2.4: the code must not travel to an issuer that did not make it.
  const auto* issuer = parameters->find("iss");
  if (issuer != nullptr ? *issuer != attempt.issuer : attempt.issuer_sends_iss) {
    return failed(FailureKind::protocol, "the answer does not come from the identity provider that was asked: it was not used");
  }
  if (const auto* error = parameters->find("error")) {
    Failure failure{FailureKind::refused, "the identity provider did not sign you in", *error, {}, {}, {}};
    return unexpected(std::move(failure));
  }
  const auto* code = parameters->find("code");
  if (code == nullptr) return failed(FailureKind::protocol, "the identity provider's answer has no code");
  return *code;
}

FormFields code_form(const SignInAttempt& attempt, const std::string& code) {
  return {{"grant_type", std::string(oauth::kGrantAuthorizationCode)},
          {"code", code},
          {"redirect_uri", attempt.redirect_uri},
          {"code_verifier", attempt.code_verifier}};
}

Result<json::Value, IdTokenProblem> verify_id_token(std::string_view id_token, const jose::KeySet& keys, const SignInAttempt& attempt,
                                                    std::optional<std::int64_t> max_age_seconds, Instant now) {
  auto unverified = jose::UnverifiedJwt::parse(id_token);
  if (!unverified) return unexpected(IdTokenProblem::malformed);
  // An ID token says JWT or nothing; what says that it is something else is something else (RFC 8725 §3.11).
  if (unverified->has_any_type() && !unverified->has_type(oauth::kTypIdToken)) return unexpected(IdTokenProblem::wrong_type);
  const auto verified = jose::VerifiedJwt::verify(std::move(*unverified), keys, kIdTokenAlgorithms);
  if (!verified) return unexpected(IdTokenProblem::bad_signature);
  const json::Value& claims = verified->claims();
  const auto* issuer = claims.find_string("iss");
  if (issuer == nullptr || *issuer != attempt.issuer) return unexpected(IdTokenProblem::wrong_issuer);
  if (!audience_is(claims, attempt.client_id)) return unexpected(IdTokenProblem::wrong_audience);
  const auto* authorized_party = claims.find_string("azp");
  const auto* audiences = claims.find("aud")->as_array();
  if (authorized_party ? *authorized_party != attempt.client_id : (audiences && audiences->size() > 1)) {
    return unexpected(IdTokenProblem::wrong_authorized_party);
  }
  const std::int64_t now_seconds = to_unix_seconds(now);
  if (!jose::check_times(claims, now_seconds, jose::TimeRules{30, std::nullopt, true})) return unexpected(IdTokenProblem::bad_times);
  const auto* nonce = claims.find_string("nonce");
  if (nonce == nullptr || *nonce != attempt.nonce) return unexpected(IdTokenProblem::wrong_nonce);
  if (max_age_seconds) {
    const auto* authenticated = claims.find_int("auth_time");
    if (authenticated == nullptr || *authenticated + *max_age_seconds + 30 < now_seconds) return unexpected(IdTokenProblem::authenticated_too_long_ago);
  }
  return claims;
}

}  // namespace writ::client
