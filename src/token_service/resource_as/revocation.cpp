#include "token_service/resource_as/revocation.h"

#include "token_service/resource_as/access_token.h"
#include "token_service/token_endpoint.h"

namespace writ::token_service::resource_as {
namespace {

// A coroutine takes what it needs by value: the request is over for the lambda that names it.
Task<Result<void, Unavailable>> revoke(registry::Revocations& revocations, std::string jti, Instant forget_after) {
  auto revoking = revocations.revoke_token(std::move(jti), forget_after);
  co_return co_await revoking;
}

}  // namespace

Revocation::Revocation(const Settings& settings, const SigningKeys& signing_keys, registry::Revocations& revocations)
    : settings_(settings), signing_keys_(signing_keys), revocations_(revocations) {}

Task<Outcome> Revocation::decide(const TokenRequest& request, const Client& client) {
  const std::string* presented = request.parameters.find("token");
  if (presented == nullptr)
    co_return Outcome(refuse(event(), oauth::ErrorCode::invalid_request, "the parameter token is missing", "token_missing"));

  Granted answer;
  answer.record.event = event();
  answer.body = {};
  const auto keys = signing_keys_.current();
  const auto token = read_own_token(*presented, *keys, settings_);
  if (!token) {   // RFC 7009 §2.2: what is no token of ours needs no revoking
    answer.record.reason = "not_our_token";
    co_return Outcome(std::move(answer));
  }
  if (token->client_id != client.registration->client_id) {
    Refused refused = refuse(event(), oauth::ErrorCode::invalid_grant, "the token was not issued to this client", "token_of_another_client");
    refused.record.access_token_jti = token->jti;
    co_return Outcome(std::move(refused));
  }
  answer.record.access_token_jti = token->jti;
  answer.record.user = token->subject;
  answer.record.resource = token->audience;
  const Instant forget_after = from_unix_seconds(token->expires + settings_.skew_seconds + 1);
  if (token->expires + settings_.skew_seconds < to_unix_seconds(request.now)) {
    answer.record.reason = "expired";
    co_return Outcome(std::move(answer));
  }
  answer.record.reason = "revoked";
  answer.record.effect = audit::Effect::allow;
  answer.after_commit = [this, jti = token->jti, forget_after] { return revoke(revocations_, jti, forget_after); };
  co_return Outcome(std::move(answer));
}

}  // namespace writ::token_service::resource_as
