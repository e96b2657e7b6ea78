#pragma once

// The gateway's way to upstream servers: http::Upstream on the event loops, with pooled keep-alive connections.
//
//   net::PooledUpstream upstream(loops, {});
//   http::UpstreamRequest request;
//   request.method = "POST", request.url = "https://files.example.com/mcp", request.pool_key = principal;
//   request.cancellation = client_request.client_gone;      // stop waiting when the caller goes away
//   auto response = co_await upstream.send(std::move(request));
//   while (true) { auto piece = co_await response->body->next(); ... }
//
// Connections are kept for each loop, and shared only between requests with the same origin, certificate authorities, client certificate and
// `pool_key` (G13). Responses are read strictly (G15): a doubtful head ends the exchange with `bad_response` and the connection is not used again.
// Redirects are answers like any other. Must be called on a loop of `loops`; everything it returns lives there.
//
// A request is sent at most once, with one exception: a pooled connection that turns out to be dead before any response byte is replaced by
// a fresh one, once, if nothing of the request was written, or if the method is GET, HEAD or OPTIONS.

#include <chrono>
#include <memory>
#include <string>

#include "adapters/net/event_loops.h"
#include "http/head.h"
#include "http/message.h"

namespace writ::net {

struct UpstreamOptions {
  http::HeadLimits head{64 * 1024, 16 * 1024, 200};
  std::chrono::milliseconds connect_deadline{5'000};        // name, connection and handshake together
  std::chrono::milliseconds keep_idle{30'000};              // how long an unused connection is kept
  std::size_t idle_connections_per_key_max = 32;            // for each loop
  std::size_t piece_bytes_max = 64 * 1024;                  // of a body, and what is buffered of one
  // http to hosts other than loopback: the credentials that the gateway adds would travel in the clear.
  bool allow_plain_http = false;
};

class PooledUpstream final : public http::Upstream {
 public:
  PooledUpstream(EventLoops& loops, UpstreamOptions options);
  ~PooledUpstream() override;   // closes the idle connections; exchanges must have ended
  Task<Result<http::UpstreamResponse, http::UpstreamFailure>> send(http::UpstreamRequest request) override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace writ::net
