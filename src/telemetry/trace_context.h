#pragma once

// W3C Trace Context (Recommendation, level 1): which trace a request belongs to. Strict and bounded: what is malformed is as if it were absent (§3.2.2.3, §3.3.1.4).

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace writ::telemetry {

using TraceId = std::array<std::uint8_t, 16>;
using SpanId = std::array<std::uint8_t, 8>;

struct TraceContext {
  TraceId trace{};
  SpanId span{};              // of whoever speaks
  bool is_sampled = false;
  std::string state;          // tracestate, as it came; empty: none
};

std::string to_hex(const TraceId& id);
std::string to_hex(const SpanId& id);

// 00-<32>-<16>-<2>, lower-case hexadecimal, no id all zero. A later version is read as far as this one knows it.
std::optional<TraceContext> parse_traceparent(std::string_view text);
std::string write_traceparent(const TraceContext& context);
// At most 32 members and 512 bytes, each key once. Several fields are one list.
bool is_tracestate(std::string_view text);

// Of a request: absent unless there is exactly one good `traceparent`; a `tracestate` that is not good is dropped alone.
std::optional<TraceContext> read_trace_context(const http::Headers& headers);
// In the place of what stands there.
void write_trace_context(http::Headers& headers, const TraceContext& context);

// Unpredictable enough to be unique; no secret. Any thread.
TraceId new_trace_id();
SpanId new_span_id();
std::uint64_t random_number();

}  // namespace writ::telemetry
