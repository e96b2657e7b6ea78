#include "token_service/idp/authorization_code_grant.h"

#include "oauth/identifiers.h"
#include "token_service/idp/device_registration.h"
#include "token_service/pkce.h"
#include "token_service/idp/refresh_rotation.h"
#include "token_service/idp/refusal.h"
#include "token_service/idp/revoke_grant.h"
#include "token_service/idp/sign_in_response.h"

namespace writ::token_service::idp {
namespace {

struct Yes {
  AuthorizationCode code;
  LiveSession live;
  oauth::ScopeSet scope;
  std::optional<DeviceKey> device;
  std::optional<NewFamily> refresh;
};

// A code presented wrongly burns nothing and revokes nothing: replay is judged only when everything else is right.
Result<AuthorizationCode, Refusal> check_code(const Idp& idp, const TokenRequest& request, const Client& client) {
  const form::Parameters& parameters = request.parameters;
  const auto* text = parameters.find("code");
  const auto* redirect_uri = parameters.find("redirect_uri");
  const auto* verifier = parameters.find("code_verifier");
  if (!text || !redirect_uri || !verifier) {
    return unexpected(refuse(Problem::missing_parameter, !text ? "code" : !redirect_uri ? "redirect_uri" : "code_verifier"));
  }
  auto code = idp.codes.find(*text);
  if (!code) return unexpected(refuse(Problem::code_unknown));
  if (code->client_id != client.registration->client_id || code->agent_id != client.agent->id) {
    return unexpected(refuse(Problem::code_of_another_client));
  }
  if (code->redirect_uri != *redirect_uri) return unexpected(refuse(Problem::code_redirect_uri_mismatch));
  if (!is_code_verifier(*verifier)) return unexpected(refuse(Problem::code_verifier_malformed));
  if (!answers(*verifier, code->code_challenge)) return unexpected(refuse(Problem::code_verifier_mismatch));
  // Before it counts as a replay: who has not the key says nothing about who has.
  if (!code->dpop_jkt.empty() && code->dpop_jkt != request.dpop_jkt) return unexpected(refuse(Problem::code_of_another_key));
  if (code->used) {
    Refusal refusal = refuse(Problem::code_replayed);
    refusal.compromised_grant = code->grant_id;
    return unexpected(std::move(refusal));
  }
  if (request.now >= code->expires) return unexpected(refuse(Problem::code_expired));
  return std::move(*code);
}

// The device that what is given belongs to: the one that registers now, or the one whose key authenticated.
std::optional<NewFamily> refresh_family(const Yes& yes, const TokenRequest& request, const Client& client, const Settings& settings) {
  const std::string& device_id = yes.device ? yes.device->id : client.device_id;
  if (!yes.scope.contains("offline_access") && device_id.empty()) return std::nullopt;
  RefreshFamily family;
  family.id = yes.code.grant_id;
  family.client_id = yes.code.client_id;
  family.agent_id = yes.code.agent_id;
  family.user_id = yes.code.user_id;
  family.sid = yes.code.sid;
  family.scope = yes.code.scope;
  family.device_id = device_id;
  family.expires = absolute_end(yes.live.session, settings);   // bound to the session
  // OB-95: what a client without credentials holds is bound to its key. A client or device that authenticates has one of its own already.
  if (client.method == registry::ClientAuthentication::none && device_id.empty()) family.dpop_jkt = request.dpop_jkt;
  return begin_family(std::move(family), request.now);
}

Result<Yes, Refusal> decide_code(const Idp& idp, const TokenRequest& request, const Client& client, audit::Record& record) {
  if (!client.agent->active) return unexpected(refuse(Problem::agent_disabled));
  Yes yes;
  yes.code = TRY(check_code(idp, request, client));
  record.user = yes.code.user_id;
  record.session = yes.code.sid;
  auto live = check_live(idp.sessions.find(yes.code.sid), *client.snapshot, idp.revocations, idp.settings, request.now);
  if (!live) return unexpected(refuse(live.error()));
  yes.live = std::move(*live);
  record.user_name = yes.live.user->name;
  if (!client.device_id.empty() && client.device_user_id != yes.code.user_id) {
    return unexpected(refuse(Problem::subject_of_another_device_user));
  }
  yes.scope = oauth::ScopeSet::parse(yes.code.scope).value_or(oauth::ScopeSet{});
  yes.device = TRY(check_device_registration(request, client, *request.parameters.find("code"), yes.code, idp.device_keys, idp.settings));
  yes.refresh = refresh_family(yes, request, client, idp.settings);
  return yes;
}

struct Redeemed {
  std::string code_digest, sid;
  std::optional<DeviceKey> device;
  std::optional<RefreshFamily> family;
  Instant now{};
};

Task<Result<void, Unavailable>> write_redeemed(const Idp& idp, Redeemed redeemed) {
  const auto marked = co_await idp.codes.mark_used(redeemed.code_digest);
  if (!marked) co_return unexpected(marked.error());
  if (redeemed.device) {
    const auto added = co_await idp.device_keys.add(*redeemed.device);
    if (!added) co_return unexpected(added.error());
  }
  if (redeemed.family) {
    const auto added = co_await idp.refresh_tokens.add(*redeemed.family);
    if (!added) co_return unexpected(added.error());
    if (!*added) co_return unexpected(Unavailable{"the code was replayed while it was redeemed"});
  }
  const auto touched = co_await idp.sessions.touch(redeemed.sid, redeemed.now);
  co_return touched;
}

Result<Granted, Unavailable> granted(const Idp& idp, const Yes& yes, const TokenRequest& request, const Client& client, audit::Record record) {
  const Instant now = request.now;
  record.effect = audit::Effect::allow;
  record.reason = "code_redeemed";
  record.scope = yes.code.scope;
  if (yes.device) record.event = audit::Event::device_registered, record.more.emplace_back("device", yes.device->id);
  const TokenSubject subject{yes.live, *client.snapshot, yes.code.client_id, yes.code.grant_id, yes.scope, yes.code.nonce, request.dpop_jkt, request.certificate_x5t};
  json::Object body = TRY(sign_in_response(idp, subject, now));
  Granted granted;
  granted.body = std::move(body);
  if (yes.refresh) granted.body.push_back({"refresh_token", yes.refresh->token});
  if (yes.device) granted.body.push_back({"device_id", yes.device->id});

  // Claimed in the step that writes the record, so of two requests with one code exactly one is answered (OB-136).
  granted.claim = audit::make_claim(audit::Claim::Use::authorization_code, idp.settings.issuer, yes.code.digest,
                                    yes.code.expires + AuthorizationCodes::kRemembered);
  audit::Record replayed = record;
  replayed.effect = audit::Effect::deny;
  replayed.reason = std::string(to_string(Problem::code_replayed));
  granted.if_replayed = std::move(replayed);
  granted.record = std::move(record);

  Redeemed redeemed{yes.code.digest, yes.code.sid, yes.device, std::nullopt, now};
  if (yes.refresh) redeemed.family = yes.refresh->family;
  granted.after_commit = [&idp, redeemed] { return write_redeemed(idp, redeemed); };
  granted.after_replay = [&idp, grant_id = yes.code.grant_id, now] { return revoke_grant(idp, grant_id, now); };
  return granted;
}

}  // namespace

std::string_view AuthorizationCodeGrant::grant_type() const { return oauth::kGrantAuthorizationCode; }

Task<Outcome> AuthorizationCodeGrant::decide(const TokenRequest& request, const Client& client) {
  audit::Record record = record_of(audit::Event::token_refreshed, request, client);
  auto decided = decide_code(idp_, request, client, record);
  if (decided) {
    auto given = granted(idp_, *decided, request, client, std::move(record));
    co_return given ? Outcome{std::move(*given)} : Outcome{given.error()};
  }
  Refusal refusal = std::move(decided).error();
  if (!refusal.compromised_grant.empty()) {
    const auto revoked = co_await revoke_grant(idp_, refusal.compromised_grant, request.now);
    if (!revoked) co_return Outcome{revoked.error()};
  }
  co_return Outcome{refused(std::move(refusal), std::move(record))};
}

}  // namespace writ::token_service::idp
