#pragma once

// Spans as OTLP wants them over HTTP, in JSON (opentelemetry-proto, ExportTraceServiceRequest).

#include <span>
#include <string>

#include "telemetry/trail.h"

namespace writ::telemetry {

struct Resource {
  std::string service = "writ", version, instance;
};
std::string otlp_json(const Resource& resource, std::span<const Span> spans);

}  // namespace writ::telemetry
