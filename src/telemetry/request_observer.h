#pragma once

// Stands around what a listener answers with: gives each request its id and its place in a trace, counts and times it, writes its line in the access log.

#include <memory>
#include <string>

#include "base/clock.h"
#include "http/router.h"
#include "telemetry/access_log.h"
#include "telemetry/instruments.h"
#include "telemetry/trail.h"

namespace writ::telemetry {

class SpanSink {
 public:
  virtual ~SpanSink() = default;
  virtual void offer(std::vector<Span> spans) = 0;   // never blocks; from any thread
};

// Safe to share between threads. Everything passed by reference or pointer outlives it, and it outlives the answers.
class RequestObserver {
 public:
  struct Settings {
    double sampling = 0;                  // share of requests that are traced; 0: none, and what came is passed on as it came
    bool trusts_senders = false;          // a sender's trace is continued and its word on sampling taken; else its trace is linked
    bool has_access_log = false;
  };
  RequestObserver(Instruments& instruments, const Clock& clock, Settings settings, AccessLog* log, SpanSink* spans)
      : instruments_(instruments), clock_(clock), settings_(settings), log_(log), spans_(spans) {}

  // For net::Listener::begin. The sender's X-Request-Id counts only when a trusted proxy handed it on.
  void begin(http::Request& request, bool proxied) const;
  // `router` outlives the handler.
  http::Handler observe(std::string listener, const http::Router& router) const;

  struct Ending;   // what is known of a request at the head of its answer, and needed at its end
 private:
  class CountedStream;
  Task<http::Response> answer(const std::string& listener, const http::Router& router, const http::Request& request) const;
  void finish(const Ending& ending) const;
  void trace(const Ending& ending) const;

  Instruments& instruments_;
  const Clock& clock_;
  const Settings settings_;
  AccessLog* log_;
  SpanSink* spans_;
};

// A value of X-Request-Id that may be written down: up to 64 letters, digits, `.`, `_` and `-`.
bool is_request_id(std::string_view value);

}  // namespace writ::telemetry
