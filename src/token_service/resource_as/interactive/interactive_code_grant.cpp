#include "token_service/resource_as/interactive/interactive_code_grant.h"

#include "crypto/hash.h"
#include "encoding/base64url.h"
#include "oauth/identifiers.h"
#include "token_service/pkce.h"
#include "token_service/resource_as/access_token.h"
#include "token_service/resource_as/interactive/decision.h"
#include "token_service/resource_as/interactive/sealed_codes.h"
#include "token_service/token_endpoint.h"

namespace writ::token_service::resource_as {
namespace {

oauth::Error to_wire(CodeProblem problem) {
  switch (problem) {
    case CodeProblem::parameter_missing: return {oauth::ErrorCode::invalid_request, "code, redirect_uri and code_verifier are needed", {}};
    case CodeProblem::dpop_not_offered: return {oauth::ErrorCode::invalid_request, "DPoP is not offered here", {}};
    case CodeProblem::proof_required: return {oauth::ErrorCode::invalid_grant, "proof of possession is required: send a DPoP proof", {}};
    case CodeProblem::resource_mismatch: return {oauth::ErrorCode::invalid_target, "the code is for another resource", {}};
    default: return {oauth::ErrorCode::invalid_grant, "the code is not accepted", {}};
  }
}

// The order is that of the IdP's code grant: a code presented wrongly burns nothing.
Result<SealedCodes::Opened, CodeProblem> check_code(const Interactive& interactive, const TokenRequest& request, const Client& client) {
  const auto *code = request.parameters.find("code"), *redirect_uri = request.parameters.find("redirect_uri"), *verifier = request.parameters.find("code_verifier");
  if (!code || !redirect_uri || !verifier) return unexpected(CodeProblem::parameter_missing);
  // Never unbound where the client meant to bind.
  if (request.has_dpop_proof && request.dpop_jkt.empty()) return unexpected(CodeProblem::dpop_not_offered);
  auto opened = SealedCodes(interactive).open(*code);
  if (!opened) return unexpected(CodeProblem::not_ours);
  const CodeContent& content = opened->content;
  if (content.client_id != client.registration->client_id || content.agent_id != client.agent->id) return unexpected(CodeProblem::of_another_client);
  if (content.redirect_uri != *redirect_uri) return unexpected(CodeProblem::redirect_uri_mismatch);
  if (!is_code_verifier(*verifier)) return unexpected(CodeProblem::verifier_malformed);
  if (!answers(*verifier, content.code_challenge)) return unexpected(CodeProblem::verifier_mismatch);
  if (request.now >= content.expires) return unexpected(CodeProblem::expired);
  for (const auto resource : request.parameters.find_all("resource")) {
    if (resource != opened->sign_in.claims().resources.front()) return unexpected(CodeProblem::resource_mismatch);
  }
  return std::move(*opened);
}

Outcome refused(const Failure& failure, audit::Record record, const Settings& settings) {
  Refused answer{to_wire(failure, settings), std::move(record)};
  describe(failure, answer.record);
  const auto* refusal = std::get_if<Refusal>(&failure);
  if (answer.error.code == oauth::ErrorCode::invalid_grant) answer.error.description = "the code is not accepted";
  if (refusal && *refusal == Refusal::ema_refused) answer.error = {oauth::ErrorCode::access_denied, "the policy does not allow this", {}};
  answer.with_code = !refusal || *refusal == Refusal::ema_refused;
  return answer;
}

}  // namespace

std::string_view to_string(CodeProblem problem) {
  switch (problem) {
    case CodeProblem::parameter_missing: return "code_parameter_missing";
    case CodeProblem::not_ours: return "code_unknown";
    case CodeProblem::of_another_client: return "code_of_another_client";
    case CodeProblem::redirect_uri_mismatch: return "code_redirect_uri_mismatch";
    case CodeProblem::verifier_malformed: return "code_verifier_malformed";
    case CodeProblem::verifier_mismatch: return "code_verifier_mismatch";
    case CodeProblem::expired: return "code_expired";
    case CodeProblem::resource_mismatch: return "code_resource_mismatch";
    case CodeProblem::dpop_not_offered: return "dpop_not_offered";
    case CodeProblem::proof_required: return "proof_required";
  }
  return "code_unknown";
}

std::string_view InteractiveCodeGrant::grant_type() const { return oauth::kGrantAuthorizationCode; }

Task<Outcome> InteractiveCodeGrant::decide(const TokenRequest& request, const Client& client) {
  audit::Record record;
  record.event = audit::Event::access_token;
  record.more.emplace_back(kInteractiveGrant, "redeem");
  const auto refused_code = [&](CodeProblem problem) {
    Refused answer{to_wire(problem), std::move(record)};
    answer.record.effect = audit::Effect::deny;
    answer.record.reason = to_string(problem);
    return Outcome(std::move(answer));
  };
  auto checked = check_code(interactive_, request, client);
  if (!checked) co_return refused_code(checked.error());
  AskedBy asked{client.agent, client.method, request.peer, request.now};
  auto decided = co_await decide_for(interactive_, client.snapshot, checked->sign_in, std::move(asked), record);
  if (decided && !client.device_user_id.empty() && client.device_user_id != decided->user->id) decided = unexpected(Failure(Refusal::device_of_another_user));
  if (!decided) co_return refused(decided.error(), std::move(record), interactive_.settings);
  if (decided->server->dpop_required && request.dpop_jkt.empty()) co_return refused_code(CodeProblem::proof_required);

  const std::string& code = *request.parameters.find("code");
  const auto ring = interactive_.signing_keys.current();
  AccessToken token = make_access_token(checked->sign_in, *decided->user, *decided->server, decided->entitlement.scopes, interactive_.settings, request.now);
  token.jti = SealedCodes(interactive_).token_id(code);   // found again by a replay
  token.claims.set("jti", token.jti);
  bind(token, request);   // RAS-62
  record.scope = decided->entitlement.scopes.to_string();
  record.effect = audit::Effect::allow;
  record.reason = "code_redeemed";
  record.access_token_jti = token.jti;

  auto signed_token = sign(token, *ring);
  if (!signed_token) co_return Outcome(signed_token.error());
  Granted granted;
  granted.body = {{"access_token", std::move(*signed_token)},
                  {"token_type", token_type(token.claims.find("cnf"))},
                  {"expires_in", token.expires - token.issued_at},
                  {"scope", decided->entitlement.scopes.to_string()},
                  {"resource", decided->server->resource}};
  // Of two requests with one code exactly one is answered; the other takes back what the first gave (RFC 6749 §4.1.2).
  const std::string digest = base64url::encode(crypto::sha256_bytes(code));
  granted.claim = audit::make_claim(audit::Claim::Use::authorization_code, interactive_.settings.issuer, digest, checked->content.expires + Seconds{1});
  granted.if_replayed = record;
  granted.if_replayed->effect = audit::Effect::deny;
  granted.if_replayed->reason = "code_replayed";
  granted.after_replay = [this, jti = token.jti, until = from_unix_seconds(token.expires + interactive_.settings.skew_seconds)] { return revocations_.revoke_token(jti, until); };
  granted.record = std::move(record);
  co_return Outcome(std::move(granted));
}

}  // namespace writ::token_service::resource_as
