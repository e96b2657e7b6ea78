#pragma once

// Access tokens for which nobody has to do anything: the gateway's own (client credentials), and those for a person by ID-JAG.

#include "upstreams/credentials/core.h"

namespace writ::upstreams {

struct Wanted {
  std::string key, basis;        // for TokenCache
  TokenCache::Fetch fetch;
};

// One token for each server, whoever asks: it says who the gateway is, and nothing about a person.
Wanted client_credentials(const std::shared_ptr<Core>& core, const Request& request);

// One for each (server, principal, IdP session, scopes): never shared, and good only as long as the session and what it was decided on.
Result<Wanted, Failure> id_jag(const std::shared_ptr<Core>& core, const Request& request);

// What makes one token the wrong one: everything in the server's document that it was asked for with.
std::string fingerprint(const registry::Server& server);

}  // namespace writ::upstreams
