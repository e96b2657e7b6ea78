#pragma once

// The subject token of a token exchange: an ID token of ours, or a refresh token of ours. It stands for a live session; everything that is
// said about the person is read afresh, never copied from the token (IDJAG-43).

#include <optional>
#include <string>

#include "token_service/idp/idp.h"
#include "token_service/idp/refusal.h"
#include "token_service/idp/session.h"
#include "token_service/idp/tokens.h"

namespace writ::token_service::idp {

struct Subject {
  LiveSession live;
  std::string grant_id;
  // A refresh token as subject is neither consumed nor replaced; but it was used, so its predecessor is now a replay.
  std::optional<std::size_t> refresh_generation;
};

// INVARIANT: checked before anything that the token says is used (IDJAG-40). `read` is the request's ID token when somebody has read it already.
Result<Subject, Refusal> check_subject_token(const Idp& idp, const TokenRequest& request, const Client& client, std::optional<jose::UnverifiedJwt> read = std::nullopt);

// What the refresh grant and a refresh token as subject have in common (IDJAG-42).
struct PresentedRefresh {
  RefreshFamily family;
  std::size_t generation = 0;
  LiveSession live;
};
Result<PresentedRefresh, Refusal> check_refresh_token(const Idp& idp, std::string_view token, const Client& client, Instant now);

// OB-95: a family that is bound to a DPoP key is worth nothing without a proof of it, as subject too. INVARIANT: asked wherever a refresh token gives
// something.
Result<void, Refusal> check_key_of(const RefreshFamily& family, const TokenRequest& request);

// A session named by a token, and not revoked together with what gave the token.
Result<LiveSession, Refusal> check_session_of(const Idp& idp, const registry::Snapshot& snapshot, const OwnToken& token, Instant now);

}  // namespace writ::token_service::idp
