#pragma once

// What is counted and measured on the way of requests. Gauges that are read when somebody looks are made in apps/writd.
// docs/reference/observability.md lists them all.

#include "telemetry/registry.h"

namespace writ::telemetry {

struct Instruments {
  explicit Instruments(Registry& registry);

  Family<Counter>& http_requests;             // role, route, method, status_class
  Family<Histogram>& http_durations;          // role, route
  Histogram& http_stream_durations;
  Gauge& http_in_flight;
  Gauge& http_streams;
  Family<Counter>& http_rejected;             // status

  Family<Counter>& decisions;                 // server, outcome, reason
  Family<Counter>& messages;                  // method, outcome
  Family<Counter>& outcomes;                  // server, reason, status_class
  Family<Histogram>& call_durations;          // server
  Family<Counter>& limits_hit;                // limit
  Family<Counter>& id_jags;                   // outcome, reason
  Family<Counter>& access_tokens;             // outcome, reason
  Family<Counter>& sign_ins;                  // outcome, reason
  Family<Counter>& client_refusals;           // reason
  Family<Counter>& records;                   // event, effect
  Family<Histogram>& commit_durations;        // durability
  Counter& commit_refusals;

  Family<Histogram>& upstream_durations;      // server
  Family<Counter>& upstream_requests;         // server, outcome

  Family<Histogram>& store_durations;         // operation
  Family<Counter>& store_failures;            // operation

  Histogram& log_batch_records;
  Histogram& log_batch_durations;
  Histogram& log_sync_durations;
  Histogram& loop_lag;

  Family<Counter>& reloads;                   // what, outcome
  Family<Counter>& spans;                     // outcome
  Counter& access_log_lines;
  Counter& access_log_dropped;
};

}  // namespace writ::telemetry
