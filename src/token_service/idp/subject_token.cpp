#include "token_service/idp/subject_token.h"

#include "oauth/identifiers.h"
#include "token_service/idp/refresh_rotation.h"

namespace writ::token_service::idp {
namespace {

Problem problem_of(OwnTokenProblem problem) {
  switch (problem) {
    case OwnTokenProblem::malformed: return Problem::subject_token_malformed;
    case OwnTokenProblem::wrong_type: return Problem::subject_token_wrong_type;
    case OwnTokenProblem::signature: return Problem::subject_token_signature;
    case OwnTokenProblem::issuer: return Problem::subject_token_issuer;
    case OwnTokenProblem::times: return Problem::subject_token_times;
  }
  return Problem::subject_token_malformed;
}

Result<Subject, Refusal> check_id_token(const Idp& idp, std::string_view token, std::optional<jose::UnverifiedJwt> read, const Client& client, Instant now) {
  const auto keys = idp.keys.current();
  auto own = read ? verify_own(std::move(*read), oauth::kTypIdToken, *keys, idp.settings, now) : verify_own(token, oauth::kTypIdToken, *keys, idp.settings, now);
  if (!own) return unexpected(refuse(problem_of(own.error())));
  // An ID token is for its own client: another agent that got hold of it gains nothing (X1, IDJAG-41).
  const std::string& client_id = client.registration->client_id;
  if (!has_single_audience(own->claims, client_id)) return unexpected(refuse(Problem::subject_token_audience));
  if (const auto* party = own->claims.find("azp")) {
    if (!party->as_string() || *party->as_string() != client_id) return unexpected(refuse(Problem::subject_token_audience));
  }
  auto live = TRY(check_session_of(idp, *client.snapshot, *own, now));
  const auto* issued_at = own->claims.find_int("iat");
  if (issued_at && registry::is_taken_back(from_unix_seconds(*issued_at), *live.user, idp.revocations)) {
    return unexpected(refuse(Problem::subject_token_before_not_before));
  }
  return Subject{std::move(live), own->grant_id, std::nullopt};
}

Result<Subject, Refusal> check_refresh_subject(const Idp& idp, std::string_view token, const Client& client, const TokenRequest& request) {
  auto presented = TRY(check_refresh_token(idp, token, client, request.now));
  TRY(check_key_of(presented.family, request));
  const bool is_current = presented.generation + 1 == presented.family.generations.size();
  return Subject{std::move(presented.live), presented.family.id,
                 is_current ? std::optional(presented.generation) : std::nullopt};
}

}  // namespace

Result<LiveSession, Refusal> check_session_of(const Idp& idp, const registry::Snapshot& snapshot, const OwnToken& token, Instant now) {
  if (idp.revocations.is_token_revoked(token.grant_id) || idp.revocations.is_token_revoked(token.jti)) {
    return unexpected(refuse(Problem::subject_token_revoked));
  }
  auto live = check_live(idp.sessions.find(token.sid), snapshot, idp.revocations, idp.settings, now);
  if (!live) return unexpected(refuse(live.error()));
  if (live->user->id != token.user_id) return unexpected(refuse(Problem::subject_token_other_user));
  return std::move(*live);
}

Result<PresentedRefresh, Refusal> check_refresh_token(const Idp& idp, std::string_view token, const Client& client, Instant now) {
  auto found = idp.refresh_tokens.find(token);
  if (!found) return unexpected(refuse(Problem::refresh_token_unknown));
  const RefreshFamily& family = found->family;
  // Before its standing: a token presented by someone else than its client says nothing about its client, and revokes nothing.
  if (family.client_id != client.registration->client_id || family.agent_id != client.agent->id) {
    return unexpected(refuse(Problem::refresh_token_of_another_client));
  }
  if (!family.device_id.empty() && client.device_id.empty()) return unexpected(refuse(Problem::device_key_required));
  if (family.device_id != client.device_id) return unexpected(refuse(Problem::device_key_mismatch));
  switch (standing_of(family, found->generation, idp.settings, now)) {
    case RefreshStanding::current:
    case RefreshStanding::repeated: break;
    case RefreshStanding::reused: {
      Refusal refusal = refuse(Problem::refresh_token_reused);
      refusal.compromised_grant = family.id;
      return unexpected(std::move(refusal));
    }
    case RefreshStanding::revoked: return unexpected(refuse(Problem::refresh_token_revoked));
    case RefreshStanding::expired: return unexpected(refuse(Problem::refresh_token_expired));
  }
  auto live = check_live(idp.sessions.find(family.sid), *client.snapshot, idp.revocations, idp.settings, now);
  if (!live) return unexpected(refuse(live.error()));
  if (live->user->id != family.user_id) return unexpected(refuse(Problem::subject_token_other_user));
  if (registry::is_taken_back(family.created, *live->user, idp.revocations)) {
    return unexpected(refuse(Problem::refresh_token_before_not_before));
  }
  return PresentedRefresh{std::move(found->family), found->generation, std::move(*live)};
}

Result<void, Refusal> check_key_of(const RefreshFamily& family, const TokenRequest& request) {
  if (family.dpop_jkt.empty() || family.dpop_jkt == request.dpop_jkt) return {};
  return unexpected(refuse(Problem::refresh_token_of_another_key));
}

Result<Subject, Refusal> check_subject_token(const Idp& idp, const TokenRequest& request, const Client& client, std::optional<jose::UnverifiedJwt> read) {
  const auto* type = request.parameters.find("subject_token_type");
  const auto* token = request.parameters.find("subject_token");
  if (!type || !token) return unexpected(refuse(Problem::missing_parameter, type ? "subject_token" : "subject_token_type"));
  if (*type == oauth::kTokenTypeIdToken) return check_id_token(idp, *token, std::move(read), client, request.now);
  if (*type == oauth::kTokenTypeRefreshToken) return check_refresh_subject(idp, *token, client, request);
  return unexpected(refuse(Problem::subject_token_type_unsupported));
}

}  // namespace writ::token_service::idp
