#include "telemetry/otlp.h"

#include <algorithm>

#include "base/overloaded.h"
#include "encoding/json.h"

namespace writ::telemetry {
namespace {

json::Value attribute(std::string_view key, const std::variant<std::string, std::int64_t>& value) {
  // 64-bit numbers are text in the JSON of protocol buffers.
  json::Value wrapped = std::visit(Overloaded{[](const std::string& text) { return json::Value{{"stringValue", text}}; },
                                              [](std::int64_t number) { return json::Value{{"intValue", std::to_string(number)}}; }},
                                   value);
  return json::Value{{"key", key}, {"value", std::move(wrapped)}};
}

std::string nanoseconds(std::chrono::nanoseconds since_epoch) { return std::to_string(since_epoch.count()); }

json::Value to_json(const Span& span) {
  const std::chrono::nanoseconds started = span.started.time_since_epoch();
  json::Value out{{"traceId", to_hex(span.trace)},
                  {"spanId", to_hex(span.id)},
                  {"name", span.name},
                  {"kind", static_cast<int>(span.kind)},
                  {"startTimeUnixNano", nanoseconds(started)},
                  {"endTimeUnixNano", nanoseconds(started + span.duration)}};
  if (span.parent != SpanId{}) out.set("parentSpanId", to_hex(span.parent));
  json::Array attributes;
  for (const Attribute& each : span.attributes) attributes.push_back(attribute(each.key, each.value));
  if (!attributes.empty()) out.set("attributes", std::move(attributes));
  if (span.link) {
    json::Value link{{"traceId", to_hex(span.link->trace)}, {"spanId", to_hex(span.link->span)}};
    out.set("links", json::Array{std::move(link)});
  }
  constexpr int kError = 2;
  if (span.has_failed) out.set("status", json::Value{{"code", kError}});
  return out;
}

}  // namespace

std::string otlp_json(const Resource& resource, std::span<const Span> spans) {
  json::Array written;
  written.reserve(spans.size());
  for (const Span& span : spans) written.push_back(to_json(span));
  json::Array described;
  described.push_back(attribute("service.name", resource.service));
  described.push_back(attribute("service.version", resource.version));
  described.push_back(attribute("service.instance.id", resource.instance));
  json::Value scope_spans{{"scope", json::Value{{"name", "writ"}, {"version", resource.version}}}, {"spans", std::move(written)}};
  json::Value resource_spans{{"resource", json::Value{{"attributes", std::move(described)}}}, {"scopeSpans", json::Array{std::move(scope_spans)}}};
  return json::write(json::Value{{"resourceSpans", json::Array{std::move(resource_spans)}}});
}

}  // namespace writ::telemetry
