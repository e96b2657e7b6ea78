#include "client/sign_in.h"

#include <algorithm>

#include "crypto/random.h"
#include "oauth/identifiers.h"

namespace writ::client {
namespace {

constexpr crypto::Algorithm kIdTokenAlgorithms[] = {crypto::Algorithm::es256, crypto::Algorithm::es384, crypto::Algorithm::rs256,
                                                    crypto::Algorithm::ps256, crypto::Algorithm::eddsa};

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
  const std::string nonce = crypto::random_token();
  FormFields parameters{{"scope", options.scope}, {"nonce", nonce}, {"acr_values", options.acr_values}};
  if (options.max_age_seconds) parameters.emplace_back("max_age", std::to_string(*options.max_age_seconds));
  auto attempt = TRY(begin_authorization(idp, client_id, redirect_uri, parameters));
  return SignInAttempt{std::move(attempt), nonce};
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
  // A device sends none along, and takes no token that was made for a browser's sign-in.
  if (attempt.nonce.empty() ? nonce != nullptr : nonce == nullptr || *nonce != attempt.nonce) return unexpected(IdTokenProblem::wrong_nonce);
  if (max_age_seconds) {
    const auto* authenticated = claims.find_int("auth_time");
    if (authenticated == nullptr || *authenticated + *max_age_seconds + 30 < now_seconds) return unexpected(IdTokenProblem::authenticated_too_long_ago);
  }
  return claims;
}

}  // namespace writ::client
