#include "token_service/idp/token_operations.h"

#include "oauth/identifiers.h"
#include "token_service/idp/refresh_rotation.h"
#include "token_service/idp/refusal.h"
#include "token_service/idp/revoke_grant.h"
#include "token_service/idp/subject_token.h"
#include "token_service/mutual_tls.h"

namespace writ::token_service::idp {
namespace {

// An access token of ours that was issued to this client; whether it still counts is asked separately.
std::optional<OwnToken> own_access_token(const Idp& idp, std::string_view token, const Client& client, Instant now) {
  const auto keys = idp.keys.current();
  auto own = verify_own(token, oauth::kTypAccessToken, *keys, idp.settings, now);
  if (!own) return std::nullopt;
  const auto* client_id = own->claims.find_string("client_id");
  if (!client_id || *client_id != client.registration->client_id) return std::nullopt;
  return std::move(*own);
}

Granted answered(json::Object body, audit::Record record, const char* reason) {
  Granted granted;
  record.effect = audit::Effect::allow;
  record.reason = reason;
  granted.body = std::move(body);
  granted.record = std::move(record);
  return granted;
}

json::Object described(const OwnToken& own) {
  json::Object body{{"active", true}, {"token_type", token_type(own.claims.find("cnf"))}};
  for (const char* name : {"iss", "sub", "aud", "client_id", "scope", "iat", "exp", "jti", "sid", "auth_time", "acr", "cnf"}) {
    if (const auto* value = own.claims.find(name)) body.push_back({name, *value});
  }
  return body;
}

json::Object described(const PresentedRefresh& presented, const Settings& settings) {
  return {{"active", true},
          {"iss", settings.issuer},
          {"sub", presented.family.user_id},
          {"client_id", presented.family.client_id},
          {"scope", presented.family.scope},
          {"sid", presented.family.sid},
          {"exp", to_unix_seconds(presented.family.expires)}};
}

}  // namespace

Task<Outcome> RevocationOperation::decide(const TokenRequest& request, const Client& client) {
  audit::Record record = record_of(event(), request, client);
  const auto* token = request.parameters.find("token");
  if (!token) co_return Outcome{refused(refuse(Problem::missing_parameter, "token"), std::move(record))};
  const Idp& idp = idp_;
  const Instant now = request.now;
  if (const auto found = idp.refresh_tokens.find(*token)) {
    const RefreshFamily& family = found->family;
    if (family.client_id == client.registration->client_id && family.agent_id == client.agent->id) {
      record.user = family.user_id;
      record.session = family.sid;
      Granted granted = answered({}, std::move(record), "refresh_token");
      granted.after_commit = [&idp, id = family.id, now] { return revoke_grant(idp, id, now); };
      co_return Outcome{std::move(granted)};
    }
  } else if (const auto own = own_access_token(idp, *token, client, now)) {
    record.user = own->user_id;
    record.session = own->sid;
    record.access_token_jti = own->jti;
    const Instant forget_after = now + Seconds{idp.settings.access_token_seconds + idp.settings.skew_seconds};
    Granted granted = answered({}, std::move(record), "access_token");
    granted.after_commit = [&idp, jti = own->jti, forget_after] { return idp.revocations.revoke_token(jti, forget_after); };
    co_return Outcome{std::move(granted)};
  }
  // Unknown, or another client's: the answer is the same, and nothing changes (RFC 7009 §2.2).
  Granted granted = answered({}, std::move(record), "nothing_to_revoke");
  granted.durability = audit::Durability::process;
  co_return Outcome{std::move(granted)};
}

Task<Outcome> IntrospectionOperation::decide(const TokenRequest& request, const Client& client) {
  audit::Record record = record_of(event(), request, client);
  const auto* token = request.parameters.find("token");
  if (!token) co_return Outcome{refused(refuse(Problem::missing_parameter, "token"), std::move(record))};
  // Not active: unknown, expired, revoked, or not this client's; no more is said (RFC 7662 §2.2).
  Granted granted = answered({{"active", false}}, record, "inactive");
  if (const auto own = own_access_token(idp_, *token, client, request.now)) {
    const auto live = check_session_of(idp_, *client.snapshot, *own, request.now);
    record.user = own->user_id;
    record.access_token_jti = own->jti;
    if (live) granted = answered(described(*own), record, "active");
  } else if (const auto presented = check_refresh_token(idp_, *token, client, request.now)) {
    const bool is_current = presented->generation + 1 == presented->family.generations.size();
    record.user = presented->family.user_id;
    if (is_current) granted = answered(described(*presented, idp_.settings), record, "active");
  }
  granted.durability = audit::Durability::process;
  co_return Outcome{std::move(granted)};
}

}  // namespace writ::token_service::idp
