#pragma once

// Requests of legacy clients (2025-03-26 to 2025-11-25, sessions) to servers of the modern era, which know no sessions: POST, GET and DELETE. The sessions are
// kept here, bound to server and principal (G12, G13). docs/reference/eras.md says what has no translation.

#include "upstreams/eras/client_session.h"
#include "upstreams/eras/parts.h"

namespace writ::upstreams {

class ForLegacyClient {
 public:
  explicit ForLegacyClient(const EraParts& parts, ClientSessionLimits limits = {}) : parts_(parts), sessions_(limits) {}
  // The answer is in the client's era.
  Task<Result<http::UpstreamResponse, Failure>> send(Request request);
  // Ends what is idle, too old, or whose user, agent or server is no more. About every second, on an event loop.
  void tidy(Instant now);
  std::size_t sessions() const { return sessions_.size(); }

 private:
  using Sent = Result<http::UpstreamResponse, Failure>;
  Task<Sent> open(Request request);
  Task<Sent> post(Request request, std::shared_ptr<ClientSession> session);
  Sent get(const Request& request, const std::shared_ptr<ClientSession>& session);
  // What the bridge answers itself; absent: the server is asked.
  static std::optional<json::Value> answer_here(const mcp::Message& message, ClientSession& session);
  static void note(const mcp::Message& notification, const ClientSession& session);

  const EraParts& parts_;
  ClientSessions sessions_;
};

}  // namespace writ::upstreams
