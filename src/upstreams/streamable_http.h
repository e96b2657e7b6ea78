#pragma once

// The lowest layer of a server that speaks Streamable HTTP: puts its address in and sends.

#include "upstreams/upstream.h"

namespace writ::upstreams {

class StreamableHttp final : public Upstream {
 public:
  explicit StreamableHttp(http::Upstream& http) : http_(http) {}
  Task<Result<http::UpstreamResponse, Failure>> send(Request request) override;

 private:
  http::Upstream& http_;
};

// A failure of the connection, in our terms.
Failure to_failure(http::UpstreamFailure failure);

}  // namespace writ::upstreams
