#pragma once

// A person, an agent and a server as policy sees them, from the objects of this request's snapshot.

#include "policy/decision.h"
#include "registry/snapshot.h"
#include "token_service/idp/session.h"

namespace writ::token_service::idp {

struct Circumstances {
  const registry::Snapshot& snapshot;
  const LiveSession& live;
  const registry::Agent& agent;
  registry::ClientAuthentication method;
  const Settings& settings;
  std::string ip;
  Instant now;
};

policy::Question connect_question(const Circumstances& circumstances, const registry::Server& server);
policy::Question scope_question(const Circumstances& circumstances, const registry::Server& server, const registry::Scope& scope);

}  // namespace writ::token_service::idp
