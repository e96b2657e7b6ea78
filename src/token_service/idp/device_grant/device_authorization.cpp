#include "token_service/idp/device_grant/device_authorization.h"

#include "crypto/random.h"
#include "encoding/uri.h"
#include "oauth/scope.h"
#include "token_service/idp/refusal.h"
#include "token_service/token_endpoint.h"

namespace writ::token_service::idp {
namespace {

constexpr const char* kScopes[] = {"openid", "profile", "email", "groups", "offline_access"};

Outcome refused_device(oauth::ErrorCode code, std::string description, const char* reason, audit::Event event) { return Outcome(token_service::refuse(event, code, std::move(description), reason)); }

// As at the authorization endpoint: words that are not known are left out, and without `openid` there is no sign-in.
std::optional<oauth::ScopeSet> asked_scope(const TokenRequest& request) {
  const auto* text = request.parameters.find("scope");
  const auto asked = oauth::ScopeSet::parse(text ? *text : std::string("openid"));
  if (!asked || !asked->contains("openid")) return std::nullopt;
  oauth::ScopeSet known;
  for (const auto* scope : kScopes) {
    if (asked->contains(scope)) known.insert(scope);
  }
  return known;
}

}  // namespace

std::string verification_uri(const Idp& idp) {
  const auto issuer = uri::parse(idp.settings.issuer);
  return (issuer ? issuer->origin() : std::string()) + "/device";
}

Task<Outcome> DeviceAuthorization::decide(const TokenRequest& request, const Client& client) {
  constexpr auto kEvent = audit::Event::client_authentication;
  if (!client.agent->active) co_return refused_device(oauth::ErrorCode::unauthorized_client, "the client is disabled", "disabled_client", kEvent);
  const auto scope = asked_scope(request);
  if (!scope) co_return refused_device(oauth::ErrorCode::invalid_scope, "scope must contain openid", "scope_malformed", kEvent);
  requests_.forget_expired(request.now);
  auto adding = requests_.add(client.registration->client_id, client.agent->id, scope->to_string(), request.peer, request.now);
  const auto added = co_await adding;
  if (!added) co_return Outcome(added.error());
  const auto& made = *added;
  if (!made) co_return Outcome(Unavailable{"too many devices wait for their people"});
  const std::string shown = shown_code(made->request.user_code), address = verification_uri(idp_);
  Granted granted;
  granted.body = {{"device_code", made->device_code},
                  {"user_code", shown},
                  {"verification_uri", address},
                  {"verification_uri_complete", address + "?user_code=" + shown},
                  {"expires_in", DeviceRequests::kLifetime.count()},
                  {"interval", DeviceRequests::kInterval.count()}};
  granted.record = record_of(kEvent, request, client);
  granted.record.effect = audit::Effect::allow;
  granted.record.reason = "device_waits";
  granted.record.scope = scope->to_string();
  granted.durability = audit::Durability::process;   // it gives nothing yet
  co_return Outcome(std::move(granted));
}

Task<Outcome> DeviceCodeGrant::decide(const TokenRequest& request, const Client& client) {
  using oauth::ErrorCode;
  const auto refused = [&](ErrorCode code, std::string description, const char* reason) { return refused_device(code, std::move(description), reason, event()); };
  const auto* device_code = request.parameters.find("device_code");
  if (!device_code) co_return refused(ErrorCode::invalid_request, "the parameter device_code is missing", "missing_parameter");
  switch (requests_.poll(*device_code, client.registration->client_id, request.now)) {
    case DeviceRequests::Poll::unknown: co_return refused(ErrorCode::invalid_grant, "the device code is not valid", "device_code_unknown");
    case DeviceRequests::Poll::of_another_client: co_return refused(ErrorCode::invalid_grant, "the device code is not valid", "device_code_of_another_client");
    case DeviceRequests::Poll::expired: co_return refused(ErrorCode::expired_token, "nobody approved in time: begin again", "device_code_expired");
    case DeviceRequests::Poll::slow_down: co_return refused(ErrorCode::slow_down, "ask less often", "device_code_slow_down");
    case DeviceRequests::Poll::waiting: co_return refused(ErrorCode::authorization_pending, "the person has not answered yet", "device_code_pending");
    case DeviceRequests::Poll::denied: co_return refused(ErrorCode::access_denied, "the person said no", "device_denied");
    case DeviceRequests::Poll::approved: break;
  }
  // The code grant checks the rest: agent, session, device key, single use.
  TokenRequest redeeming = request;
  std::vector<std::pair<std::string, std::string>> pairs{{"code", *device_code}, {"code_verifier", *device_code}, {"redirect_uri", std::string(kGrantDeviceCode)}};
  for (const auto& pair : request.parameters.pairs()) {
    if (pair.first != "code" && pair.first != "code_verifier" && pair.first != "redirect_uri") pairs.push_back(pair);
  }
  redeeming.parameters = form::Parameters(std::move(pairs));
  auto deciding = code_.decide(redeeming, client);
  co_return co_await deciding;
}

AuthorizationCode approved_code(const DeviceRequest& request, const LiveSession& live) {
  AuthorizationCode code;
  code.digest = request.device_code_digest;
  code.grant_id = "grt_" + crypto::random_token();
  code.client_id = request.client_id;
  code.agent_id = request.agent_id;
  code.user_id = live.user->id;
  code.sid = live.session.id;
  code.redirect_uri = kGrantDeviceCode;
  code.code_challenge = request.device_code_digest;   // base64url of SHA-256, as PKCE has it
  code.scope = request.scope;
  code.expires = request.expires;
  return code;
}

}  // namespace writ::token_service::idp
