#include "token_service/idp/federation/code_exchange.h"

#include "encoding/base64url.h"
#include "encoding/form.h"

namespace writ::token_service::idp {
namespace {

using Method = registry::IdentityConnector::ClientAuthentication;
constexpr json::Limits kLimits = {.bytes_max = 128 * 1024, .depth_max = 16, .members_max = 5'000};

bool is_json(const http::OutgoingResponse& response) {
  const auto* type = response.headers.find_single("Content-Type");
  return type && http::equals_ignoring_case(type->substr(0, type->find(';')), "application/json");
}

Result<UpstreamTokens, ExchangeProblem> read_tokens(const http::OutgoingResponse& response) {
  if (response.status >= 500) return unexpected(ExchangeProblem::unreachable);
  if (response.status != 200) return unexpected(ExchangeProblem::refused);
  const auto body = json::parse(response.body, kLimits);
  if (!body || !body->is_object()) return unexpected(ExchangeProblem::malformed);
  const auto* id_token = body->find_string("id_token");
  if (!id_token) return unexpected(ExchangeProblem::no_id_token);
  UpstreamTokens tokens{*id_token, std::nullopt};
  const auto* access_token = body->find_string("access_token");
  const auto* type = body->find_string("token_type");
  if (access_token && type && http::equals_ignoring_case(*type, "Bearer")) tokens.access_token = *access_token;
  return tokens;
}

Result<json::Value, ExchangeProblem> read_userinfo(const http::OutgoingResponse& response, const std::string& subject) {
  if (response.status != 200) return unexpected(ExchangeProblem::userinfo_status);
  // A signed or encrypted answer (application/jwt) is not offered: we did not register for one.
  if (!is_json(response)) return unexpected(ExchangeProblem::malformed);
  auto body = json::parse(response.body, kLimits);
  if (!body || !body->is_object()) return unexpected(ExchangeProblem::malformed);
  // Somebody else's access token, slipped into the answer, must not lend its claims to this person.
  const auto* said = body->find_string("sub");
  if (!said || *said != subject) return unexpected(ExchangeProblem::userinfo_of_another);
  return std::move(*body);
}

}  // namespace

std::string_view to_string(ExchangeProblem problem) {
  switch (problem) {
    case ExchangeProblem::secret_unavailable: return "upstream_secret_unavailable";
    case ExchangeProblem::unreachable: return "upstream_unreachable";
    case ExchangeProblem::refused: return "upstream_refused_code";
    case ExchangeProblem::malformed: return "upstream_answer_malformed";
    case ExchangeProblem::no_id_token: return "upstream_no_id_token";
    case ExchangeProblem::userinfo_status: return "upstream_userinfo_failed";
    case ExchangeProblem::groups_status: return "upstream_groups_failed";
    case ExchangeProblem::userinfo_of_another: return "upstream_userinfo_of_another";
  }
  return "upstream_answer_malformed";
}

http::OutgoingRequest token_request(const registry::IdentityConnector& connector, const std::string& token_endpoint, const CodeToExchange& code, const Secret& secret) {
  std::vector<std::pair<std::string, std::string>> pairs = {
      {"grant_type", "authorization_code"}, {"code", code.code}, {"redirect_uri", code.redirect_uri}, {"code_verifier", code.verifier}};
  http::OutgoingRequest request;
  request.method = "POST";
  request.url = token_endpoint;
  request.response_bytes_max = kLimits.bytes_max;
  request.headers.add("Accept", "application/json");
  request.headers.add("Content-Type", "application/x-www-form-urlencoded");
  if (connector.client_authentication == Method::client_secret_basic) {
    // RFC 6749 §2.3.1: each part form-encoded first.
    const std::string credentials = form::encode(connector.client_id) + ":" + form::encode(std::string(secret.reveal()));
    request.headers.add("Authorization", "Basic " + base64::encode(credentials));
  } else {
    pairs.emplace_back("client_id", connector.client_id);
    if (connector.client_authentication == Method::client_secret_post) pairs.emplace_back("client_secret", std::string(secret.reveal()));
  }
  request.body = form::write(pairs);
  return request;
}

Task<Result<UpstreamTokens, ExchangeProblem>> exchange_code(Federation& federation, registry::IdentityConnector connector, std::string token_endpoint, CodeToExchange code) {
  Secret secret;
  if (connector.client_authentication != Method::none) {
    auto found = federation.secrets.secret_of(connector);
    if (!found) co_return unexpected(ExchangeProblem::secret_unavailable);
    secret = std::move(*found);
  }
  auto request = token_request(connector, token_endpoint, code, secret);
  const auto response = co_await federation.outgoing.fetch(std::move(request));
  if (!response) co_return unexpected(ExchangeProblem::unreachable);
  co_return read_tokens(*response);
}

Task<Result<json::Value, ExchangeProblem>> fetch_userinfo(Federation& federation, std::string endpoint, std::string access_token, std::string subject) {
  http::OutgoingRequest request;
  request.url = std::move(endpoint);
  request.response_bytes_max = kLimits.bytes_max;
  request.headers.add("Accept", "application/json");
  request.headers.add("Authorization", "Bearer " + access_token);
  const auto response = co_await federation.outgoing.fetch(std::move(request));
  if (!response) co_return unexpected(ExchangeProblem::unreachable);
  co_return read_userinfo(*response, subject);
}

}  // namespace writ::token_service::idp
