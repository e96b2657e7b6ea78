#pragma once

// Requests of legacy clients (2025-03-26 to 2025-11-25, sessions) to servers of the modern era, which know no sessions: POST, GET and DELETE.

#include "upstreams/eras/parts.h"

namespace writ::upstreams {

class ForLegacyClient {
 public:
  explicit ForLegacyClient(const EraParts& parts) : parts_(parts) {}
  // The answer is in the client's era.
  Task<Result<http::UpstreamResponse, Failure>> send(Request request);
  // Ends what is idle, too old, or whose user, agent or server is no more. About every second, on an event loop.
  void tidy(Instant now);

 private:
  const EraParts& parts_;
};

}  // namespace writ::upstreams
