#include "token_service/resource_as/interactive/sign_in_at_idp.h"

#include <algorithm>

#include "crypto/hash.h"
#include "encoding/base64url.h"
#include "oauth/id_token.h"
#include "oauth/identifiers.h"

namespace writ::token_service::resource_as {
namespace {

constexpr json::Limits kLimits = {.bytes_max = 128 * 1024, .depth_max = 16, .members_max = 5'000};

http::OutgoingRequest token_request(const Settings::SignIn& sign_in, const std::string& client_id, const std::string& code, const std::string& redirect_uri, const std::string& verifier) {
  std::vector<std::pair<std::string, std::string>> pairs{
      {"grant_type", std::string(oauth::kGrantAuthorizationCode)}, {"code", code}, {"redirect_uri", redirect_uri}, {"code_verifier", verifier}};
  http::OutgoingRequest request;
  request.method = "POST";
  request.url = sign_in.token_endpoint;
  request.response_bytes_max = kLimits.bytes_max;
  request.headers.add("Accept", "application/json");
  request.headers.add("Content-Type", "application/x-www-form-urlencoded");
  if (sign_in.client_secret.empty()) {
    pairs.emplace_back("client_id", client_id);
  } else {
    request.headers.add("Authorization", "Basic " + base64::encode(form::encode(client_id) + ":" + form::encode(sign_in.client_secret.reveal())));
  }
  request.body = form::write(pairs);
  return request;
}

Result<std::string, NotSignedIn> read_id_token(const Result<http::OutgoingResponse, http::OutgoingFailure>& response) {
  if (!response) return unexpected(NotSignedIn{SignInFailure::idp_unreachable, response.error().detail});
  if (response->status >= 500 || response->status == 429) return unexpected(NotSignedIn{SignInFailure::idp_unreachable, "status " + std::to_string(response->status)});
  if (response->status != 200) return unexpected(NotSignedIn{SignInFailure::code_refused, "status " + std::to_string(response->status)});
  const auto body = json::parse(response->body, kLimits);
  const auto* id_token = body ? body->find_string("id_token") : nullptr;
  if (!id_token) return unexpected(NotSignedIn{SignInFailure::answer_malformed});
  return *id_token;
}

// The authorization response (RFC 6749 §4.1.2, RFC 9207). Errors too are only believed from whom they claim to be of.
Result<std::string, NotSignedIn> read_code(const form::Parameters& answer, const std::string& idp) {
  const auto* issuer = answer.find("iss");
  if (!issuer || *issuer != idp) return unexpected(NotSignedIn{SignInFailure::iss_mismatch});
  if (const auto* error = answer.find("error")) return unexpected(NotSignedIn{SignInFailure::refused_by_idp, *error});
  const auto* code = answer.find("code");
  if (!code) return unexpected(NotSignedIn{SignInFailure::no_code});
  return *code;
}

std::optional<std::int64_t> asked_max_age(const InteractiveRequest& request) {
  for (const auto& [name, value] : request.passed_on) {
    if (name == "max_age" && value.size() <= 9 && value.find_first_not_of("0123456789") == std::string::npos) return std::stoll(value);
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(SignInFailure failure) {
  switch (failure) {
    case SignInFailure::not_registered: return "not_registered_at_idp";
    case SignInFailure::issuer_not_trusted: return "issuer_not_trusted";
    case SignInFailure::iss_mismatch: return "sign_in_iss_mismatch";
    case SignInFailure::refused_by_idp: return "sign_in_refused";
    case SignInFailure::no_code: return "sign_in_no_code";
    case SignInFailure::idp_unreachable: return "idp_unreachable";
    case SignInFailure::code_refused: return "sign_in_code_refused";
    case SignInFailure::answer_malformed: return "sign_in_answer_malformed";
    case SignInFailure::keys_unavailable: return "idp_keys_unavailable";
    case SignInFailure::id_token_invalid: return "id_token_invalid";
  }
  return "id_token_invalid";
}

bool is_outage(SignInFailure failure) { return failure == SignInFailure::idp_unreachable || failure == SignInFailure::keys_unavailable; }

const registry::Registration* SignInAtIdp::own_registration(const registry::Snapshot& snapshot) const {
  const auto* agent = snapshot.agent(interactive_.settings.sign_in->agent);
  return agent && agent->active && agent->idp ? &*agent->idp : nullptr;
}

std::optional<std::string> SignInAtIdp::address(const registry::Snapshot& snapshot, const PendingAuthorization& pending, const InteractiveRequest& request, const policy::StepUp* step_up) const {
  const auto* own = own_registration(snapshot);
  if (!own) return std::nullopt;
  std::vector<std::pair<std::string, std::string>> pairs{
      {"response_type", "code"},
      {"client_id", own->client_id},
      {"redirect_uri", interactive_.callback()},
      {"scope", "openid"},
      {"state", pending.state},
      {"nonce", nonce_of(interactive_, pending)},
      {"code_challenge", base64url::encode(crypto::sha256_bytes(verifier_of(interactive_, pending)))},
      {"code_challenge_method", "S256"},
  };
  if (step_up) {
    if (!step_up->acr_values.empty()) pairs.emplace_back("acr_values", step_up->acr_values);
    if (step_up->max_age_seconds) pairs.emplace_back("max_age", std::to_string(*step_up->max_age_seconds));
  } else {
    pairs.insert(pairs.end(), request.passed_on.begin(), request.passed_on.end());
  }
  return interactive_.settings.sign_in->authorization_endpoint + "?" + form::write(pairs);
}

Task<Result<VerifiedSignIn, NotSignedIn>> SignInAtIdp::finish(std::shared_ptr<const registry::Snapshot> snapshot, PendingAuthorization pending, form::Parameters answer,
                                                             const InteractiveRequest& request) const {
  const Settings& settings = interactive_.settings;
  const auto* own = own_registration(*snapshot);
  if (!own) co_return unexpected(NotSignedIn{SignInFailure::not_registered});
  const auto* issuer = snapshot->trusted_issuer(settings.own_idp_issuer);
  if (!issuer || !issuer->active) co_return unexpected(NotSignedIn{SignInFailure::issuer_not_trusted});
  const auto code = read_code(answer, issuer->issuer);
  if (!code) co_return unexpected(code.error());

  auto asking = token_request(*settings.sign_in, own->client_id, *code, interactive_.callback(), verifier_of(interactive_, pending));
  const auto response = co_await interactive_.outgoing.fetch(std::move(asking));
  const auto text = read_id_token(response);
  if (!text) co_return unexpected(text.error());
  auto unverified = jose::UnverifiedJwt::parse(*text);
  if (!unverified) co_return unexpected(NotSignedIn{SignInFailure::id_token_invalid, "malformed"});
  registry::TrustedIssuer trusted = *issuer;
  const auto keys = co_await interactive_.issuer_keys.of(std::move(trusted), unverified->kid());
  if (!keys) co_return unexpected(NotSignedIn{SignInFailure::keys_unavailable});

  oauth::IdTokenRules rules;
  rules.issuer = issuer->issuer, rules.audience = own->client_id, rules.algorithms = issuer->algorithms;
  rules.nonce = nonce_of(interactive_, pending);
  if (!pending.stepped_up) rules.max_age_seconds = asked_max_age(request);
  rules.skew_seconds = settings.skew_seconds;
  rules.now = interactive_.clock.now();
  const auto token = oauth::check_id_token(std::move(*unverified), **keys, rules);
  if (!token) co_return unexpected(NotSignedIn{SignInFailure::id_token_invalid, std::string(to_string(token.error()))});

  id_jag::IdJag claims;
  claims.issuer = issuer->issuer;
  claims.subject = token->subject;
  claims.audience = settings.issuer;
  claims.client_id = request.registration->client_id;
  claims.issued_at = to_unix_seconds(token->issued_at);
  claims.expires = to_unix_seconds(token->expires);
  claims.resources = {request.server->resource};
  claims.scope = request.scope;
  claims.sid = token->sid;
  claims.session_expiry = claims.expires;   // our own IdP lets no ID token outlive its session
  if (token->auth_time) claims.auth_time = to_unix_seconds(*token->auth_time);
  claims.acr = token->acr;
  claims.amr = token->amr;
  co_return VerifiedSignIn(std::move(claims));
}

}  // namespace writ::token_service::resource_as
