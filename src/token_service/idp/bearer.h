#pragma once

#include "token_service/idp/idp.h"
#include "token_service/idp/session.h"

namespace writ::token_service::idp {

// Why a request with (or without) an access token of ours is not answered (RFC 6750 §3.1).
enum class BearerProblem { none_given, malformed, not_ours, expired_or_forged, revoked, proof_refused, certificate };
struct BearerRefusal {
  BearerProblem problem;
  std::string dpop_nonce{};                        // of proof_refused: what a fresh proof must carry; empty: nothing
};
http::Response challenge(const BearerRefusal& refusal);   // 401, or 400 for a malformed request

struct BearerSubject {
  LiveSession live;
  std::string client_id, scope;
  const registry::Agent* agent = nullptr;          // into the snapshot
};

// The access token of userinfo and catalogue: its session lives, its client is still registered and active. One that is bound to a key comes with a
// proof of it, as `Authorization: DPoP` (RFC 9449 §7).
Result<BearerSubject, BearerRefusal> check_bearer(const Idp& idp, const registry::Snapshot& snapshot, const http::Request& request,
                                                  Instant now);

}  // namespace writ::token_service::idp
