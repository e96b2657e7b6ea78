#pragma once

// Requests of modern clients (2026-07-28, stateless) to servers of the legacy era. The gateway holds the session that such a server wants:
// one for each server, principal and set of client capabilities, never shared (G13).

#include "upstreams/eras/parts.h"

namespace writ::upstreams {

class ForModernClient {
 public:
  explicit ForModernClient(const EraParts& parts) : parts_(parts) {}
  // The answer is in the client's era.
  Task<Result<http::UpstreamResponse, Failure>> send(Request request);
  // Ends what is idle, too old, or whose user, agent or server is no more. About every second, on an event loop.
  void tidy(Instant now);

 private:
  const EraParts& parts_;
};

}  // namespace writ::upstreams
