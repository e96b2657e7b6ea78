#include "gateway/upstream_request.h"

#include <algorithm>

#include "mcp/streamable_http.h"
#include "telemetry/trail.h"

namespace writ::gateway {
namespace {

constexpr std::size_t kEventIdBytesMax = 1'024;

bool is_printable(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

bool is_param_header(std::string_view name) {
  return name.size() > mcp::kParamHeaderPrefix.size() &&
         http::equals_ignoring_case(name.substr(0, mcp::kParamHeaderPrefix.size()), mcp::kParamHeaderPrefix);
}

void add_modern_fields(http::Headers& headers, const http::Request& from, const mcp::Message& message) {
  headers.add(std::string(mcp::kVersionHeader), std::string(mcp::kModernVersion));
  headers.add(std::string(mcp::kMethodHeader), mcp::encode_header_value(message.method()));
  // From the body, not from the header: the two were compared, and only one of them was decided on (MCPA-154).
  const bool has_name = from.headers.count(mcp::kNameHeader) > 0;
  const auto* subject = mcp::mirrored_name(message);
  if (has_name && subject) headers.add(std::string(mcp::kNameHeader), mcp::encode_header_value(*subject));
  for (const auto& [name, value] : from.headers.fields()) {
    if (is_param_header(name)) headers.add(name, value);   // TR-66: untouched
  }
}

void add_legacy_fields(http::Headers& headers, const http::Request& from, const Exchange& exchange) {
  if (const auto* version = from.headers.find_single(mcp::kVersionHeader)) headers.add(std::string(mcp::kVersionHeader), *version);
  if (exchange.session && !exchange.session->upstream_id.empty()) headers.add(std::string(mcp::kSessionHeader), exchange.session->upstream_id);
}

}  // namespace

bool is_session_id(std::string_view value) {
  return !value.empty() && value.size() <= 1'024 && std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x21 && c < 0x7F; });
}

upstreams::Request upstream_request(std::string_view method, const http::Request& from, std::shared_ptr<const registry::Snapshot> snapshot, const registry::Server& server,
                                    const Caller& caller, const std::shared_ptr<Exchange>& exchange, const Settings& settings) {
  upstreams::Request onward;
  onward.snapshot = std::move(snapshot);
  onward.server = &server;
  onward.user = caller.user, onward.agent = caller.agent;
  onward.principal = {exchange->token, &exchange->token->principal};
  onward.era = exchange->era;
  if (exchange->message) onward.message = {exchange, &*exchange->message};
  onward.stands = exchange->stands;

  http::UpstreamRequest& request = onward.http;
  request.method = std::string(method);
  request.headers.reserve(8);
  if (method == "POST") {
    request.headers.add("Content-Type", "application/json");
    request.headers.add("Accept", "application/json, text/event-stream");
    request.body = exchange->message->write();
  } else {
    request.headers.add("Accept", "text/event-stream");
  }
  if (exchange->era == mcp::Era::modern) add_modern_fields(request.headers, from, *exchange->message);
  else add_legacy_fields(request.headers, from, *exchange);
  if (method == "GET") {
    const auto* event_id = from.headers.find_single("Last-Event-ID");
    if (event_id && event_id->size() <= kEventIdBytesMax && is_printable(*event_id)) request.headers.add("Last-Event-ID", *event_id);
  }
  onward.trail = from.trail;
  if (const auto* trace = from.trail ? from.trail->onward() : nullptr) telemetry::write_trace_context(request.headers, *trace);
  // A request about a task may wait for the task, as the call would have.
  const bool is_call = exchange->method && (exchange->method->need == mcp::Need::call || exchange->method->need == mcp::Need::task);
  const auto usual = is_call ? std::chrono::duration_cast<Milliseconds>(settings.call_deadline) : settings.answer_timeout;
  const Milliseconds head_timeout = exchange->answer_within.value_or(usual);
  request.head_timeout_ms = static_cast<int>(head_timeout.count());
  request.idle_timeout_ms = exchange->stands || is_call ? 0 : static_cast<int>(settings.idle_timeout.count());
  request.cancellation = &exchange->cancellation;
  return onward;
}

}  // namespace writ::gateway
