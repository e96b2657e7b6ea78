#pragma once

// The lowest layer as the others see it: each request goes to the transport that its server's object names.

#include "upstreams/upstream.h"

namespace writ::upstreams {

// Each outlives this. Null: this process has no such transport, and a server that wants it fails with `connect`.
struct Transports {
  Upstream* streamable_http = nullptr;
  Upstream* http_sse = nullptr;
  Upstream* stdio = nullptr;
};

class ByTransport final : public Upstream {
 public:
  explicit ByTransport(Transports transports) : transports_(transports) {}
  Task<Result<http::UpstreamResponse, Failure>> send(Request request) override;

 private:
  Transports transports_;
};

}  // namespace writ::upstreams
