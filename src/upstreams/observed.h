#pragma once

// Counts and times what goes to upstreams, and makes each exchange a step of the client's trace: the upstream is told it in `traceparent`.

#include "telemetry/instruments.h"
#include "upstreams/upstream.h"

namespace writ::upstreams {

std::string_view to_string(Failure::Kind kind);

class Observed final : public Upstream {
 public:
  // Both outlive the object.
  Observed(Upstream& below, telemetry::Instruments& instruments) : below_(below), instruments_(instruments) {}
  Task<Result<http::UpstreamResponse, Failure>> send(Request request) override;

 private:
  Upstream& below_;
  telemetry::Instruments& instruments_;
};

}  // namespace writ::upstreams
