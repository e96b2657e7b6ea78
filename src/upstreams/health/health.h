#pragma once

// The top layer: a server that cannot be reached is left alone for a while, and its callers are told so at once; one that is slow has a
// bounded number of requests waiting. Both harm this server's callers only. Nothing is ever sent twice: a retry is the caller's decision.

#include "base/clock.h"
#include "upstreams/health/servers.h"
#include "upstreams/upstream.h"

namespace writ::upstreams::health {

class Health final : public Upstream {
 public:
  Health(Upstream& below, const Clock& clock, Settings settings = {}) : below_(below), clock_(clock), servers_(settings) {}
  Task<Result<http::UpstreamResponse, Failure>> send(Request request) override;

  const Servers& servers() const { return servers_; }

 private:
  Upstream& below_;
  const Clock& clock_;
  Servers servers_;
};

// What a failure says about the server as a whole. `message` is null for GET and DELETE; `took`: how long the request waited; `head_timeout`: how long it might have.
bool counts(const Failure& failure, const mcp::Message* message, Milliseconds took, Milliseconds head_timeout);

}  // namespace writ::upstreams::health
