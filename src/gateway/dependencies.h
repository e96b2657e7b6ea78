#pragma once

// What the gateway is built from. Everything is owned by the program, outlives the gateway, and is safe to share between threads.

#include "approvals/requests.h"
#include "audit/decisions_log.h"
#include "base/clock.h"
#include "crypto/handles.h"
#include "dpop/verifier.h"
#include "gateway/definition_reviews.h"
#include "gateway/issuer_keys.h"
#include "gateway/other_nodes.h"
#include "gateway/settings.h"
#include "policy/decision.h"
#include "policy/decision_points.h"
#include "policy/tool_catalogue.h"
#include "registry/revocations.h"
#include "registry/snapshot.h"
#include "upstreams/upstream.h"

namespace writ::gateway {

struct Dependencies {
  const Settings& settings;
  const Clock& clock;
  const registry::Current& objects;
  const policy::Current& policy;
  const registry::Revocations& revocations;
  audit::DecisionsLog& log;
  IssuerKeys& keys;
  upstreams::Upstream& upstream;
  // Where calls that need approval wait. Null: there is no such place, and they are denied.
  approvals::Requests* approvals = nullptr;
  const policy::CurrentTools* tools = nullptr;   // what policy knows of the approved tools; null: each has the careful defaults
  DefinitionReviews* reviews = nullptr;          // null: what is not approved is neither kept nor shown
  // Null: this process asks nobody else; what a decision point is configured for is then denied.
  policy::DecisionPoints* decision_points = nullptr;
  // False: what is under way ends, because this process no longer knows what the other nodes forbid. Empty: there are none.
  std::function<bool()> may_serve{};
  dpop::Verifier* proofs = nullptr;              // null: DPoP is not offered
  // What clients carry between two requests is sealed with it; never null. Of several nodes all have the same key.
  std::shared_ptr<const crypto::Handles> handles = std::make_shared<const crypto::Handles>();
  OtherNodes* other_nodes = nullptr;             // null: what belongs to another node is unknown here
};

}  // namespace writ::gateway
