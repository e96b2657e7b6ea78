#pragma once

// This deployment's policy for gateways of other makers: the policy decision point of AuthZEN Authorization API 1.0 (EN-60 to EN-65), at
// {base}/access/v1/evaluation(s). Whoever asks has an API token of role `evaluator`; every answer is a recorded decision; what is not known is no.
// It decides by policy alone: decision points that this deployment asks itself are not asked on behalf of others.

#include <functional>
#include <memory>
#include <string>

#include "audit/decisions_log.h"
#include "base/clock.h"
#include "http/router.h"
#include "policy/decision.h"
#include "policy/tool_catalogue.h"
#include "registry/snapshot.h"

namespace writ::authzen {

// Everything outlives the routes and is safe to share between threads.
struct Endpoint {
  std::string base_url;             // the identifier of this decision point; no slash at the end
  std::string issuer;               // of the deployment's IdP
  const Clock& clock;
  const registry::Current& registry;
  const policy::Current& policy;
  audit::DecisionsLog& log;
  std::uint32_t node = 0;           // for denial codes
  std::function<std::shared_ptr<const policy::ToolCatalogue>()> tools;   // empty: nothing is known of any tool, and the careful defaults hold
};

http::Router routes(const Endpoint& endpoint);

}  // namespace writ::authzen
