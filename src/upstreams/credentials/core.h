#pragma once

// What the credentials of upstream servers are got with. Fetches belong to nobody who waits for them, so they share it and it goes when the last is over.

#include <memory>

#include "registry/revocations.h"
#include "upstreams/credentials/authorization_servers.h"
#include "upstreams/credentials/id_jag_source.h"
#include "upstreams/credentials/token_cache.h"

namespace writ::upstreams {

struct Core {
  Core(std::shared_ptr<AuthorizationServers> all, const Clock& wall, const registry::Revocations& taken_away) : servers(std::move(all)), clock(wall), revocations(taken_away) {}

  std::shared_ptr<AuthorizationServers> servers;
  const Clock& clock;
  const registry::Revocations& revocations;
  IdJagSource* id_jags = nullptr;      // null: the IdP is no role of this deployment, or the gateway is no agent
  TokenCache tokens{};
};

}  // namespace writ::upstreams
