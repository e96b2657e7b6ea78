#include "token_service/pushed_authorization.h"

#include <algorithm>
#include <array>

namespace writ::token_service {
namespace {

// The request without what authenticated its client; that is not stored.
form::Parameters request_of(const form::Parameters& sent, const std::string& client_id) {
  static constexpr std::array<std::string_view, 4> kCredentials{"client_id", "client_secret", "client_assertion", "client_assertion_type"};
  std::vector<std::pair<std::string, std::string>> pairs{{"client_id", client_id}};
  for (const auto& pair : sent.pairs()) {
    if (std::find(kCredentials.begin(), kCredentials.end(), pair.first) == kCredentials.end()) pairs.push_back(pair);
  }
  return form::Parameters(std::move(pairs));
}

}  // namespace

oauth::Error pushed_error(std::string_view error, std::string description) {
  using oauth::ErrorCode;
  for (const ErrorCode code : {ErrorCode::invalid_scope, ErrorCode::invalid_target, ErrorCode::unauthorized_client, ErrorCode::access_denied}) {
    if (oauth::to_string(code) == error) return {code, std::move(description), {}};
  }
  return {ErrorCode::invalid_request, std::move(description), {}};
}

Task<Outcome> PushedAuthorization::decide(const TokenRequest& request, const Client& client) {
  const auto refused = [](oauth::Error error, std::string reason) {
    Refused answer{std::move(error), {}};
    answer.record.event = audit::Event::client_authentication;
    answer.record.effect = audit::Effect::deny;
    answer.record.reason = std::move(reason);
    return Outcome(std::move(answer));
  };
  // RFC 9126 §2.1: a pushed request names no other.
  if (request.parameters.find("request_uri")) co_return refused({oauth::ErrorCode::invalid_request, "request_uri does not belong into a pushed request", {}}, "pushed_request_uri");
  // RFC 9449 §10.1 would bind the code to a proof that came along; what is not done must not look as if it had been.
  if (request.has_dpop_proof) co_return refused({oauth::ErrorCode::invalid_request, "name the key with dpop_jkt: a proof is not taken here", {}}, "pushed_dpop_proof");
  if (!client.agent->active) co_return refused({oauth::ErrorCode::unauthorized_client, "the client is disabled", {}}, "disabled_client");
  form::Parameters pushed = request_of(request.parameters, client.registration->client_id);
  if (auto wrong = check_(pushed, *client.snapshot, request.now)) co_return refused(std::move(*wrong), "pushed_request_invalid");
  auto adding = requests_.add(client.registration->client_id, std::move(pushed), request.now);
  const auto request_uri = co_await adding;
  if (!request_uri) co_return Outcome(request_uri.error());
  if (!*request_uri) co_return Outcome(Unavailable{"too many pushed requests"});
  Granted granted;
  granted.body = {{"request_uri", **request_uri}, {"expires_in", PushedRequests::kBeginsWithin.count()}};
  granted.record.event = audit::Event::client_authentication;
  granted.record.effect = audit::Effect::allow;
  granted.record.reason = "request_pushed";
  granted.durability = audit::Durability::process;   // it gives nothing yet
  co_return Outcome(std::move(granted));
}

Task<http::Response> answer_pushed(const TokenEndpoint& endpoint, const http::Request& http) {
  auto handling = endpoint.handle(http);
  http::Response response = co_await handling;
  if (response.status == 200) response.status = 201;
  co_return response;
}

}  // namespace writ::token_service
