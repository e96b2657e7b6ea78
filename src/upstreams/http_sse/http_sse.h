#pragma once

// The lowest layer of a server that speaks the old HTTP+SSE transport (MCP 2024-11-05): to the layers above it looks like one of Streamable
// HTTP in the legacy era. Each client session has a stream of its own at the server; nothing of it is shared between principals, or between
// two sessions of one. docs/reference/upstreams.md says what the old transport cannot do.

#include <memory>

#include "base/clock.h"
#include "upstreams/http_sse/sessions.h"
#include "upstreams/upstream.h"

namespace writ::upstreams::http_sse {

// Called on event loops; a session's stream lives on the loop of its `initialize`, its requests come on any.
class HttpSse final : public Upstream {
 public:
  HttpSse(http::Upstream& http, const Clock& clock, Settings settings = {}) : http_(http), clock_(clock), settings_(settings), sessions_(settings) {}
  ~HttpSse() override;   // ends the sessions

  Task<Result<http::UpstreamResponse, Failure>> send(Request request) override;
  // Twice a second or so: ends what has waited too long and what is idle. Any thread.
  void sweep(Instant now);
  std::size_t sessions() const { return sessions_.size(); }

 private:
  using Answer = Result<http::UpstreamResponse, Failure>;
  Task<Answer> open(Request request, std::string owner);
  Task<Answer> post(Request request, std::shared_ptr<Session> session);
  Answer stand(const std::shared_ptr<Session>& session) const;

  http::Upstream& http_;
  const Clock& clock_;
  Settings settings_;
  Sessions sessions_;
};

}  // namespace writ::upstreams::http_sse
