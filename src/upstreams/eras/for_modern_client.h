#pragma once

// Requests of modern clients (2026-07-28, stateless) to servers of the legacy era. The gateway holds the session that such a server wants:
// one for each server, principal and set of client capabilities, never shared (G13). Everything about a session happens on one event loop;
// requests that come on others are handed over, and answers back.

#include "upstreams/eras/bridged_call.h"
#include "upstreams/eras/legacy_sessions.h"
#include "upstreams/eras/parts.h"

namespace writ::upstreams {

// Outlives the event loops.
class ForModernClient {
 public:
  explicit ForModernClient(const EraParts& parts) : parts_(parts), states_(parts.handles), sessions_(parts) {}
  // The answer is in the client's era.
  Task<Result<http::UpstreamResponse, Failure>> send(Request request);
  // Ends what is idle, too old, or whose user, agent or server is no more. About every second, on an event loop.
  void tidy(Instant now);

  std::size_t sessions() const { return sessions_.size(); }
  std::size_t pending_calls() const { return pending_.size(); }

 private:
  // What can be said at once, or nothing: then `asking` was handed to a session.
  std::optional<Sent> dispatch(Asking asking);
  std::optional<Sent> come_back(Asking asking);

  const EraParts& parts_;
  RequestStates states_;
  PendingCalls pending_;
  LegacySessions sessions_;
};

}  // namespace writ::upstreams
