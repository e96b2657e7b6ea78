#include "client/token_request.h"

#include <algorithm>

#include "dpop/proof.h"
#include "encoding/form.h"
#include "oauth/identifiers.h"

namespace writ::client {
namespace {

std::string text_of(const json::Value& body, std::string_view name) {
  const auto* text = body.find_string(name);
  return text ? *text : std::string();
}

Unexpected<Failure> protocol(std::string message) { return unexpected(Failure{FailureKind::protocol, std::move(message), {}, {}, {}, {}}); }

bool equals_ignoring_case(std::string_view a, std::string_view b) { return http::equals_ignoring_case(a, b); }

std::optional<std::int64_t> expires_in(const json::Value& body) {
  const auto* seconds = body.find_int("expires_in");
  if (seconds == nullptr || *seconds < 0) return std::nullopt;
  return *seconds;
}

FailureKind kind_of(int status, std::string_view error) {
  if (status >= 500 || error == "temporarily_unavailable" || error == "slow_down" || status == 429) return FailureKind::unreachable;
  if (error == "access_denied" || error == "invalid_target" || error == "invalid_scope") return FailureKind::denied;
  if (error == "insufficient_user_authentication") return FailureKind::step_up_needed;
  if (error == "invalid_client" || error == "unauthorized_client" || error == "unsupported_grant_type") return FailureKind::configuration;
  return FailureKind::refused;   // invalid_grant, invalid_request (C3), and anything not known
}

}  // namespace

FormFields id_jag_form(const IdJagRequest& request) {
  FormFields form{{"grant_type", std::string(oauth::kGrantTokenExchange)},
                  {"requested_token_type", std::string(oauth::kTokenTypeIdJag)},
                  {"audience", request.audience},
                  {"resource", request.resource},
                  {"subject_token", request.subject_token},
                  {"subject_token_type", request.subject_token_type}};
  if (!request.scope.empty()) form.emplace_back("scope", request.scope);
  return form;
}

FormFields access_token_form(const std::string& assertion, const std::string& scope, const std::string& resource) {
  FormFields form{{"grant_type", std::string(oauth::kGrantJwtBearer)}, {"assertion", assertion}, {"resource", resource}};
  if (!scope.empty()) form.emplace_back("scope", scope);
  return form;
}

FormFields refresh_form(const std::string& refresh_token) {
  return {{"grant_type", std::string(oauth::kGrantRefreshToken)}, {"refresh_token", refresh_token}};
}

Failure read_refusal(const http::OutgoingResponse& answer, const std::string& at) {
  Failure failure;
  const auto parsed = json::parse(answer.body);
  const json::Value body = parsed && parsed->is_object() ? *parsed : json::Value();
  failure.error = printable(text_of(body, "error"));
  failure.denial_code = printable(text_of(body, "denial_code"));
  failure.acr_values = printable(text_of(body, "acr_values"));
  if (const auto* seconds = body.find_int("max_age")) failure.max_age_seconds = *seconds;
  failure.kind = kind_of(answer.status, failure.error);
  failure.message = at + " answered " + std::to_string(answer.status);
  if (!failure.error.empty()) failure.message += " `" + failure.error + "`";
  if (const auto description = printable(text_of(body, "error_description")); !description.empty()) failure.message += ": " + description;
  if (!failure.denial_code.empty()) failure.message += " (code " + failure.denial_code + ")";
  return failure;
}

Result<IdJag, Failure> read_id_jag(const http::OutgoingResponse& answer, const std::string& requested_scope) {
  if (answer.status != 200) return unexpected(read_refusal(answer, "the identity provider"));
  const auto body = json::parse(answer.body);
  if (!body || !body->is_object()) return protocol("the identity provider's answer is no JSON object");
  if (text_of(*body, "issued_token_type") != oauth::kTokenTypeIdJag || !equals_ignoring_case(text_of(*body, "token_type"), "N_A")) {
    return protocol("the identity provider issued something that is not an ID-JAG; it was thrown away");
  }
  IdJag result{text_of(*body, "access_token"), text_of(*body, "scope"), expires_in(*body)};
  if (result.assertion.empty()) return protocol("the identity provider's answer has no token");
  if (result.scope.empty()) result.scope = requested_scope;
  return result;
}

Result<AccessToken, Failure> read_access_token(const http::OutgoingResponse& answer, const std::string& requested_scope, bool proved) {
  if (answer.status != 200) return unexpected(read_refusal(answer, "the authorization server"));
  const auto body = json::parse(answer.body);
  if (!body || !body->is_object()) return protocol("the authorization server's answer is no JSON object");
  const bool is_bound = equals_ignoring_case(text_of(*body, "token_type"), dpop::kTokenType);
  if (!(proved && is_bound) && !equals_ignoring_case(text_of(*body, "token_type"), "Bearer")) return protocol("the authorization server issued a token of a type that this client cannot use");
  AccessToken result{text_of(*body, "access_token"), text_of(*body, "scope"), expires_in(*body), text_of(*body, "refresh_token")};
  if (result.value.empty()) return protocol("the authorization server's answer has no access token");
  if (result.scope.empty()) result.scope = requested_scope;
  return result;
}

Result<SignInTokens, Failure> read_sign_in_tokens(const http::OutgoingResponse& answer) {
  if (answer.status != 200) return unexpected(read_refusal(answer, "the identity provider"));
  const auto body = json::parse(answer.body);
  if (!body || !body->is_object()) return protocol("the identity provider's answer is no JSON object");
  return SignInTokens{text_of(*body, "id_token"), text_of(*body, "access_token"), text_of(*body, "refresh_token"), text_of(*body, "device_id"),
                      expires_in(*body)};
}

Task<Result<http::OutgoingResponse, Failure>> post_token_request(http::Outgoing& outgoing, std::string token_endpoint, std::string issuer,
                                                                 ClientCredentials credentials, FormFields form, Instant now,
                                                                 Possession* possession) {
  for (bool again = false;; again = true) {
    http::OutgoingRequest request;
    request.method = "POST";
    request.url = token_endpoint;
    request.headers.add("Content-Type", "application/x-www-form-urlencoded");
    request.headers.add("Accept", "application/json");
    FormFields whole = form;   // a client assertion is used up by a request that is then asked for a nonce
    authenticate(credentials, issuer, now, whole, request.headers);
    if (possession) request.headers.add(dpop::kProofHeader, possession->prove("POST", token_endpoint, now));
    request.body = form::write(whole);
    request.timeout_ms = 30'000;
    auto answer = co_await outgoing.fetch(std::move(request));
    if (!answer) {
      co_return unexpected(Failure{FailureKind::unreachable, "cannot reach " + token_endpoint + ": " + answer.error().detail, {}, {}, {}, {}});
    }
    const bool asked_for_nonce = possession && possession->note_token_answer(token_endpoint, *answer);
    if (!asked_for_nonce || again) co_return std::move(*answer);
  }
}

}  // namespace writ::client
