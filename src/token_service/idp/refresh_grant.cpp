#include "token_service/idp/refresh_grant.h"

#include "oauth/identifiers.h"
#include "token_service/idp/refresh_rotation.h"
#include "token_service/idp/refusal.h"
#include "token_service/idp/revoke_grant.h"
#include "token_service/idp/sign_in_response.h"
#include "token_service/idp/subject_token.h"

namespace writ::token_service::idp {
namespace {

// What was granted, or the part of it that is asked for now (RFC 6749 §6).
Result<oauth::ScopeSet, Refusal> check_scope(const form::Parameters& parameters, const RefreshFamily& family) {
  const auto granted = oauth::ScopeSet::parse(family.scope).value_or(oauth::ScopeSet{});
  const auto* text = parameters.find("scope");
  if (!text) return granted;
  auto asked = oauth::ScopeSet::parse(*text);
  if (!asked) return unexpected(refuse(Problem::scope_malformed));
  if (!asked->is_subset_of(granted)) return unexpected(refuse(Problem::scope_wider_than_granted));
  return std::move(*asked);
}

struct Yes {
  PresentedRefresh presented;
  oauth::ScopeSet scope;
  std::string successor;
};

Result<Yes, Refusal> decide_refresh(const Idp& idp, const TokenRequest& request, const Client& client, audit::Record& record) {
  if (!client.agent->active) return unexpected(refuse(Problem::agent_disabled));
  const auto* token = request.parameters.find("refresh_token");
  if (!token) return unexpected(refuse(Problem::missing_parameter, "refresh_token"));
  auto presented = TRY(check_refresh_token(idp, *token, client, request.now));
  TRY(check_key_of(presented.family, request));
  record.user = presented.live.user->id;
  record.user_name = presented.live.user->name;
  record.session = presented.live.session.id;
  if (!client.device_id.empty() && client.device_user_id != presented.live.user->id) {
    return unexpected(refuse(Problem::subject_of_another_device_user));
  }
  auto scope = TRY(check_scope(request.parameters, presented.family));
  // The same for a repeated predecessor: a keyed hash has one answer.
  std::string successor = successor_of(*token, presented.family);
  return Yes{std::move(presented), std::move(scope), std::move(successor)};
}

Task<Result<void, Unavailable>> write_rotation(const Idp& idp, std::string family_id, std::size_t generation, std::string digest,
                                               std::string sid, Instant now) {
  const auto rotated = co_await idp.refresh_tokens.rotate(family_id, generation, digest, now);
  if (!rotated) co_return unexpected(rotated.error());
  // The family was revoked or moved on between decision and record: nothing is handed out.
  if (!*rotated) co_return unexpected(Unavailable{"the refresh token was used elsewhere meanwhile"});
  const auto touched = co_await idp.sessions.touch(sid, now);
  co_return touched;
}

Result<Granted, Unavailable> granted(const Idp& idp, const Yes& yes, const TokenRequest& request, const Client& client, audit::Record record) {
  const Instant now = request.now;
  const RefreshFamily& family = yes.presented.family;
  record.effect = audit::Effect::allow;
  record.reason = yes.presented.generation + 1 == family.generations.size() ? "rotated" : "repeated";
  record.scope = yes.scope.to_string();
  const TokenSubject subject{yes.presented.live, *client.snapshot, family.client_id, family.id, yes.scope, {}, request.dpop_jkt, request.certificate_x5t};
  json::Object body = TRY(sign_in_response(idp, subject, now));
  Granted granted;
  granted.body = std::move(body);
  granted.body.push_back({"refresh_token", yes.successor});
  granted.record = std::move(record);
  granted.after_commit = [&idp, id = family.id, generation = yes.presented.generation, digest = digest_of(yes.successor),
                          sid = family.sid, now] { return write_rotation(idp, id, generation, digest, sid, now); };
  return granted;
}

}  // namespace

std::string_view RefreshGrant::grant_type() const { return oauth::kGrantRefreshToken; }

Task<Outcome> RefreshGrant::decide(const TokenRequest& request, const Client& client) {
  audit::Record record = record_of(audit::Event::token_refreshed, request, client);
  auto decided = decide_refresh(idp_, request, client, record);
  if (decided) {
    auto given = granted(idp_, *decided, request, client, std::move(record));
    co_return given ? Outcome{std::move(*given)} : Outcome{given.error()};
  }
  Refusal refusal = std::move(decided).error();
  if (!refusal.compromised_grant.empty()) {
    // Revoked before it is answered, so that the thief's copy is dead when the client learns of it.
    record.event = audit::Event::refresh_reuse;
    const auto revoked = co_await revoke_grant(idp_, refusal.compromised_grant, request.now);
    if (!revoked) co_return Outcome{revoked.error()};
  }
  co_return Outcome{refused(std::move(refusal), std::move(record))};
}

}  // namespace writ::token_service::idp
