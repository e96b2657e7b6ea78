#include "telemetry/instruments.h"

namespace writ::telemetry {

Instruments::Instruments(Registry& to)
    : http_requests(to.counters({"writ_http_requests_total", "Requests that were answered, streams when they have ended.", {"role", "route", "method", "status_class"}})),
      http_durations(to.histograms({"writ_http_request_duration_seconds", "Time from the complete request to the head of its answer.", {"role", "route"}}, request_seconds())),
      http_stream_durations(to.histogram({"writ_http_stream_duration_seconds", "How long streamed answers lasted."}, stream_seconds())),
      http_in_flight(to.gauge({"writ_http_requests_in_flight", "Requests that wait for the head of their answer."})),
      http_streams(to.gauge({"writ_http_streams", "Answers that are being streamed."})),
      http_rejected(to.counters({"writ_http_rejected_requests_total", "Requests that were malformed, too large, too slow or for another host, and handlers that failed.", {"status"}})),
      decisions(to.counters({"writ_gateway_decisions_total", "Decisions of the gateway by server, outcome and reason.", {"server", "outcome", "reason"}}, 4'000)),
      messages(to.counters({"writ_gateway_messages_total", "Decided MCP messages by method.", {"method", "outcome"}})),
      outcomes(to.counters({"writ_gateway_outcomes_total", "How forwarded messages ended.", {"server", "reason", "status_class"}}, 4'000)),
      call_durations(to.histograms({"writ_gateway_exchange_duration_seconds", "Time from a decided message to the end of its answer.", {"server"}}, request_seconds())),
      limits_hit(to.counters({"writ_gateway_limits_hit_total", "Messages that a limit refused.", {"limit"}})),
      id_jags(to.counters({"writ_id_jags_total", "Requests for an ID-JAG, issued or refused.", {"outcome", "reason"}})),
      access_tokens(to.counters({"writ_access_tokens_total", "Requests for an access token, issued or refused.", {"outcome", "reason"}})),
      sign_ins(to.counters({"writ_sign_ins_total", "Sign-ins that succeeded or failed.", {"outcome", "reason"}})),
      client_refusals(to.counters({"writ_client_authentication_refusals_total", "Clients that were refused before a grant was looked at.", {"reason"}})),
      records(to.counters({"writ_audit_records_total", "Records that were committed.", {"event", "effect"}})),
      commit_durations(to.histograms({"writ_audit_commit_duration_seconds", "Time until a record was as durable as it must be.", {"durability"}}, fast_seconds())),
      commit_refusals(to.counter({"writ_audit_commit_refusals_total", "Records that could not be committed; what they were for was answered 503."})),
      upstream_durations(to.histograms({"writ_upstream_request_duration_seconds", "Time until the head of an upstream's answer.", {"server"}}, request_seconds())),
      upstream_requests(to.counters({"writ_upstream_requests_total", "Requests to upstreams by what came of them.", {"server", "outcome"}}, 4'000)),
      store_durations(to.histograms({"writ_store_operation_duration_seconds", "Time that the store took.", {"operation"}}, fast_seconds())),
      store_failures(to.counters({"writ_store_failures_total", "Operations that the store could not do.", {"operation"}})),
      log_batch_records(to.histogram({"writ_audit_log_batch_records", "Records that were written in one go."}, batch_sizes())),
      log_batch_durations(to.histogram({"writ_audit_log_batch_duration_seconds", "Time that a batch took, with its sync if it needed one."}, fast_seconds())),
      log_sync_durations(to.histogram({"writ_audit_log_sync_duration_seconds", "Time that a sync to disk took."}, fast_seconds())),
      loop_lag(to.histogram({"writ_event_loop_lag_seconds", "How long work waited for its event loop, sampled twice a second on each."}, fast_seconds())),
      reloads(to.counters({"writ_reloads_total", "Times that something was read again while running.", {"what", "outcome"}})),
      spans(to.counters({"writ_trace_spans_total", "Spans by what became of them.", {"outcome"}})),
      access_log_lines(to.counter({"writ_access_log_lines_total", "Lines of the access log that were written."})),
      access_log_dropped(to.counter({"writ_access_log_dropped_total", "Lines of the access log that were dropped because writing could not keep up or failed."})) {}

}  // namespace writ::telemetry
