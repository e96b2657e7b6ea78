#include "upstreams/observed.h"

#include "telemetry/trail.h"

namespace writ::upstreams {

std::string_view to_string(Failure::Kind kind) {
  switch (kind) {
    case Failure::Kind::connect: return "connect";
    case Failure::Kind::tls: return "tls";
    case Failure::Kind::timeout: return "timeout";
    case Failure::Kind::bad_response: return "bad_response";
    case Failure::Kind::closed: return "closed";
    case Failure::Kind::credential: return "credential";
    case Failure::Kind::needs_account: return "needs_account";
    case Failure::Kind::unavailable: return "unavailable";
    case Failure::Kind::not_translatable: return "not_translatable";
  }
  return "other";
}

Task<Result<http::UpstreamResponse, Failure>> Observed::send(Request request) {
  const std::shared_ptr<telemetry::Trail> trail = request.trail;
  const std::shared_ptr<const registry::Snapshot> snapshot = request.snapshot;   // keeps the name of the server
  const std::string& server = request.server->id;
  telemetry::Step step(trail.get(), "upstream", telemetry::Span::Kind::client);
  if (step.is_traced()) {
    telemetry::TraceContext onward = *trail->own;
    onward.span = step.id();
    telemetry::write_trace_context(request.http.headers, onward);
    step.note("writ.server", server);
    step.note("http.request.method", request.http.method);
  }
  const auto started = std::chrono::steady_clock::now();
  auto sent = co_await below_.send(std::move(request));
  instruments_.upstream_durations.of({server}).observe(std::chrono::steady_clock::now() - started);
  const std::string_view outcome = !sent ? to_string(sent.error().kind) : sent->status >= 500 ? std::string_view("error_status") : sent->status >= 400 ? std::string_view("refused") : std::string_view("answered");
  instruments_.upstream_requests.of({server, outcome}).add();
  if (sent) step.note("http.response.status_code", std::int64_t{sent->status});
  if (!sent || sent->status >= 500) {
    step.fail();
    step.note("error.type", std::string(outcome));
  }
  co_return sent;
}

}  // namespace writ::upstreams
